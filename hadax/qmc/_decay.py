"""Coefficients of an integrand in an order in which they fall, and what that says of its mean."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array, ArrayLike
from hadax.qmc import _sampling, _spectra
from hadax.qmc.gram import Points
from hadax.qmc.lattices import Lattice
from hadax.qmc.periodization import Periodization

Integrand = Callable[[Array], Array]

# More than the logarithm of any number of points.
LEVELS = 64

_TINY = np.finfo(np.float32).tiny

# Of 2^m coefficients in order, those from 2^(m-5) to 2^(m-4) are what is summed: larger ones may be
# anything, smaller ones are those of many frequencies at once.
_LAG = 4


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Decay:
    """What is known after n points: means, sums of coefficients, and what the next ones start from.

    `spectra` (q + c, n) are the transforms of f and of its control variates, `order` (q, n) their
    indices from large to small, `means`, `sums` and `largest` (q,) those of f. `low` and `high`
    (q, LEVELS) bound, for every l, the sum of the true coefficients from 2^(l-1) to 2^l.
    """

    spectra: Array
    order: Array
    means: Array
    sums: Array
    low: Array
    high: Array
    largest: Array

    def cone(self) -> np.ndarray:
        """The largest ratio of a lower bound on a true sum to an upper one, but for noise: (q,).

        What is in the cone has at most 1.
        """
        low, high, largest = (np.asarray(part) for part in (self.low, self.high, self.largest))
        noise = 8 * np.finfo(low.dtype).eps * largest[:, None] * np.sqrt(2.0 ** np.arange(LEVELS))
        return np.max(np.maximum(low - noise, 0) / np.maximum(high, noise + _TINY), axis=1)


@functools.partial(
    jax.jit, static_argnames=("f", "control", "n", "n_min", "periodization", "inflation")
)
def decay(
    points: Points,
    before: Decay | None,
    known: Array | None,
    *,
    f: Integrand,
    control: Integrand | None,
    n: int,
    n_min: int,
    periodization: Periodization | None,
    inflation: float,
) -> Decay:
    """What n points say, given what half of them did, or nothing."""
    start = 0 if before is None else n // 2

    def sampled(g: Integrand) -> Array:
        return _sampling.values(g, points, n - start, start, periodization)

    samples = sampled(f)
    count = len(samples)
    if control is not None:
        samples = jnp.concatenate([samples, sampled(control)])
    is_lattice = isinstance(points, Lattice)
    spectra = _spectra.transformed(samples, is_lattice=is_lattice)
    if before is None:
        order = jnp.broadcast_to(jnp.arange(n), (count, n))
    else:
        spectra = _spectra.doubled(before.spectra, spectra, is_lattice=is_lattice)
        order = jnp.concatenate([before.order, before.order + n // 2], axis=1)
    # Scaled such that the first one is the mean.
    scaled = spectra * jnp.asarray(n**-0.5, spectra.dtype)
    values, shift = scaled[:count], jnp.zeros(count, samples.dtype)
    if known is not None:
        slopes = _slopes(values, scaled[count:])
        part = jnp.matmul(slopes.astype(values.dtype), scaled[count:], precision="highest")
        values = values - part
        shift = jnp.matmul(slopes, known.astype(slopes.dtype), precision="highest")
    sizes = jnp.abs(values)
    order = _sorted(order, sizes, all_levels=before is None or known is not None)
    falling = jnp.take_along_axis(sizes, order, axis=1)
    sums = jnp.sum(falling[:, n >> (_LAG + 1) : n >> _LAG], axis=1)
    low, high = _bounds(falling, before, n_min, inflation)
    means = values[:, 0].real + shift
    return Decay(spectra, order, means, sums, low, high, jnp.max(sizes, axis=1))


def _sorted(order: Array, sizes: Array, *, all_levels: bool) -> Array:
    """An order (q, n) in which sizes (q, n) fall from each half of a block to the next.

    An index and its partner in the other half of a block cannot be told apart by half of the
    points: if the partner is larger they change places, and so do the pairs that follow them in
    every block.
    """
    n = order.shape[1]
    m = n.bit_length() - 1
    last = 1 if all_levels else m - _LAG
    # The first block decides for all of them, and only the larger ones of its pairs matter to the
    # levels below: what all levels decide takes O(n).
    falling, decided = jnp.take_along_axis(sizes, order, axis=1), []
    for level in range(m - 1, last - 1, -1):
        first, second = falling[:, : 1 << level], falling[:, 1 << level : 2 << level]
        swap = (second > first) & (jnp.arange(1 << level) > 0)[None]
        falling = jnp.where(swap, second, first)
        decided.append(swap)
    # That of pair j at a level is at 2^level + j.
    swaps = jnp.pad(jnp.concatenate(decided[::-1], axis=1), ((0, 0), (1 << last, 0)))

    def origins(level: ArrayLike, at: Array) -> Array:
        half = jnp.asarray(1, at.dtype) << jnp.asarray(level, at.dtype)
        swap = jnp.take_along_axis(swaps, half + (at & (half - 1)), axis=1)
        return jnp.where(swap, at ^ half, at)

    # Where what is in a place at the end was at first: from the last level back to the first one.
    at = jax.lax.fori_loop(last, m, origins, jnp.broadcast_to(jnp.arange(n), order.shape))
    return jnp.take_along_axis(order, at, axis=1)


def _slopes(values: Array, controls: Array) -> Array:
    """The multiples (q, c) of controls that leave the least of all but the largest coefficients."""
    n, sizes = values.shape[1], jnp.abs(values)
    largest = jnp.sort(sizes, axis=1)[:, n - (n >> (_LAG + 1))]
    weights = (sizes < largest[:, None]).astype(sizes.dtype)

    def one(value: Array, weight: Array) -> Array:
        weighted = controls * weight[None].astype(controls.dtype)
        normal = jnp.matmul(weighted, jnp.conj(controls).T, precision="highest").real
        right = jnp.matmul(weighted, jnp.conj(value), precision="highest").real
        return jnp.matmul(jnp.linalg.pinv(normal, hermitian=True), right, precision="highest")

    return jax.lax.map(lambda pair: one(*pair), (values, weights))


def _bounds(
    falling: Array, before: Decay | None, n_min: int, inflation: float
) -> tuple[Array, Array]:
    """Bounds on the sums of true coefficients by those of sampled ones, as `Decay` holds them.

    In the cone a sampled sum is between 1 - c and 1 + c times the true one. Each number of points
    bounds the same truth.
    """
    q, n = falling.shape
    m, first = n.bit_length() - 1, n_min.bit_length() - 1 - _LAG
    # Sums over blocks of 2^(first - 1) are added up to those from 2^(l - 1) to 2^l for every l.
    blocks = falling.reshape(q, -1, 1 << (first - 1)).sum(-1)[:, 1:]
    levels = first + np.log2(np.arange(1, blocks.shape[1] + 1)).astype(int)
    sampled = jax.ops.segment_sum(blocks.T, levels, LEVELS).T
    at = np.arange(LEVELS)
    c = inflation * 4.0 ** (_LAG / 2 - (m - at)) / (1 + inflation * 2.0**-_LAG)
    known = (at >= first) & (at <= m)
    c_low = np.where(known, 1 + c, np.inf).astype(falling.dtype)[None]
    c_high = np.where(known & (c < 1), 1 - c, 0).astype(falling.dtype)[None]
    low, high = sampled / c_low, jnp.where(c_high > 0, sampled / c_high, jnp.inf)
    if before is not None:
        low, high = jnp.maximum(low, before.low), jnp.minimum(high, before.high)
    return low, high
