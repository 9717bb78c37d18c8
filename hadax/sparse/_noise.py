"""The noise of bins: round-off, what was said of it, or what the emptiest bins tell."""

import math

import jax.numpy as jnp
from jax import lax
from jax.scipy.special import gammainc

from hadax._typing import Array, ArrayLike
from hadax.sparse._limits import chi_square

# Round-off of a function's value and of a sum of values, in units of eps times their size.
_ROUND_OFF = 8.0

_CLIPPINGS = 10


def round_off(samples: Array) -> Array:
    """The variance that round-off is good for."""
    return (_ROUND_OFF * jnp.finfo(samples.dtype).eps) ** 2 * jnp.mean(jnp.square(samples))


def estimated(seen: Array, sparsity: int, most: float) -> Array:
    """The noise's variance in numbers of bins (C, bins, P), from bins that hold nothing else.

    A share exp(-sparsity / bins) of the bins is empty, if there are as many coefficients as was
    said, and these have the least energy: half of that share up is their median. The mean of all
    bins of energy up to `most` variances by it, beside that of empty ones up to there, is a better
    estimate, and so on. A low `most` keeps those out that hold coefficients as weak as noise.
    """
    groups, bins, freedom = seen.shape
    energies = jnp.sum(jnp.square(seen), axis=-1).reshape(-1)
    at = int(groups * bins * math.exp(-sparsity / bins) / 2)
    start = jnp.sort(energies)[at] / chi_square(freedom, 0.5)
    half = most / 2
    expected = freedom * gammainc(freedom / 2 + 1, half) / gammainc(freedom / 2, half)

    def clipped(_: ArrayLike, variance: Array) -> Array:
        empty = energies <= most * variance
        total = jnp.sum(jnp.where(empty, energies, jnp.zeros_like(energies)))
        mean = total / jnp.maximum(jnp.sum(empty, dtype=jnp.int32), 1).astype(seen.dtype)
        return jnp.where(jnp.any(empty), mean / expected.astype(seen.dtype), variance)

    return lax.fori_loop(0, _CLIPPINGS, clipped, start)
