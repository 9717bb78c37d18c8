"""Which dtype a transform computes in, which scale a norm means, and the round-off law.

The law is measured, not proved: the relative l2 error of an orthonormal transform of Gaussian input
is about 0.23 * sqrt(log2 n) * eps. `tolerance` is the bound that tests hold a transform to.
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
    """The dtype of A x: that of `x`, made complex if A's parameters are complex."""
    x, parameters = jnp.dtype(x), jnp.dtype(parameters)
    if jnp.issubdtype(parameters, jnp.complexfloating):
        return jnp.promote_types(accumulator(x), jnp.complex64)
    return x


def to_complex(x: Array) -> Array:
    """`x` in the complex dtype of its own precision; 16-bit floats and integers as float32 has."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return x
    return x.astype(jnp.complex128 if x.dtype == jnp.float64 else jnp.complex64)


def scale_of(norm: Norm, n: int, *, inverse: bool = False) -> float:
    """The factor that `norm` puts on an unscaled transform of length `n`."""
    _checks.norm(norm)
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    return 1.0 / n if inverse == (norm == "backward") else 1.0


def tolerance(n: int, dtype: DTypeLike, *, c: float = 2.0) -> float:
    """The relative error c * sqrt(log2 n) * eps that a transform of length `n` may have."""
    return c * math.sqrt(max(1.0, math.log2(n))) * float(jnp.finfo(dtype).eps)
