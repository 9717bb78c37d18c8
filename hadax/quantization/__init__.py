"""Quantization: grids, statistics, and rotations folded into the kernels around them."""

from hadax.quantization.folding import fold_gain, fold_into_reader, fold_into_writer
from hadax.quantization.fused import grouped_ifwht, pack_planes, rotate_and_quantize
from hadax.quantization.statistics import incoherence, kurtosis
from hadax.quantization.uniform import best_clip, fake_quantize

__all__ = [
    "best_clip",
    "fake_quantize",
    "fold_gain",
    "fold_into_reader",
    "fold_into_writer",
    "grouped_ifwht",
    "incoherence",
    "kurtosis",
    "pack_planes",
    "rotate_and_quantize",
]
