"""Radical inverses in several bases: the Halton sequence, plain and with its digits permuted."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, DTypeLike, KeyArray
from hadax.operators.base import static
from hadax.qmc import _qmc_checks


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Halton:
    r"""The points whose coordinate j is the radical inverse of their index in base $b_j$.

    What `halton` and `permute_digits` make. `permutations` (d, digits, largest base) holds what
    becomes of each digit at each place, or is None where digits stay. A pytree: an ensemble is
    `jax.vmap` of `permute_digits` over keys.
    """

    permutations: Array | None
    bases: tuple[int, ...] = static()

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
        bases = np.array([self.bases], np.uint32)
        rest = jnp.arange(start, start + n, dtype=jnp.uint32)[:, None]
        value = jnp.zeros((n, self.dimensions), found)
        for place in range(self._count(start + n - 1)):
            digit = rest % bases
            rest = rest // bases
            if self.permutations is not None:
                table = self.permutations[:, place]
                digit = jnp.take_along_axis(table, digit.astype(jnp.int32).T, axis=1).T
            scale = np.array([[float(base) ** -(place + 1) for base in self.bases]], found)
            value = value + digit.astype(found) * scale
        # Digits of the largest kind throughout may be rounded up.
        return jnp.minimum(value, np.array(1 - jnp.finfo(found).epsneg, found))

    def _count(self, last: int) -> int:
        """How many digits may be other than zero, up to the point of this index."""
        if self.permutations is not None:
            return self.permutations.shape[1]
        return _places(self.bases, last.bit_length())


_INDEX_BITS = 32


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
        Of a call, O(d log n) divisions a point.

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
    """A Halton sequence in which every digit, at every place, is permuted at random.

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
        One random order of the base's digits a place and dimension.

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
    bits = jnp.finfo(jax.dtypes.canonicalize_dtype(jnp.float64)).nmant + 1
    places, largest = _places(points.bases, bits), max(points.bases)
    ranks = jax.random.uniform(_checks.key(key), (len(points.bases), places, largest))
    # What is beyond a base is ordered last, and never looked up.
    beyond = np.arange(largest) >= np.array(points.bases)[:, None]
    ranks = jnp.where(beyond[:, None, :], jnp.inf, ranks)
    permutations = jnp.argsort(ranks, axis=-1).astype(jnp.uint32)
    return dataclasses.replace(points, permutations=permutations)


def _places(bases: Sequence[int], bits: int) -> int:
    """How many digits there are in numbers of so many bits, in any of the bases."""
    return max(1, int(np.ceil(bits / np.log2(min(bases)))))
