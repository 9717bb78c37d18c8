"""At which points a function is asked for: subsampled lattices of points, and offsets of them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks
from hadax._typing import Array, KeyArray
from hadax.operators.base import static
from hadax.sparse import _sparse_checks
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse._voting import changes
from hadax.sparse.bits import pack_bits, parities, random_words, rank
from hadax.transforms.walsh import fwht


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Subsampling(Matrices):
    r"""Matrices $M_1, \dots, M_C$ over the field of two elements: what `subsampling` makes.

    Group c asks at the points $M_c \ell$, $\ell$ of b bits, and sees coefficient k in its bin
    $M_c^\top k$. `columns` (C, b, w) holds the packed columns of the matrices.
    """

    columns: Array
    n: int = static()

    @property
    def groups(self) -> int:
        """The number C of groups."""
        return self.columns.shape[-3]

    @property
    def bins(self) -> int:
        """The number 2^b of bins of a group."""
        return 1 << self.columns.shape[-2]

    @property
    def width(self) -> int:
        """The words of a packed index."""
        return self.columns.shape[-1]

    def points(self) -> Array:
        """Packed points of every group, in the order of l: (C, 2^b, w)."""
        found = jnp.zeros_like(self.columns[:, :1])
        for bit in range(self.columns.shape[1]):
            found = jnp.concatenate([found, found ^ self.columns[:, bit : bit + 1]], axis=1)
        return found

    def shifted(self, points: Array, offsets: Array) -> Array:
        """Packed points, each with its offset added."""
        return points ^ offsets

    def bin_of(self, k: Array) -> Array:
        """The bins (C, m) of packed coefficients k (m, w)."""
        groups, inner, words = self.columns.shape
        bits = parities(self.columns.reshape(groups * inner, words), k).astype(jnp.int32)
        places = bits.reshape(-1, groups, inner) << jnp.arange(inner, dtype=jnp.int32)[None, None]
        return jnp.sum(places, axis=-1, dtype=jnp.int32).T

    def transform(self, values: Array) -> Array:
        """Values over l (..., 2^b) to what each bin sees, the sum of its coefficients."""
        return fwht(values, norm="forward")


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class RepeatedOffsets(Offsets):
    r"""Offsets $r_i$ and $r_i \oplus e_q$ for every bit q: what `repeated_offsets` makes.

    The sign of a coefficient k changes from $r_i$ to $r_i \oplus e_q$ if and only if bit q of k is
    a one, and each of the R bases votes on that. `base` (R, w) holds them packed.
    """

    base: Array
    n: int = static()

    @property
    def count(self) -> int:
        """The number P = R (n + 1) of offsets."""
        return self.base.shape[-2] * (self.n + 1)

    def words(self) -> Array:
        """The offsets, packed: (P, w)."""
        steps = pack_bits(jnp.eye(self.n + 1, self.n, k=-1, dtype=jnp.int8))
        return (self.base[:, None] ^ steps[None]).reshape(self.count, -1)

    def decode(self, seen: Array) -> Array:
        """The coefficient that explains m bins (m, P) best if each holds only one: (m, w)."""
        votes = seen.reshape(len(seen), -1, self.n + 1)
        return pack_bits(changes(votes) < 0)


def subsampling(key: KeyArray, n: int, bits: int, *, groups: int = 3) -> Subsampling:
    r"""Random matrices of full rank that choose the points of each group.

    Uniform among matrices such that every $M_c$ has rank b and that all columns together have rank
    $\min(n, C b)$: for $C b \ge n$ no two coefficients share a bin in every group, else two random
    ones do with probability $2^{-C b}$.

    Args:
        key: a key.
        n: bits of an index.
        bits: b, bits of a bin's number.
        groups: C.

    Returns:
        A `Subsampling`.

    Raises:
        ValueError: more bits of a bin than of an index, fewer than two groups.
        TypeError: no new-style key.

    Cost:
        O((C b)^2 n / 32) words a draw; a draw has full rank with a probability of .29 at the least
        where C b <= n, and $.29^C$ where b = n.

    Example:
        >>> import jax
        >>> from hadax import sparse
        >>> design = sparse.subsampling(jax.random.key(0), 40, 6)
        >>> design.groups, design.bins, design.points().shape
        (3, 64, (3, 64, 2))

    See Also:
        `identity_blocks`. The peer sparse-transform draws without looking at the rank: a matrix
        that lacks one wastes half of its bins.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`.
    """
    length, inner, count = _sparse_checks.sizes(n, bits, groups)
    _checks.key(key)

    def draw(attempt: Array) -> Array:
        return random_words(jax.random.fold_in(key, attempt), (count, inner), length)

    def lacks_rank(state: tuple[Array, Array]) -> Array:
        _, columns = state
        each = jnp.all(jax.vmap(rank)(columns) == inner)
        together = rank(columns.reshape(count * inner, -1)) == min(length, count * inner)
        return ~(each & together)

    def again(state: tuple[Array, Array]) -> tuple[Array, Array]:
        attempt = state[0] + jnp.uint32(1)
        return attempt, draw(attempt)

    _, columns = lax.while_loop(lacks_rank, again, (jnp.uint32(0), draw(jnp.uint32(0))))
    return Subsampling(columns, length)


def identity_blocks(n: int, bits: int, *, groups: int = 3) -> Subsampling:
    r"""Matrices that choose b of the n bits of an index: the cheapest hash, and a weak one.

    Group c reads the bits from round(c n / C) on, cyclically. Coefficients that are no random
    indices, like those of low degree, crowd in few bins.

    Args:
        n: bits of an index.
        bits: b, bits of a bin's number.
        groups: C.

    Returns:
        A `Subsampling`.

    Raises:
        ValueError: as `subsampling`.

    Cost:
        None.

    Example:
        >>> from hadax import sparse
        >>> sparse.identity_blocks(6, 2).columns.squeeze(-1)
        Array([[ 1,  2],
               [ 4,  8],
               [16, 32]], dtype=uint32)

    See Also:
        `subsampling`.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`.
    """
    length, inner, count = _sparse_checks.sizes(n, bits, groups)
    units = pack_bits(jnp.eye(length, dtype=jnp.int8))
    return Subsampling(units[windows(length, inner, count)], length)


def windows(n: int, inner: int, groups: int) -> np.ndarray:
    """Which places of an index each of the groups of `identity_blocks` reads.

    Args:
        n: length of an index.
        inner: places that a group reads.
        groups: C.

    Returns:
        NumPy array (groups, inner) of integers.

    Cost:
        None.

    Example:
        >>> from hadax.sparse.designs import windows
        >>> windows(6, 3, 2).tolist()
        [[0, 1, 2], [3, 4, 5]]

    See Also:
        `identity_blocks`.
    """
    starts = np.array([round(c * n / groups) for c in range(groups)])
    return (starts[:, None] + np.arange(inner)) % n


def repeated_offsets(key: KeyArray, n: int, repetitions: int = 1) -> RepeatedOffsets:
    r"""Offsets from which each bit of an index is read R times: $r_i$ and $r_i \oplus e_q$.

    Without noise one repetition is enough; with it, bits are read by a majority that weighs them.

    Args:
        key: a key.
        n: bits of an index.
        repetitions: R.

    Returns:
        A `RepeatedOffsets` of R (n + 1) offsets.

    Raises:
        ValueError: no bits, or no repetition.
        TypeError: no new-style key.

    Cost:
        O(R n) words.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> offsets = sparse.repeated_offsets(jax.random.key(0), 40)
        >>> k = jnp.array([[6, 0], [7, 200]], jnp.uint32)
        >>> offsets.decode(-2.0 * offsets.signs(k, jnp.float32))
        Array([[  6,   0],
               [  7, 200]], dtype=uint32)

    See Also:
        `coded_offsets`, which bear more noise; `bch_offsets`, for indices of low degree.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`: their near-sample-optimal design.
    """
    length = _checks.integer("n", n, minimum=1)
    count = _checks.integer("repetitions", repetitions, minimum=1)
    return RepeatedOffsets(random_words(_checks.key(key), (count,), length), length)
