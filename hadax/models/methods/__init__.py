"""Methods that quantize a whole model, all called alike: method(model, sites, tokens, key, config).

`tokens` is a text to calibrate on and never the one that the model is judged by; each method
returns a `Quantized` model with its packed kernels and a `Report`.
"""

from hadax.models.methods._finishing import GPTQ, Quantized, Report
from hadax.models.methods.rotating import QuaRotConfig, hadamard_or_haar, quarot
from hadax.models.methods.rounding import GPTQConfig, RTNConfig, gptq, rtn

__all__ = [
    "GPTQ",
    "GPTQConfig",
    "QuaRotConfig",
    "Quantized",
    "RTNConfig",
    "Report",
    "gptq",
    "hadamard_or_haar",
    "quarot",
    "rtn",
]
