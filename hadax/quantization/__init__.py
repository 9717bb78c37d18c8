"""Quantization: grids, statistics, and rotations folded into the kernels around them."""

from hadax.quantization.folding import fold_gain, fold_into_reader, fold_into_writer
from hadax.quantization.fused import grouped_ifwht, pack_planes, rotate_and_quantize
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
from hadax.quantization.uniform import best_clip, fake_quantize

__all__ = [
    "ModelSites",
    "Norm",
    "Site",
    "assert_invariant",
    "best_clip",
    "fake_quantize",
    "fold_gain",
    "fold_into_reader",
    "fold_into_writer",
    "fold_norms",
    "fuse",
    "grouped_ifwht",
    "incoherence",
    "kurtosis",
    "pack_planes",
    "rotate_and_quantize",
    "untie",
]
