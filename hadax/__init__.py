"""Fast structured transforms for JAX, and what research builds on them.

Transforms are functions of an array; operators are pytrees made by factories from a key. What needs
more than JAX, or more than one device, is imported when it is first used: `hadax.compression`,
`hadax.discrepancy`, `hadax.groups`, `hadax.quantization`, `hadax.sparse`, `hadax.models`,
`hadax.nnx`, `hadax.optax`, `hadax.lineax`, `hadax.distributed`, `hadax.testing`.
"""

import importlib
from types import ModuleType

from hadax import operators
from hadax.kernels._backends import backends
from hadax.operators import (
    haar_rotation,
    householder,
    inverse,
    kac_walk,
    randomized_hadamard,
    srht,
)
from hadax.transforms.boolean import imoebius, moebius, reed_muller, zeta
from hadax.transforms.boolean_functions import (
    algebraic_degree,
    autocorrelation,
    nonlinearity,
    walsh_spectrum,
)
from hadax.transforms.convolutions import (
    and_convolution,
    or_convolution,
    subset_convolution,
    xor_convolution,
)
from hadax.transforms.doubling import double_fftbr, double_fwht, double_rfftbr
from hadax.transforms.fourier import bit_reverse, fftbr, ifftbr, omega_fftbr, omega_fwht
from hadax.transforms.hadamard import hadamard_matrix, next_hadamard_length
from hadax.transforms.kronecker import biased_fwht, biased_ifwht, kron2_transform
from hadax.transforms.real_fourier import irfftbr, rfftbr
from hadax.transforms.walsh import fwht, fwhtn, ifwht, ifwhtn

__version__ = "0.1.0"

__all__ = [
    "algebraic_degree",
    "and_convolution",
    "autocorrelation",
    "backends",
    "biased_fwht",
    "biased_ifwht",
    "bit_reverse",
    "double_fftbr",
    "double_fwht",
    "double_rfftbr",
    "fftbr",
    "fwht",
    "fwhtn",
    "haar_rotation",
    "hadamard_matrix",
    "householder",
    "ifftbr",
    "ifwht",
    "ifwhtn",
    "imoebius",
    "inverse",
    "irfftbr",
    "kac_walk",
    "kron2_transform",
    "moebius",
    "next_hadamard_length",
    "nonlinearity",
    "omega_fftbr",
    "omega_fwht",
    "operators",
    "or_convolution",
    "randomized_hadamard",
    "reed_muller",
    "rfftbr",
    "srht",
    "subset_convolution",
    "walsh_spectrum",
    "xor_convolution",
    "zeta",
]

_ON_DEMAND = (
    "compression",
    "discrepancy",
    "distributed",
    "groups",
    "lineax",
    "models",
    "nnx",
    "optax",
    "quantization",
    "sparse",
    "testing",
)


def __getattr__(name: str) -> ModuleType:
    """Import a submodule when it is first asked for."""
    if name in _ON_DEMAND:
        return importlib.import_module(f"hadax.{name}")
    raise AttributeError(f"module 'hadax' has no attribute {name!r}")
