"""Which values of a function a sparse transform asks for."""

import dataclasses
import math
from typing import Literal, TypeAlias, get_args

import jax

from hadax import _checks
from hadax._typing import Array, KeyArray
from hadax.operators.base import static
from hadax.sparse import _limits, _qary, _query_checks, _sparse_checks
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse.bch import bch_offsets
from hadax.sparse.coding import coded_offsets
from hadax.sparse.designs import (
    identity_blocks,
    repeated_offsets,
    subsampling,
)

Decoder: TypeAlias = Literal["noiseless", "nso", "coded", "bch"]
DigitDecoder: TypeAlias = Literal["noiseless", "nso"]
Design: TypeAlias = Literal["random", "identity"]

# Bins by default, in units of the fewest with which peeling works in theory.
_AMPLE = 1.3

# Few coefficients that leave each other alone in no bin are never told apart: how often at most.
_INSEPARABLE = 1e-3


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Queries:
    r"""The points of every group, offset and bin: what `queries` makes.

    `subsampling` chooses the points $M_c \ell$ of a group, `offsets` the $d_p$ that are added to
    all of them; `sparsity` is how many coefficients there may be, and `decoder` how a bin tells
    its own.
    """

    subsampling: Matrices
    offsets: Offsets
    sparsity: int = static()
    decoder: Decoder = static()

    @property
    def n(self) -> int:
        """The number of bits, or digits, of a point."""
        return self.subsampling.n

    @property
    def base(self) -> int:
        """The number of values of a digit: 2 for bits."""
        return self.subsampling.base

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of the values: groups, offsets, bins."""
        return self.subsampling.groups, self.offsets.count, self.subsampling.bins

    @property
    def count(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    def points(self) -> Array:
        """The points, packed: (C, P, bins, w); or as digits, if they are no bits: (..., n)."""
        points, offsets = self.subsampling.points(), self.offsets.words()
        return self.subsampling.shifted(points[:, None], offsets[None, :, None])


def queries(
    n: int,
    sparsity: int,
    key: KeyArray,
    *,
    base: int = 2,
    decoder: Decoder = "noiseless",
    repetitions: int | None = None,
    degree: int | None = None,
    chase: int = 0,
    design: Design = "random",
    groups: int = 3,
    bins: int | None = None,
) -> Queries:
    r"""The points at which a function is to be known, for `recover`.

    The points are $M_c \ell \oplus d_p$, for every group c, offset p and $\ell$ of b bits.

    Args:
        n: number of bits; beyond 64 too.
        sparsity: how many coefficients there may be.
        key: a key.
        base: the number q of values of a digit: 2 for bits, more for `sparse_fft`.
        decoder: how a bin tells its coefficient: "noiseless" with n + 1 values; "nso" with
            `repetitions` times as many, the bits of the index being read by a weighed majority;
            "coded" with 2 n + 20, the index being read as a code word, which bears more noise;
            "bch" with about `degree` log2 n + 1 times `repetitions`, for indices with few ones.
        repetitions: of "nso", by default 3, and of "bch", by default 1.
        degree: for "bch", the most ones of an index. One with more is not found.
        chase: for "bch" with noise, how many of the least reliable parities are tried both ways,
            at 2^(chase + 1) times the cost; see `bch_offsets`.
        design: "random" `subsampling`, or `identity_blocks`.
        groups: C.
        bins: bins of a group, a power of the base; by default such that all groups together have
            1.3 times as many as peeling takes in theory, and few seldom hide one another.

    Returns:
        `Queries`, whose `points()` are packed words (C, P, bins, ceil(n / 32)), or digits
        (C, P, bins, n) of another base than 2.

    Raises:
        ValueError: fewer bins than peeling takes, no fewer of them in a group than points, or what
            the decoder has no use for.

    Cost:
        That of `subsampling`.

    Example:
        >>> import jax
        >>> from hadax import sparse
        >>> asked = sparse.queries(40, 10, jax.random.key(0))
        >>> asked.shape, asked.points().shape
        ((3, 41, 64), (3, 41, 64, 2))

    See Also:
        `sample`, which asks an expensive function; `sparse_fwht`, which does it all.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`.
    """
    length = _checks.integer("n", n, minimum=1)
    few = _checks.integer("sparsity", sparsity, minimum=1)
    count = _checks.integer("groups", groups, minimum=2)
    q = _sparse_checks.base(base)
    _checks.choice("decoder", decoder, get_args(Decoder if q == 2 else DigitDecoder))
    _checks.choice("design", design, get_args(Design))
    inner = _digits_of_bins(bins, length, few, count, q)
    repeated = _query_checks.repetitions(repetitions, decoder)
    _query_checks.degree(degree, decoder)
    patterns = _query_checks.chase(chase, decoder)
    first, second = jax.random.split(_checks.key(key))
    if q != 2:
        matrices = _qary.identity_blocks(length, inner, count, q)
        if design == "random":
            matrices = _qary.subsampling(first, length, inner, count, q)
        found = Queries(matrices, _qary.offsets(second, length, repeated, q), few, decoder)
    else:
        if design == "random":
            matrices = subsampling(first, length, inner, groups=count)
        else:
            matrices = identity_blocks(length, inner, groups=count)
        if decoder == "coded":
            offsets = coded_offsets(second, length)
        elif degree is not None:
            offsets = bch_offsets(second, length, degree, repeated, chase=patterns)
        else:
            offsets = repeated_offsets(second, length, repeated)
        found = Queries(matrices, offsets, few, decoder)
    _query_checks.countable(found.count)
    return found


def _digits_of_bins(bins: int | None, n: int, sparsity: int, groups: int, base: int) -> int:
    """The digits of a bin's number: those of `bins`, or enough for so many coefficients."""
    least = _limits.fewest_bins(groups) * sparsity / groups
    ample = _AMPLE * least
    if bins is not None:
        sizes = n, sparsity, groups, base
        return _query_checks.bins(bins, *sizes, least=least, ample=ample)
    inner = max(1, math.ceil(math.log(ample, base)))
    while (
        groups * base ** (inner + 1) < base**n
        and _inseparable(groups * inner, n, sparsity, groups, base) > _INSEPARABLE
    ):
        inner += 1
    _query_checks.sparse_enough(inner, n, sparsity, groups, base)
    return inner


def _inseparable(joint: int, n: int, sparsity: int, groups: int, base: int) -> float:
    """How many pairs and fours of random coefficients none of whom has a bin for itself.

    `joint` digits number the bins of all groups together. With all n of them no pair shares all
    bins; four are two pairs in each group, but not the same two in all. One coefficient counts as a
    pair: if it is misread, the index read must not share its bins.
    """
    shared = float(base) ** -joint
    pairs = math.comb(max(sparsity, 2), 2) * shared if joint < n else 0.0
    return pairs + math.comb(sparsity, 4) * (3**groups - 3) * shared**2
