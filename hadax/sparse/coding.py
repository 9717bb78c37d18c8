"""Offsets by which an index is read from a code word, with a soft decoder."""

import dataclasses

import jax
import jax.numpy as jnp
from jax import lax

from hadax import _checks
from hadax._typing import Array, KeyArray
from hadax.operators.base import static
from hadax.sparse._contracts import Offsets
from hadax.sparse._viterbi import decoded, generator
from hadax.sparse.bits import pack_bits, parity, random_words

# Bins that are decoded at once: each remembers 64 paths for every bit of an index, twice.
_TOGETHER = 1024


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class CodedOffsets(Offsets):
    r"""Random offsets, and 2 n + 10 that read a code word: what `coded_offsets` makes.

    The signs of a coefficient k at the latter are the code word of the message $A k$, for a random
    invertible A. `offsets` (P, w) holds all of them packed, the random ones first, and `inverse`
    (n, w) the rows of $A^{-1}$.
    """

    offsets: Array
    inverse: Array
    n: int = static()

    @property
    def count(self) -> int:
        """The number P of offsets."""
        return self.offsets.shape[-2]

    def words(self) -> Array:
        """The offsets, packed: (P, w)."""
        return self.offsets

    def decode(self, seen: Array) -> Array:
        """The coefficient that explains m bins (m, P) best if each holds only one: (m, w)."""
        return lax.map(self._best, seen, batch_size=min(len(seen), _TOGETHER))

    def _best(self, seen: Array) -> Array:
        """The better of what is decoded if the coefficient (w,) is positive, or negative."""
        # The first and the last bit of a code word are those beside them, and not asked for twice.
        word = jnp.pad(seen[-(2 * self.n + 10) :], 1)
        messages = jax.vmap(decoded)(jnp.stack([word, -word]))
        bits = parity(self.inverse[None], pack_bits(messages)[:, None])
        k = pack_bits(bits.astype(jnp.int8))
        fit = jnp.abs(jnp.sum(self.signs(k, seen.dtype) * seen[None], axis=-1))
        return k[jnp.argmax(fit)]


def coded_offsets(key: KeyArray, n: int, checks: int = 10) -> CodedOffsets:
    r"""Offsets from which an index is read as a code word, by a soft decoder.

    The code is the convolutional one of rate 1/2 and memory 6 with generators 133 and 171 (octal).
    Viterbi's algorithm finds the index whose signs at all coded offsets fit best, for either sign
    of the coefficient, where `repeated_offsets` decides on each bit alone: 2 n + 20 offsets bear
    more noise than 5 repetitions, which are 5 (n + 1).

    Messages are $A k$ with a random invertible A, so that indices that differ little, as those of
    low degree do, have signs as different as those of random ones: a bin with several coefficients
    fits none of them. A shift of all offsets would change the sign of a coefficient only.

    Args:
        key: a key.
        n: bits of an index.
        checks: random offsets beside the code; they help to refuse bins with several coefficients.

    Returns:
        A `CodedOffsets` of 2 n + 10 + checks offsets.

    Raises:
        ValueError: no bits, or fewer than no checks.
        TypeError: no new-style key.

    Cost:
        O(n^2) words. A bin is decoded in 256 (n + 6) steps.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import sparse
        >>> offsets = sparse.coded_offsets(jax.random.key(0), 40)
        >>> k = jnp.array([[6, 0], [7, 200]], jnp.uint32)
        >>> noise = jax.random.normal(jax.random.key(1), (2, offsets.count))
        >>> offsets.decode(-2.0 * offsets.signs(k, jnp.float32) + noise)
        Array([[  6,   0],
               [  7, 200]], dtype=uint32)

    See Also:
        `repeated_offsets`, `bch_offsets`.

    References:
        Li, Bradley, Pawar and Ramchandran (2015), key `li2015`: their sample-optimal design. The
        decoder: Viterbi (1967), key `viterbi1967`.
    """
    length = _checks.integer("n", n, minimum=1)
    count = _checks.integer("checks", checks, minimum=0)
    first, second = jax.random.split(_checks.key(key))
    matrix, inverse = _invertible(second, length)
    code = jnp.asarray(generator(length).T[1:-1], matrix.dtype) @ matrix
    random = random_words(first, (count,), length)
    return CodedOffsets(jnp.concatenate([random, pack_bits(code % 2)]), pack_bits(inverse), length)


def _invertible(key: Array, n: int) -> tuple[Array, Array]:
    """A random matrix over the field of two elements and its inverse: three shears, and back."""
    half = n // 2
    upper, middle, lower = jax.random.bernoulli(key, shape=(3, half, n - half)).astype(jnp.int32)
    one = jnp.eye(n, dtype=jnp.int32)
    first, last = one.at[:half, half:].set(upper), one.at[:half, half:].set(lower)
    across = one.at[half:, :half].set(middle.T)
    return first @ across @ last % 2, last @ across @ first % 2
