"""Vectors of n bits in words of 32, and linear algebra over them."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.sparse import _sparse_checks


def pack_bits(bits: ArrayLike) -> Array:
    r"""Vectors of zeros and ones as words of 32 bits, bit 0 being the lowest of the first word.

    Word w is $\sum_{i < 32} x_{32 w + i} 2^i$: for n up to 32 it is the index of `hadax.fwht`.

    Args:
        bits: array (..., n) of integers or bools, n at least 1; all but zero is a one.

    Returns:
        Array (..., ceil(n / 32)) of uint32; what the last word has no use for is zero.

    Raises:
        ValueError: a number instead of a vector.
        TypeError: bits that are neither integers nor bools.

    Cost:
        One pass over the bits.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import sparse
        >>> sparse.pack_bits(jnp.array([[0, 1, 1, 0], [1, 0, 0, 1]]))
        Array([[6],
               [9]], dtype=uint32)

    See Also:
        `unpack_bits`. `jax.numpy.packbits` packs bytes.
    """
    found = _sparse_checks.bit_vectors(bits)
    n = found.shape[-1]
    padding = [(0, 0)] * (found.ndim - 1) + [(0, -n % 32)]
    groups = jnp.pad(found.astype(bool), padding).reshape(*found.shape[:-1], -1, 32)
    ones = groups.astype(jnp.uint32)
    return jnp.sum(ones << _shifts(32, ones.ndim), axis=-1, dtype=jnp.uint32)


def unpack_bits(words: ArrayLike, n: int) -> Array:
    r"""The n bits of packed vectors: the inverse of `pack_bits`.

    $x_q$ is bit q mod 32 of word q // 32.

    Args:
        words: array (..., ceil(n / 32)) of uint32.
        n: number of bits.

    Returns:
        Array (..., n) of int8, zeros and ones.

    Raises:
        ValueError: words of another length.
        TypeError: words that are not uint32.

    Cost:
        One pass over the bits.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import sparse
        >>> sparse.unpack_bits(jnp.array([6], jnp.uint32), 4)
        Array([0, 1, 1, 0], dtype=int8)

    See Also:
        `pack_bits`.
    """
    count = _checks.integer("n", n, minimum=1)
    found = _sparse_checks.words("words", words, width(count))
    ones = (found[..., None] >> _shifts(32, found.ndim + 1)) & jnp.uint32(1)
    return ones.reshape(*found.shape[:-1], -1)[..., :count].astype(jnp.int8)


def parity(a: Array, b: Array) -> Array:
    r"""The inner product of packed vectors over the field of two elements.

    $\langle a, b\rangle = \sum_q a_q b_q \bmod 2$, and $(-1)^{\langle a, b\rangle}$ is a
    Walsh function.

    Args:
        a: array (..., w) of uint32.
        b: array of as many axes whose shape fits.

    Returns:
        Array (...) of uint32, zeros and ones.

    Cost:
        One pass.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import sparse
        >>> sparse.parity(jnp.array([[6], [9]], jnp.uint32), jnp.array([[2]], jnp.uint32))
        Array([1, 0], dtype=uint32)

    See Also:
        `pack_bits`.
    """
    both = a & b
    return _odd(lax.reduce(both, jnp.uint32(0), lax.bitwise_xor, (both.ndim - 1,)))


def parities(words: Array, k: Array) -> Array:
    r"""The inner products of m indices with P points, over the field of two elements.

    Args:
        words: packed points (P, w).
        k: packed indices (m, w).

    Returns:
        Array (m, P) of uint32, zeros and ones.

    Cost:
        O(m P w).

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.sparse.bits import parities
        >>> points = jnp.array([[0], [1], [2], [3]], jnp.uint32)
        >>> parities(points, jnp.array([[3]], jnp.uint32))
        Array([[0, 1, 1, 0]], dtype=uint32)

    See Also:
        `parity`, of pairs.
    """
    # Words first, so that vectors run over the points: half the time.
    both = words.T[:, None] & k.T[:, :, None]
    return _odd(lax.reduce(both, jnp.uint32(0), lax.bitwise_xor, (0,)))


def _odd(words: Array) -> Array:
    """Whether words have an odd number of ones."""
    return lax.population_count(words) & jnp.uint32(1)


def width(n: int) -> int:
    """The words that n bits take.

    Args:
        n: number of bits.

    Returns:
        An integer.

    Cost:
        None.

    Example:
        >>> from hadax.sparse.bits import width
        >>> width(32), width(33)
        (1, 2)

    See Also:
        `pack_bits`.
    """
    return -(-n // 32)


def rank(rows: Array) -> Array:
    """The rank of a matrix over the field of two elements, by elimination.

    Args:
        rows: packed rows (m, w).

    Returns:
        An int32.

    Cost:
        O(m^2 w) words.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.sparse.bits import rank
        >>> int(rank(jnp.array([[3], [5], [6]], jnp.uint32)))
        2

    See Also:
        `numpy.linalg.matrix_rank`, over the real numbers.
    """
    return jnp.sum(jnp.any(reduced(rows) != 0, axis=-1), dtype=jnp.int32)


def reduced(rows: Array) -> Array:
    """A matrix over the field of two elements after elimination, row by row, without exchanges.

    The lowest one of each row is the only one of its column; rows that depend on those above them
    are zero.

    Args:
        rows: packed rows (m, w).

    Returns:
        Array (m, w) of uint32.

    Cost:
        O(m^2 w) words.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.sparse.bits import reduced
        >>> reduced(jnp.array([[3], [5], [6]], jnp.uint32)).squeeze(-1)
        Array([5, 6, 0], dtype=uint32)

    See Also:
        `rank`. `scipy.linalg.lu`, over the real numbers.
    """
    row_number = jnp.arange(rows.shape[0])

    def clear(i: ArrayLike, rows: Array) -> Array:
        pivot = _lowest_one(rows[i])
        hit = jnp.any((rows & pivot[None]) != 0, axis=-1) & (row_number != i)
        return jnp.where(hit[:, None], rows ^ rows[i][None], rows)

    return lax.fori_loop(0, rows.shape[0], clear, rows)


def random_words(key: Array, shape: tuple[int, ...], n: int) -> Array:
    """Packed vectors of n independent fair bits.

    Args:
        key: a key.
        shape: that of the array of vectors.
        n: number of bits.

    Returns:
        Array (shape and ceil(n / 32)) of uint32.

    Cost:
        A random word for every 32 bits.

    Example:
        >>> import jax
        >>> from hadax.sparse.bits import random_words
        >>> bool(random_words(jax.random.key(0), (100,), 4).max() < 16)
        True

    See Also:
        `jax.random.bits`.
    """
    used = np.full(width(n), 2**32 - 1, np.uint32)
    used[-1] >>= np.uint32(-n % 32)
    drawn = jax.random.bits(key, (*shape, width(n)), jnp.uint32)
    return drawn & jnp.asarray(used).reshape(*(1,) * len(shape), -1)


def _lowest_one(vector: Array) -> Array:
    """A packed vector with its lowest one only; zero stays zero."""
    some = vector != 0
    first = some & (jnp.cumsum(some) == 1)
    return jnp.where(first, vector & (~vector + jnp.uint32(1)), jnp.uint32(0))


def _shifts(count: int, ndim: int) -> Array:
    """0, ..., count - 1 along the last of ndim axes."""
    return jnp.arange(count, dtype=jnp.uint32).reshape(*(1,) * (ndim - 1), count)
