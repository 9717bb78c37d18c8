"""Which dtype a transform computes in, which scale a norm means, and the round-off law.

The law is measured, not proved (docs/conventions.md, "Round-off"): the relative l2 error of an
orthonormal transform of Gaussian input is a small constant times sqrt(log2 n) * eps. `tolerance` is
the bound that tests hold a transform to.
"""

import math

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, DTypeLike, Norm


def accumulator(dtype: DTypeLike) -> jnp.dtype:
    """The dtype a transform of `dtype` adds up in: float32 for the 16-bit floats, else itself."""
    dtype = jnp.dtype(dtype)
    return jnp.dtype(jnp.float32) if dtype in (jnp.float16, jnp.bfloat16) else dtype


def result_dtype(x: DTypeLike, parameters: DTypeLike) -> jnp.dtype:
    """The dtype of A x: that of `x`, made complex if A's parameters are complex.

    Integers are refused where A is not made of integers: its entries would be rounded.
    """
    if jnp.issubdtype(parameters, jnp.inexact):
        _checks.not_integer(x)
    if jnp.issubdtype(parameters, jnp.complexfloating):
        return complex_dtype(x)
    return jnp.dtype(x)


def complex_dtype(dtype: DTypeLike) -> jnp.dtype:
    """The complex dtype of the same precision: complex128 for 64-bit floats, else complex64."""
    is_double = jnp.dtype(dtype) in (jnp.float64, jnp.complex128)
    return jnp.dtype(jnp.complex128 if is_double else jnp.complex64)


def scale_of(norm: Norm, n: int, *, inverse: bool = False) -> float:
    """The factor that `norm` puts on an unscaled transform of length `n`."""
    _checks.norm(norm)
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    return 1.0 / n if inverse == (norm == "backward") else 1.0


def tolerance(n: int, dtype: DTypeLike, *, c: float = 2.0) -> float:
    """The relative error c * sqrt(log2 n) * eps that a transform of length `n` may have."""
    return c * math.sqrt(max(1.0, math.log2(n))) * float(jnp.finfo(dtype).eps)


def unit(largest: Array) -> Array:
    """A power of two near the largest number, beside which squares neither over- nor underflow."""
    _, exponent = jnp.frexp(largest)
    most = jnp.finfo(largest.dtype).maxexp - 2
    found = jnp.ldexp(jnp.ones_like(largest), jnp.clip(exponent, -most, most))
    return jnp.where(jnp.isfinite(largest), found, jnp.ones_like(found))
