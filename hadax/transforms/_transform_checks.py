"""What the transforms of this room refuse, beyond what all of hadax does."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import core

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


def bit_matrices(value: ArrayLike, bits: int) -> Array:
    """`value` as a 2 x 2 matrix for each bit of an index."""
    found = _checks.array("matrices", value)
    if found.shape != (bits, 2, 2):
        raise ValueError(
            f"Argument `matrices` must have shape ({bits}, 2, 2), one for each bit of an index of "
            f"x, but has matrices.shape={found.shape}."
        )
    return found


def probabilities(value: ArrayLike, bits: int) -> Array:
    """`value` as a probability, or one for each bit of an index."""
    found = _checks.real_float("p", value)
    if found.shape not in ((), (bits,)):
        raise ValueError(
            f"Argument `p` must be a number or have shape ({bits},), one for each bit of an index "
            f"of x, but has p.shape={found.shape}."
        )
    if not isinstance(found, core.Tracer):
        outside = np.asarray(found)[~((np.asarray(found) > 0) & (np.asarray(found) < 1))]
        if outside.size:
            raise ValueError(
                "Argument `p` must be probabilities inside of (0, 1), but has "
                f"{float(outside.ravel()[0])}. Leave out a bit that never changes."
            )
    return found


def tables(first: ArrayLike, second: ArrayLike, axis: int) -> tuple[Array, Array, int]:
    """Two functions of subsets, of one shape and dtype, with the axis of the subsets last."""
    x, y = _checks.array("x", first), _checks.array("y", second)
    if x.shape != y.shape or x.dtype != y.dtype:
        raise ValueError(
            "Arguments `x` and `y` must have one shape and one dtype, but are "
            f"{x.dtype}{list(x.shape)} and {y.dtype}{list(y.shape)}."
        )
    number = _checks.axis(x, axis)
    _checks.power_of_two(x.shape[number], why="a convolution of functions of subsets")
    return jnp.moveaxis(x, number, -1), jnp.moveaxis(y, number, -1), number


def squares_dtype(length: int) -> jnp.dtype:
    """The dtype of integers that hold the square of `length` with its sign."""
    found = jax.dtypes.canonicalize_dtype(jnp.int64)
    if length**2 > jnp.iinfo(found).max:
        raise ValueError(
            f"Argument `x` must have at most 2^15 values for {found} to hold the exact sums, but "
            f"has {length}. Compute inside of jax.enable_x64(True)."
        )
    return found
