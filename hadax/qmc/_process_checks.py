"""Error texts of kernel matrices and of Gaussian processes of one function."""

import jax.numpy as jnp
from jax import core

from hadax._typing import Array, ArrayLike, DTypeLike


def noise(value: ArrayLike, dtype: DTypeLike, n: int | None) -> Array:
    """Variances that are not negative: one, or for an array of n points also one a point."""
    found = jnp.asarray(value, dtype)
    if n is None and found.shape != ():
        raise ValueError(
            "Argument `noise` must be one number for a lattice or net, whose fast transform "
            f"diagonalises no other noise, but has the shape {found.shape}. For one number a point "
            "pass points.words(n), an array, with the cost of a dense matrix."
        )
    if found.shape not in ((), (n,)):
        raise ValueError(
            f"Argument `noise` must be one number or one for each of {n} points, but has the shape "
            f"{found.shape}."
        )
    if not isinstance(found, core.Tracer) and not bool((found >= 0).all()):
        raise ValueError(f"Argument `noise` must not be negative, as variances, but is {found}.")
    return found
