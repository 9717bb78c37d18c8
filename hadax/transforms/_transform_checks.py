"""What the transforms of this room refuse, beyond what all of hadax does."""

import jax.numpy as jnp

from hadax import _bits, _checks
from hadax._typing import Array, ArrayLike


def real(name: str, value: ArrayLike, *, instead: str) -> Array:
    """`value` as an array of numbers that are not complex."""
    x = _checks.array(name, value)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise TypeError(
            f"Argument `{name}` must be real, but has {name}.dtype={x.dtype}. Use {instead}."
        )
    return x


def halves(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array]:
    """Transforms of two halves: of one shape, one dtype, and not of integers."""
    left, right = _checks.array("first", first), _checks.array("second", second)
    if left.shape != right.shape or left.ndim == 0 or left.shape[-1] == 0:
        raise ValueError(
            "Arguments `first` and `second` must have one shape (..., n), but have "
            f"{left.shape} and {right.shape}."
        )
    if left.dtype != right.dtype or not jnp.issubdtype(left.dtype, jnp.inexact):
        raise TypeError(
            "Arguments `first` and `second` must have one real or complex dtype, but have "
            f"{left.dtype} and {right.dtype}."
        )
    return left, right


def half_spectrum(name: str, length: int) -> int:
    """The length of the real input that has a half spectrum of this one."""
    n = max(2 * (length - 1), 1)
    if not _bits.is_power_of_two(n):
        raise ValueError(
            f"Argument `{name}` must be half a spectrum, of n/2 + 1 entries for a power of two n, "
            f"but has {length}."
        )
    return n
