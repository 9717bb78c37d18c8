"""Error texts of kernel matrices and of Gaussian processes of one function."""

from statistics import NormalDist

import jax.numpy as jnp
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.qmc import _qmc_checks
from hadax.qmc.kernels import ProductKernel


def places(name: str, value: ArrayLike, kernel: ProductKernel) -> Array:
    """Points where a process is asked for, (q, d): in [0, 1) if they are to be words of a net."""
    found, dimensions = _checks.real_float(name, value), kernel.dimensions
    if found.ndim != 2 or found.shape[1] != dimensions:
        raise ValueError(
            f"Argument `{name}` must hold points of {dimensions} dimensions, with the shape "
            f"(q, {dimensions}), but has {name}.shape={found.shape}. Of one point pass "
            f"{name}[None]."
        )
    if kernel.is_digital and not isinstance(found, core.Tracer):
        inside = (found >= 0) & (found < 1)
        if not bool(inside.all()):
            raise ValueError(
                f"Argument `{name}` must lie in [0, 1), as the points of nets do, but has "
                f"{found[~inside][0]}."
            )
    return found


def vectors(name: str, value: ArrayLike, n: int) -> Array:
    """What a matrix of n points takes, (..., n)."""
    found = _checks.real_float(name, value)
    if found.shape[-1:] != (n,):
        raise ValueError(
            f"Argument `{name}` must have a value for each of {n} points along its last axis, but "
            f"has {name}.shape={found.shape}."
        )
    return found


def one_mean(value: ArrayLike, dtype: DTypeLike) -> Array:
    """A prior mean of all values."""
    found = jnp.asarray(value, dtype)
    if found.shape != ():
        raise ValueError(
            f"Argument `prior_mean` must be one number, but has the shape {found.shape}. Take a "
            "function off the values first, and add it to the posterior mean."
        )
    return found


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


def deviations(confidence: float) -> float:
    """How many standard deviations to either side a Gaussian takes with this probability."""
    _qmc_checks.between_zero_and_one("confidence", confidence)
    # In double precision, and of the tail: in float32 1 - 1e-9 would be 1.
    return -NormalDist().inv_cdf((1 - float(confidence)) / 2)
