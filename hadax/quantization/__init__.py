"""Quantization: formats, scales, packed tensors, statistics, rotations folded into kernels.

`simulate` rounds in floating point; `quantize` packs; `hadax.quantization.storage`, which needs the
package safetensors, keeps what it packed in files.
"""

from hadax.quantization.clipping import GPTQ_SHARES, LEARNED_START, best_clip, learned_clip
from hadax.quantization.folding import fold_gain, fold_into_reader, fold_into_writer
from hadax.quantization.formats import Codebook, FloatFormat, Format, IntFormat, lloyd_max, nf4
from hadax.quantization.fused import grouped_ifwht, pack_planes, rotate_and_quantize
from hadax.quantization.interchange import from_qwix, qwix_fields
from hadax.quantization.qtensor import QTensor, quantize, quantized_matmul
from hadax.quantization.rounding import round_stochastic, straight_through
from hadax.quantization.rules import Precision, QuantizationRule, precision
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.simulated import fake_quantize, simulate
from hadax.quantization.sites import (
    ModelSites,
    Norm,
    Site,
    assert_invariant,
    fold_norms,
    fuse,
    untie,
)
from hadax.quantization.statistics import incoherence, kurtosis
from hadax.quantization.stiefel import stiefel_step

__all__ = [
    "GPTQ_SHARES",
    "LEARNED_START",
    "Codebook",
    "FloatFormat",
    "Format",
    "IntFormat",
    "ModelSites",
    "Norm",
    "Precision",
    "QTensor",
    "QuantizationRule",
    "ScaleSpec",
    "Site",
    "assert_invariant",
    "best_clip",
    "fake_quantize",
    "fold_gain",
    "fold_into_reader",
    "fold_into_writer",
    "fold_norms",
    "from_qwix",
    "fuse",
    "grouped_ifwht",
    "incoherence",
    "kurtosis",
    "learned_clip",
    "lloyd_max",
    "nf4",
    "pack_planes",
    "precision",
    "quantize",
    "quantized_matmul",
    "qwix_fields",
    "rotate_and_quantize",
    "round_stochastic",
    "simulate",
    "stiefel_step",
    "straight_through",
    "untie",
]
