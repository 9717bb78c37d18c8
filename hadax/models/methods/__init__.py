"""Methods that quantize a whole model, all called alike: method(model, sites, tokens, key, config).

`tokens` is a text to calibrate on and never the one that the model is judged by; each method
returns a `Quantized` model with its packed kernels and a `Report`.
"""

from hadax.models.methods._finishing import GPTQ, Quantized, Report
from hadax.models.methods._quantizers import place_quantizers
from hadax.models.methods.learned_affine import FlatQuantConfig, flatquant, flatquant_mapped
from hadax.models.methods.learned_rotations import SpinQuantConfig, spinquant, spinquant_rotated
from hadax.models.methods.rotating import QuaRotConfig, hadamard_or_haar, quarot
from hadax.models.methods.rounding import GPTQConfig, RTNConfig, gptq, rtn
from hadax.models.methods.scaling import AWQConfig, SmoothQuantConfig, awq, awq_scaled, smoothquant

__all__ = [
    "GPTQ",
    "AWQConfig",
    "FlatQuantConfig",
    "GPTQConfig",
    "QuaRotConfig",
    "Quantized",
    "RTNConfig",
    "Report",
    "SmoothQuantConfig",
    "SpinQuantConfig",
    "awq",
    "awq_scaled",
    "flatquant",
    "flatquant_mapped",
    "gptq",
    "hadamard_or_haar",
    "place_quantizers",
    "quarot",
    "rtn",
    "smoothquant",
    "spinquant",
    "spinquant_rotated",
]
