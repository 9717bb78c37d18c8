"""Quantization: grids, statistics, and rotations folded into the kernels around them."""

from hadax.quantization.folding import fold_gain, fold_into_reader, fold_into_writer
from hadax.quantization.statistics import incoherence, kurtosis
from hadax.quantization.uniform import best_clip, fake_quantize

__all__ = [
    "best_clip",
    "fake_quantize",
    "fold_gain",
    "fold_into_reader",
    "fold_into_writer",
    "incoherence",
    "kurtosis",
]
