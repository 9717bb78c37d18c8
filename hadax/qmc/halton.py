"""Radical inverses in several bases: the Halton sequence, plain and with its digits permuted."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, DTypeLike, KeyArray
from hadax.operators.base import static
from hadax.qmc import _qmc_checks, _words

Bases: TypeAlias = tuple[int, ...]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Halton:
    r"""The points whose coordinate j is the radical inverse of their index in base $b_j$.

    What `halton` and `permute_digits` make. `permutations` holds what becomes of each digit: for
    each dimension and each place numbers 0 ... base - 1 in some order, one after the other; or it
    is None, where digits stay. There are as many places as numbers of `bits` bits need. A pytree:
    an ensemble is `jax.vmap` of `permute_digits` over keys.
    """

    permutations: Array | None
    bases: tuple[int, ...] = static()
    bits: int = static(default=0)

    @property
    def dimensions(self) -> int:
        """The length of a point."""
        return len(self.bases)

    def __call__(self, n: int, *, start: int = 0, dtype: DTypeLike | None = None) -> Array:
        """Points start, ..., start + n - 1.

        Args:
            n: number of points.
            start: index of the first one.
            dtype: float32 or float64; None for JAX's own.

        Returns:
            Array (n, d) in [0, 1).
        """
        found = _qmc_checks.float_dtype(dtype)
        n, start = _qmc_checks.stream(n, start, 1 << _INDEX_BITS)
        bits, first = (start + n - 1).bit_length(), np.uint32(start)
        if self.permutations is None:
            value = _by_digits(first, self.bases, bits, n, found)
        else:
            _qmc_checks.single(self.permutations)
            value = _by_table(self.permutations, first, self.bases, self.bits, bits, n, found)
        # Digits of the largest kind throughout may be rounded up.
        return jnp.minimum(value, np.array(1 - jnp.finfo(found).epsneg, found))


@functools.partial(jax.jit, static_argnames=("bases", "bits", "n", "dtype"))
def _by_digits(start: Array, bases: Bases, bits: int, n: int, dtype: DTypeLike) -> Array:
    """Points (n, d) whose digits stand as they are in indices of so many bits."""
    scales = np.array(bases, float)[:, None] ** -(1.0 + np.arange(_places(min(bases), bits)))

    def coordinates(dimension: tuple[Array, Array]) -> Array:
        base, scales = dimension
        value = jnp.zeros(n, dtype)
        for place, digit in enumerate(_digits(start, n, base, min(bases), bits)):
            value = value + digit.astype(dtype) * scales[place]
        return value

    # One after the other: of short rows, a number of each dimension, a CPU's vectors are idle.
    return jax.lax.map(coordinates, (np.array(bases, np.uint32), scales.astype(dtype))).T


@functools.partial(jax.jit, static_argnames=("bases", "permuted", "bits", "n", "dtype"))
def _by_table(
    permutations: Array,
    start: Array,
    bases: Bases,
    permuted: int,
    bits: int,
    n: int,
    dtype: DTypeLike,
) -> Array:
    """Points (n, d) whose digits, of indices of so many bits, and all further ones are permuted, as
    many as numbers of `permuted` bits have."""
    places = np.array([_places(base, permuted) for base in bases])
    offsets = np.cumsum([0, *(places * bases)])
    # Sums of what is in a table: a product in a sum may be rounded or not, by the compiler.
    worths = permutations.astype(dtype) * jnp.asarray(_scales(bases, places), dtype)
    used = _places(min(bases), bits)

    def coordinates(dimension: tuple[Array, Array, Array]) -> Array:
        base, count, offset = dimension

        def worth(place: int, digit: Array | int) -> Array:
            found = worths[offset + place * base + digit]
            return jnp.where(place < count, found, jnp.zeros_like(found))

        value = jnp.zeros(n, dtype)
        digits = _digits(start, n, base.astype(jnp.uint32), min(bases), bits)
        for place, digit in enumerate(digits):
            value = value + worth(place, digit.astype(jnp.int32))
        # All further digits are 0, and become the same for all points.
        for place in range(used, places.max()):
            value = value + worth(place, 0)
        return value

    dimensions = tuple(np.array(part, np.int32) for part in (bases, places, offsets[:-1]))
    return jax.lax.map(coordinates, dimensions).T


def _digits(start: Array, n: int, base: Array, smallest: int, bits: int) -> Iterator[Array]:
    """The digits of start, ..., start + n - 1 in a base, the last one first: as many as numbers of
    so many bits have in the smallest base."""
    rest, most = start + jnp.arange(n, dtype=jnp.uint32), (1 << bits) - 1
    for _ in range(_places(smallest, bits)):
        quotient = _quotients(rest, base, most)
        yield rest - quotient * base
        rest, most = quotient, most // smallest


_INDEX_BITS = 32
_EXACT = 1 << 22


def _quotients(rest: Array, base: Array, most: int) -> Array:
    """Integers from 0 to `most`, divided by a base and rounded down.

    Below 2^22 by a product in float32, which no CPU needs as long for as for a division of
    integers: half an integer above, it is further from the next one than it may be rounded.
    """
    if most >= _EXACT:
        return rest // base
    # Signed: conversions are one instruction then.
    shifted = rest.astype(jnp.int32).astype(jnp.float32) + np.float32(0.5)
    return (shifted * (1 / base.astype(jnp.float32))).astype(jnp.int32).astype(jnp.uint32)


def halton(bases: int | Sequence[int]) -> Halton:
    r"""The Halton sequence, not randomised: point 0 is the origin.

    $\varphi_b(i) = \sum_k i_k b^{-k-1}$ for the digits $i_k$ of i in base b.

    Args:
        bases: number of dimensions d, for the first d primes; or the bases themselves, pairwise
            coprime integers from 2 on.

    Returns:
        A `Halton`; call it with a number of points, up to $2^{32}$.

    Raises:
        ValueError: no base, one below 2, or two with a common divisor.

    Cost:
        Of a call, O(d log n) operations a point.

    Example:
        >>> import numpy as np
        >>> from hadax import qmc
        >>> np.asarray(qmc.halton(2)(4)).round(3)
        array([[0.   , 0.   ],
               [0.5  , 0.333],
               [0.25 , 0.667],
               [0.75 , 0.111]], dtype=float32)

    See Also:
        `permute_digits`, without which points in high dimensions lie on lines. scipy:
        `scipy.stats.qmc.Halton(d, scramble=False)`.

    References:
        Halton (1960), key `halton1960`.
    """
    return Halton(None, _qmc_checks.bases(bases))


def permute_digits(key: KeyArray, points: Halton) -> Halton:
    r"""A Halton sequence in which every digit, at every place, is permuted at random.

    Every point is uniform, to the digits that a float32 holds, or a float64 under
    `jax.enable_x64`.

    Args:
        key: a new-style PRNG key.
        points: the sequence.

    Returns:
        A `Halton` whose permutations replace those that it had.

    Raises:
        TypeError: key is no new-style key.

    Cost:
        One sort of all digits at all places: about $24 d b / \log_2 b$ numbers for bases near b,
        or 53 instead of 24.

    Example:
        >>> import jax
        >>> from hadax import qmc
        >>> x = qmc.permute_digits(jax.random.key(0), qmc.halton(5))(1000)
        >>> bool(abs(x.mean() - 0.5) < 0.01)
        True

    See Also:
        QMCPy: `Halton(d, randomize="DP")`. scipy: `scipy.stats.qmc.Halton(d)`.

    References:
        Owen (2017), key `owen2017`.
    """
    _qmc_checks.sequence(points, Halton)
    bits = _words.held(jax.dtypes.canonicalize_dtype(jnp.float64))
    sizes = np.repeat(points.bases, [_places(base, bits) for base in points.bases])
    # Which permutation a number is of, and where that starts.
    which = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes).astype(np.uint32)
    digits = np.arange(len(which), dtype=np.uint32) - starts
    ranks = jax.random.uniform(_checks.key(key), (len(which),))
    _, _, permutations = jax.lax.sort((jnp.asarray(which), ranks, jnp.asarray(digits)), num_keys=2)
    return dataclasses.replace(points, permutations=permutations, bits=bits)


def _scales(bases: Bases, places: np.ndarray) -> np.ndarray:
    """What a digit 1 is worth, at every number of the tables of permutations."""
    return np.concatenate(
        [
            np.repeat(float(base) ** -(1.0 + np.arange(count)), base)
            for base, count in zip(bases, places, strict=True)
        ]
    )


def _places(base: int, bits: int) -> int:
    """How many digits there are in numbers of so many bits."""
    return max(1, int(np.ceil(bits / np.log2(base))))
