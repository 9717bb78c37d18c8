"""The Walsh-Hadamard transform of a function that has few coefficients."""

import functools
import math
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from hadax import _checks
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.sparse import _limits, _noise, _peeling, _sampling, _sparse_checks
from hadax.sparse.designs import identity_blocks, repeated_offsets, subsampling
from hadax.sparse.spectrum import SparseSpectrum
from hadax.transforms.walsh import fwht

Decoder: TypeAlias = Literal["noiseless", "nso"]
Design: TypeAlias = Literal["random", "identity"]

# Bins by default, in units of the fewest with which peeling works in theory.
_AMPLE = 1.3

# Two coefficients that share a bin in every group are never told apart: how often that may be.
_INSEPARABLE = 1e-3

# A transform without coefficients is told from noise wrongly so often.
_FALSE_ALARM = 1e-3

# A given noise level may be wrong by this share of its energy.
_NOISE_SLACK = 0.05


def sparse_fwht(
    f: Callable[[Array], Array] | ArrayLike,
    n: int,
    sparsity: int,
    key: KeyArray,
    *,
    decoder: Decoder = "noiseless",
    noise: ArrayLike | None = None,
    repetitions: int | None = None,
    design: Design = "random",
    groups: int = 3,
    bins: int | None = None,
    max_rounds: int = 40,
    packed: bool = False,
    on_host: bool = False,
    batch_size: int = 2**14,
) -> SparseSpectrum:
    r"""The Walsh spectrum of a function of n bits from few of its values, if it has few terms.

    $f(x) = \sum_{k \in S} F_k (-1)^{\langle k, x\rangle} + \text{noise}$. Transforms of f over
    $x = M_c \ell \oplus d_p$ show in bin j the sum of all $F_k (-1)^{\langle k, d_p\rangle}$ with
    $M_c^\top k = j$. A bin with one coefficient tells which it is; taken out of its bins of the
    other groups c, it leaves more bins with one. What noise may leave in a bin is a quantile of the
    law of $\chi^2$, at a thousandth for all bins together. At last F is refined by least squares.

    Args:
        f: function from points (q, n), int8 zeros and ones, to values (q,), real and traceable; or
            the array (2^n,) of all values. Define it once: it is compiled, and kept.
        n: number of bits; beyond 64 too.
        sparsity: how many coefficients there may be.
        key: a key; an ensemble is `jax.vmap` over keys.
        decoder: how a bin tells its coefficient: "noiseless" with n + 1 values, or "nso" with
            `repetitions` times as many, the bits of the index being read by a weighed majority.
        noise: standard deviation of the noise of a value of f, for "nso"; None estimates it.
        repetitions: of "nso", by default 3.
        design: "random" `subsampling`, or `identity_blocks`.
        groups: C.
        bins: bins of a group, a power of two; by default such that all groups together have 1.3
            times as many as peeling takes in theory, and two coefficients hardly share all bins.
        max_rounds: most rounds of peeling, each through all groups.
        packed: whether f takes points as words (q, ceil(n / 32)) of `pack_bits` instead.
        on_host: whether f is not traceable: it is called with NumPy arrays, and may do anything.
        batch_size: most points that f is asked for at once.

    Returns:
        A `SparseSpectrum`. Its `success` says whether what was found explains all values.

    Raises:
        ValueError: an f of another shape, fewer bins than coefficients, no fewer of them in a group
            than there are points, or a noise without a decoder for it.
        TypeError: f does not return real floating point.

    Cost:
        C P B values of f, P = n + 1 times repetitions, C B about 1.6 sparsity (rounded up to a
        power of two); O(C P B log B) for the transforms and O(C P B) a round.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> def f(x):
        ...     s = 1.0 - 2.0 * x
        ...     return 3.0 * s[:, 0] * s[:, 39] - 0.5 * s[:, 7] + 0.25
        >>> print(sparse.sparse_fwht(f, 40, 3, jax.random.key(0)))  # doctest: +ELLIPSIS
        3 coefficients of a function of 40 bits
        +3  {0, 39}
        -0.5  {7}
        +0.25  {}
        ... values, ... rounds, noise ..., residual ...

    See Also:
        `hadax.fwht(values, norm="forward")`: the same coefficients from all 2^n values. The peer
        sparse-transform has the same designs, on the host.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`; Scheibler, Haghighatshoar and
        Vetterli (2015), key `scheibler2015`.
    """
    length = _checks.integer("n", n, minimum=1)
    few = _checks.integer("sparsity", sparsity, minimum=1)
    count = _checks.integer("groups", groups, minimum=2)
    _checks.choice("decoder", decoder, get_args(Decoder))
    _checks.choice("design", design, get_args(Design))
    inner = _bits_of_bins(bins, length, few, count)
    _checks.flag("packed", packed)
    _checks.flag("on_host", on_host)
    return _recovered(
        _sampling.asked(f, length, packed=packed, on_host=on_host),
        _checks.key(key),
        _sparse_checks.noise(noise, decoder),
        n=length,
        sparsity=few,
        bits=inner,
        groups=count,
        design=design,
        repetitions=_sparse_checks.repetitions(repetitions, decoder),
        estimate=decoder != "noiseless" and noise is None,
        max_rounds=_checks.integer("max_rounds", max_rounds, minimum=1),
        batch_size=_checks.integer("batch_size", batch_size, minimum=1),
    )


@functools.partial(
    jax.jit,
    static_argnames=(
        "n",
        "sparsity",
        "bits",
        "groups",
        "design",
        "repetitions",
        "estimate",
        "max_rounds",
        "batch_size",
    ),
)
def _recovered(
    f: Partial,
    key: Array,
    noise: Array,
    *,
    n: int,
    sparsity: int,
    bits: int,
    groups: int,
    design: Design,
    repetitions: int,
    estimate: bool,
    max_rounds: int,
    batch_size: int,
) -> SparseSpectrum:
    """Sample, transform, peel, refine, and judge what is left."""
    first, second = jax.random.split(key)
    if design == "random":
        matrices = subsampling(first, n, bits, groups=groups)
    else:
        matrices = identity_blocks(n, bits, groups=groups)
    offsets = repeated_offsets(second, n, repetitions)
    values = _sampling.samples(f, matrices, offsets, batch_size)
    seen = jnp.swapaxes(fwht(values, norm="forward"), 1, 2)

    each = _FALSE_ALARM / (groups * matrices.bins)
    nothing = _limits.chi_square(offsets.count, each)
    one = _limits.chi_square(offsets.count - 1, each)
    if estimate:
        variance = _noise.estimated(seen, sparsity, nothing)
    else:
        variance = jnp.square(noise.astype(seen.dtype)) / matrices.bins
    law = _peeling.Law(jnp.maximum(variance, _noise.round_off(values)), nothing, one)

    # A coefficient that is found in parts takes a slot for each.
    slots = sparsity + sparsity // 4 + 8
    found = _peeling.peel(seen, matrices, offsets, law, slots=slots, max_rounds=max_rounds)
    found = _peeling.refined(seen, found, matrices, offsets, law)

    energies = jnp.sum(jnp.square(found.left), axis=-1)
    most = _limits.chi_square(seen.size, _FALSE_ALARM) + _NOISE_SLACK * seen.size
    explained = jnp.all(energies <= nothing * law.variance)
    explained &= jnp.sum(energies) <= most * law.variance
    return SparseSpectrum(
        found.support,
        found.coefficients,
        found.count,
        explained & ((found.count > 0) | jnp.all(values == 0)),
        found.rounds,
        jnp.sqrt(law.variance * matrices.bins),
        jnp.sqrt(jnp.mean(jnp.square(found.left)) * matrices.bins),
        n,
        values.size,
    )


def _bits_of_bins(bins: int | None, n: int, sparsity: int, groups: int) -> int:
    """The bits of a bin's number: those of `bins`, or enough for so many coefficients."""
    ample = _AMPLE * _limits.fewest_bins(groups) * sparsity / groups
    if bins is not None:
        return _sparse_checks.bins(bins, n, sparsity, groups, ample)
    bits = max(1, math.ceil(math.log2(ample)))
    while groups * bits < n and sparsity**2 / 2 > _INSEPARABLE * 2.0 ** (groups * bits):
        bits += 1
    _sparse_checks.sparse_enough(bits, n, sparsity)
    return bits
