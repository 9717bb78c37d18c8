"""Quantization: grids, statistics, and rotations folded into the linears around them."""

from hadax.quantization.statistics import incoherence, kurtosis
from hadax.quantization.uniform import fake_quantize

__all__ = ["fake_quantize", "incoherence", "kurtosis"]
