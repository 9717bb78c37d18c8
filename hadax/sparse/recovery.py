"""From values at the points of a design to the Walsh spectrum that explains them."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from hadax import _checks
from hadax._typing import Array, ArrayLike, Num
from hadax.sparse import _sparse_checks
from hadax.sparse._explaining import explained
from hadax.sparse.query_points import Queries
from hadax.sparse.spectrum import SparseSpectrum


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
    last F is refined by least squares of all bins: with the support as it is they are linear in
    the values, and can be differentiated, to three digits.

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
        TypeError: values that are not floating point, or complex ones of a function of bits.

    Cost:
        O(C P B log B) for the transforms and O(C P B) a round, for B bins.

    Example:
        >>> import jax
        >>> from hadax import sparse
        >>> asked = sparse.queries(40, 3, jax.random.key(0))
        >>> x = sparse.unpack_bits(asked.points(), 40)
        >>> values = 0.5 - (1.0 - 2.0 * x[..., 4]) * (1.0 - 2.0 * x[..., 39])
        >>> print(sparse.recover(asked, values))  # doctest: +ELLIPSIS
        2 coefficients of a function of 40 bits
        -1  {4, 39}
        +0.5  {}
        ... values, ... rounds, noise ..., residual ...

    See Also:
        `sparse_fwht`, which asks a function by itself.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`.
    """
    known = _sparse_checks.sampled(values, queries.shape, queries.base)
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
    # The barrier keeps one array, which XLA would else put in order again at each use.
    seen = lax.optimization_barrier(jnp.swapaxes(queries.subsampling.transform(values), 1, 2))
    parts = 2 if jnp.iscomplexobj(values) else 1
    return explained(queries, seen, noise, parts, estimate=estimate, max_rounds=max_rounds)
