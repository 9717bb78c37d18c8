"""From values at the points of a design to the Walsh spectrum that explains them."""

import functools
import math

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike, Num
from hadax.sparse import _limits, _noise, _peeling, _sparse_checks
from hadax.sparse.queries import Queries
from hadax.sparse.spectrum import SparseSpectrum
from hadax.transforms.walsh import fwht

# A transform without coefficients is told from noise wrongly so often.
_FALSE_ALARM = 1e-3

# Empty bins of which so few have more energy tell the noise.
_UNUSUAL = 0.05

# A given noise level may be wrong by this share of its energy.
_NOISE_SLACK = 0.05


def recover(
    queries: Queries,
    values: Num[ArrayLike, "..."],
    *,
    noise: ArrayLike | None = None,
    max_rounds: int = 40,
) -> SparseSpectrum:
    r"""The Walsh spectrum with few coefficients that explains a function's values.

    Transforms of the values over $\ell$ show in bin j of group c the sum of all
    $F_k (-1)^{\langle k, d_p\rangle}$ with $M_c^\top k = j$. A bin with one coefficient tells which
    it is; taken out of its bins of the other groups, it leaves more bins with one. What noise may
    leave in a bin is a quantile of the law of $\chi^2$, at a thousandth for all bins together. At
    last F is refined by least squares of all bins.

    Args:
        queries: the points, of `queries`.
        values: the function's values at them, shape `queries.shape`; leading axes are functions.
        noise: standard deviation of the noise of a value, for decoders that bear it; None estimates
            it, 0 says that there is none, as does decoder="noiseless".
        max_rounds: most rounds of peeling, each through all groups.

    Returns:
        A `SparseSpectrum`. Its `success` says whether what was found explains all values.

    Raises:
        ValueError: values of another shape, or a noise without a decoder for it.
        TypeError: values that are not real floating point.

    Cost:
        O(C P B log B) for the transforms and O(C P B) a round, for B bins.

    Example:
        >>> import jax
        >>> from hadax import sparse
        >>> asked = sparse.queries(40, 3, jax.random.key(0))
        >>> x = sparse.unpack_bits(asked.points(), 40)
        >>> values = 0.5 - (1.0 - 2.0 * x[..., 4]) * (1.0 - 2.0 * x[..., 39])
        >>> spectrum = sparse.recover(asked, values)
        >>> spectrum.to_dict() == {0: 0.5, 2**4 + 2**39: -1.0}
        True

    See Also:
        `sparse_fwht`, which asks a function by itself.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`.
    """
    known = _sparse_checks.sampled(values, queries.shape)
    deviation = _sparse_checks.noise(noise, queries.decoder)
    rounds = _checks.integer("max_rounds", max_rounds, minimum=1)
    estimate = noise is None and queries.decoder != "noiseless"
    return _recovered(queries, known, deviation, estimate=estimate, max_rounds=rounds)


@functools.partial(jax.jit, static_argnames=("estimate", "max_rounds"))
def _recovered(
    queries: Queries, values: Array, noise: Array, *, estimate: bool, max_rounds: int
) -> SparseSpectrum:
    """Transform, peel, refine, and judge what is left, for each of several functions."""
    one = functools.partial(_one, queries, estimate=estimate, max_rounds=max_rounds)
    for _ in range(values.ndim - 3):
        one = jax.vmap(one, in_axes=(0, None))
    return one(values, noise)


def _one(
    queries: Queries, values: Array, noise: Array, *, estimate: bool, max_rounds: int
) -> SparseSpectrum:
    """The spectrum of one function."""
    matrices, offsets = queries.subsampling, queries.offsets
    seen = jnp.swapaxes(fwht(values, norm="forward"), 1, 2)

    each = _FALSE_ALARM / (matrices.groups * matrices.bins)
    nothing = _limits.chi_square(offsets.count, each)
    one = _limits.chi_square(offsets.count - 1, each)
    if estimate:
        usual = _limits.chi_square(offsets.count, _UNUSUAL)
        variance = _noise.estimated(seen, queries.sparsity, usual)
    else:
        variance = jnp.square(noise.astype(seen.dtype)) / matrices.bins
    variance = jnp.maximum(variance, _noise.round_off(values))
    # As many indices as there are could be found by chance, each in the bin that is its own.
    rarity = queries.n * math.log(2) + math.log(matrices.groups / _FALSE_ALARM)
    law = _peeling.Law(variance, nothing, one, _limits.normal_square(rarity))

    # A coefficient that is found in parts takes a slot for each.
    slots = queries.sparsity + queries.sparsity // 4 + 8
    noisy = queries.decoder != "noiseless"
    found = _peeling.peel(
        seen, matrices, offsets, law, slots=slots, max_rounds=max_rounds, noisy=noisy
    )
    found = _peeling.refined(seen, found, matrices, offsets, law)

    energies = jnp.sum(jnp.square(found.left), axis=-1)
    most = _limits.chi_square(seen.size, _FALSE_ALARM) + _NOISE_SLACK * seen.size
    explained = jnp.all(energies <= nothing * law.variance)
    explained &= jnp.sum(energies) <= most * law.variance
    # What is so weak that most bins do not show it was found by luck, and others like it were not.
    least = offsets.count * _peeling.weakest(found.coefficients, found.count)
    explained &= least >= min(law.chance, nothing - offsets.count) * law.variance
    return SparseSpectrum(
        found.support,
        found.coefficients,
        found.count,
        explained & ((found.count > 0) | jnp.all(values == 0)),
        found.rounds,
        jnp.sqrt(law.variance * matrices.bins),
        jnp.sqrt(jnp.mean(jnp.square(found.left)) * matrices.bins),
        queries.n,
        values.size,
    )
