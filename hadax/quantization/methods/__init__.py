"""Methods that round kernels W[in, out] after training: pure functions from arrays to arrays."""

from hadax.quantization.methods.awq import awq_clip, awq_gains
from hadax.quantization.methods.gptq import gptq
from hadax.quantization.methods.rtn import rtn
from hadax.quantization.methods.smoothquant import smoothing_gains, smoothquant

__all__ = [
    "awq_clip",
    "awq_gains",
    "gptq",
    "rtn",
    "smoothing_gains",
    "smoothquant",
]
