"""From bins to the spectrum that explains them."""

import math

import jax.numpy as jnp
from jax import lax

from hadax import _dtypes
from hadax._typing import Array
from hadax.sparse import _limits, _noise, _peeling, _refining
from hadax.sparse._bins import Law, energies_of, full
from hadax.sparse._hidden import share_hidden
from hadax.sparse._shares import ALL, Share
from hadax.sparse.query_points import Queries
from hadax.sparse.spectrum import SparseSpectrum

# A transform without coefficients is told from noise wrongly so often.
_FALSE_ALARM = 1e-3

# Empty bins of which so few have more energy tell the noise.
_UNUSUAL = 0.05

# Of coefficients that just are no chance so many leave a bin with less energy than is looked at.
_OVERLOOKED = 1e-3

# Of as many coefficients as there may be, as weak as the weakest that was found, so many may hide.
_HIDDEN = 0.05

# A given noise level may be wrong by this share of its energy.
_NOISE_SLACK = 0.05


def explained(
    queries: Queries,
    seen: Array,
    noise: Array,
    parts: int,
    *,
    estimate: bool,
    max_rounds: int,
    share: Share = ALL,
) -> SparseSpectrum:
    """Peel, refine, and judge what is left of the bins at hand (C, bins, P).

    A value of a function has one real part or two, and so has its noise in a bin. Real functions of
    digits have complex bins too, but bin j is the conjugate of bin -j. Where these are the same it
    is real, and its energy varies as much as that of one part; that of all bins together varies as
    that of the values.
    """
    matrices, offsets = queries.subsampling, queries.offsets
    unit = _dtypes.unit(share.largest(jnp.max(jnp.abs(lax.stop_gradient(seen)))))
    given, noise = seen / unit.astype(seen.dtype), noise.astype(unit.dtype) / unit
    seen = lax.stop_gradient(given)
    power = share.total(jnp.sum(energies_of(seen))) * (matrices.bins / queries.count)

    if estimate:
        # Nearly all bins of a function of digits have two parts, also if it is real.
        usual = _limits.energy(offsets.count, 2 if jnp.iscomplexobj(seen) else 1, _UNUSUAL)
        variance = _noise.estimated(seen, queries.sparsity, usual, share)
    else:
        variance = jnp.square(noise) / matrices.bins
    variance = jnp.maximum(variance, _noise.round_off(power))
    law = bounds(queries, lax.stop_gradient(variance), parts)

    # Room for more than was said, which are as many as there are bins at the most, but for those
    # that are found in parts: which of them are the largest is seen at the end.
    slots = queries.sparsity + queries.sparsity // 4 + 8
    found = _peeling.peel(
        seen,
        matrices,
        offsets,
        law,
        slots=max(slots, matrices.groups * matrices.bins),
        max_rounds=max_rounds,
        noisy=queries.decoder != "noiseless",
        share=share,
    )
    found = _refining.refined(given, found, matrices, offsets, law, slots=slots, share=share)

    left = lax.stop_gradient(found.left)
    total = share.total(jnp.sum(energies_of(left)))
    most = _limits.energy(queries.count, parts, _FALSE_ALARM) + _NOISE_SLACK * queries.count
    over = share.total(jnp.sum(full(left, law), dtype=jnp.int32))
    good = (over == 0) & (found.dropped == 0) & (total <= most * law.variance)
    # What is so weak that most bins do not show it was found by luck, and others like it were not.
    least = offsets.count * _peeling.weakest(found.coefficients, found.count)
    good &= least >= min(law.chance, law.nothing - offsets.count) * law.variance
    if queries.decoder != "noiseless":
        known = (found.support, lax.stop_gradient(found.coefficients), found.count)
        hidden = share_hidden(*known, offsets, law, matrices.groups)
        good &= queries.sparsity * hidden <= _HIDDEN
    return SparseSpectrum(
        found.support,
        found.coefficients * unit.astype(seen.dtype),
        found.count,
        good & ((found.count > 0) | (power == 0)),
        found.rounds,
        jnp.sqrt(law.variance * matrices.bins) * unit,
        jnp.sqrt(total / queries.count * matrices.bins) * unit,
        found.dropped,
        matrices.n,
        queries.count,
        matrices.base,
    )


def bounds(queries: Queries, variance: Array, parts: int) -> Law:
    """What noise of this variance, of one real part or two, leaves in the bins of these queries."""
    matrices, numbers = queries.subsampling, queries.offsets.count
    each = _FALSE_ALARM / (matrices.groups * matrices.bins)
    nothing = _limits.energy(numbers, parts, each)
    # As many indices as there are could be found by chance, each in the bin that is its own.
    rarity = matrices.n * math.log(matrices.base) + math.log(matrices.groups / _FALSE_ALARM)
    chance = _limits.normal_square(rarity) if parts == 1 else rarity
    beside = _limits.energy(numbers - 1, parts, 1 - _OVERLOOKED)
    return Law(
        variance,
        nothing=nothing,
        one=_limits.energy(numbers - 1, parts, each),
        chance=chance,
        # Of Gaussian numbers one direction has a share of the energy whose law is a beta one.
        share=-math.expm1(-2 * rarity / (parts * matrices.groups * numbers - 1)),
        worth=min(nothing, chance + beside),
    )
