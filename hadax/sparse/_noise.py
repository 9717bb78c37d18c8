"""The noise of bins: round-off, what was said of it, or what the emptiest bins tell."""

import math

import jax.numpy as jnp
from jax import lax
from jax.scipy.special import gammainc

from hadax._typing import Array, ArrayLike
from hadax.sparse._bins import energies_of
from hadax.sparse._limits import energy
from hadax.sparse._shares import ALL, Share

# Round-off of a function's value and of a sum of values, in units of eps times their size.
_ROUND_OFF = 8.0

_CLIPPINGS = 10


def round_off(power: Array) -> Array:
    """The variance that round-off is good for, with values of this mean square."""
    return (_ROUND_OFF * jnp.finfo(power.dtype).eps) ** 2 * power


def estimated(seen: Array, sparsity: int, most: float, share: Share = ALL) -> Array:
    """The noise's variance in numbers of bins (C, bins, P), from bins that hold nothing else.

    A share exp(-sparsity / bins) of the bins is empty, if there are as many coefficients as was
    said, and these have the least energy: half of that share up is their median. The mean of all
    bins of energy up to `most` variances by it, beside that of empty ones up to there, is a better
    estimate, and so on. A low `most` keeps those out that hold coefficients as weak as noise.
    """
    groups, _, numbers = seen.shape
    parts = 2 if jnp.iscomplexobj(seen) else 1
    energies = share.everywhere(energies_of(seen), axis=1)
    count = energies.size
    at = int(count * math.exp(-sparsity * groups / count) / 2)
    start = jnp.sort(energies.reshape(-1))[at] / energy(numbers, parts, 0.5)
    half, freedom = parts * most / 2, parts * numbers
    expected = numbers * gammainc(freedom / 2 + 1, half) / gammainc(freedom / 2, half)

    def clipped(_: ArrayLike, variance: Array) -> Array:
        empty = energies <= most * variance
        total = jnp.sum(jnp.where(empty, energies, jnp.zeros_like(energies)))
        mean = total / jnp.maximum(jnp.sum(empty, dtype=jnp.int32), 1).astype(energies.dtype)
        return jnp.where(jnp.any(empty), mean / expected.astype(energies.dtype), variance)

    return lax.fori_loop(0, _CLIPPINGS, clipped, start)
