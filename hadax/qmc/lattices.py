"""Rank-1 lattices: integer multiples of one vector, modulo one."""

import dataclasses
from collections.abc import Sequence
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike, KeyArray
from hadax.qmc import _qmc_checks, _words
from hadax.qmc._qmc_checks import Order


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Lattice:
    r"""The points of a rank-1 lattice, shifted: what `lattice` and `random_shift` make.

    Point i is $\{\varphi(i)\, g + \Delta\}$ with the base-2 radical inverse $\varphi$, so that the
    first $2^m$ points are a lattice for every m and points can be added. `vector` (d,) holds g and
    `shift` (d,) holds $\Delta$, both as words: integers over $2^{32}$ (over $2^{64}$ under
    `jax.enable_x64`). A pytree: an ensemble of shifts is `jax.vmap` of `random_shift` over keys.
    """

    vector: Array
    shift: Array

    @property
    def dimensions(self) -> int:
        """The length of a point."""
        return self.vector.shape[-1]

    def words(self, n: int, *, start: int = 0, order: Order = "natural") -> Array:
        """The points as words.

        Args:
            n: number of points.
            start: index of the first one.
            order: as in a call.

        Returns:
            Unsigned array (n, d); over 2^32 or 2^64 they are the coordinates.
        """
        _qmc_checks.single(self.shift)
        bits = _words.width(self.vector)
        n, start = _qmc_checks.stream(n, start, 1 << min(bits, 32))
        _checks.choice("order", order, get_args(Order))
        _qmc_checks.whole_block(order, n, start)
        index = jnp.arange(start, start + n, dtype=self.vector.dtype)
        if order == "linear":
            multiple = index << (bits - n.bit_length() + 1) if n > 1 else index
        else:
            multiple = _words.reversed_bits(index ^ (index >> 1) if order == "gray" else index)
        return multiple[:, None] * self.vector[None] + self.shift[None]

    def __call__(
        self, n: int, *, start: int = 0, order: Order = "natural", dtype: DTypeLike | None = None
    ) -> Array:
        """Points start, ..., start + n - 1.

        Args:
            n: number of points.
            start: index of the first one.
            order: "natural" is that of the radical inverse; "gray" visits each block of 2^m points
                by the Gray code; "linear" takes the multiples of g / n one after the other, for all
                of n = 2^m points.
            dtype: float32 or float64; None for JAX's own.

        Returns:
            Array (n, d) in [0, 1), cut to the dtype's bits: float32 holds 24 of them.
        """
        found = _qmc_checks.float_dtype(dtype)
        return _words.fractions(self.words(n, start=start, order=order), found)


def lattice(vector: ArrayLike | Sequence[int]) -> Lattice:
    r"""The lattice of a generating vector, not shifted: point 0 is the origin.

    Args:
        vector: integers (d,), not negative; for lattices of $2^m$ points odd ones below $2^m$, as
            `cbc` finds them.

    Returns:
        A `Lattice`; call it with a number of points.

    Raises:
        ValueError: no integers, a negative one, or not one axis.

    Cost:
        None; a call takes one multiplication a coordinate, all in integers.

    Example:
        >>> from hadax import qmc
        >>> qmc.lattice([1, 3])(4)
        Array([[0.  , 0.  ],
               [0.5 , 0.5 ],
               [0.25, 0.75],
               [0.75, 0.25]], dtype=float32)

    See Also:
        `cbc`, which finds a vector; `random_shift`. QMCPy: `Lattice(d, randomize=False)`.

    References:
        Dick, Kuo and Sloan (2013), key `dick2013`.
    """
    found = _qmc_checks.generating_vector(vector)
    bits = jnp.iinfo(_words.word()).bits
    words = jnp.asarray((found.astype(object) % (1 << bits)).astype(np.uint64), _words.word())
    return Lattice(words, jnp.zeros_like(words))


def random_shift(key: KeyArray, points: Lattice) -> Lattice:
    r"""A lattice shifted by a uniform vector, modulo one.

    Every point is uniform, so means over points have no bias; means over several shifts tell how
    far off they are.

    Args:
        key: a new-style PRNG key.
        points: the lattice.

    Returns:
        A `Lattice` with $\Delta$ added to the shift it had.

    Raises:
        TypeError: key is no new-style key.

    Cost:
        One word a dimension.

    Example:
        >>> import jax
        >>> from hadax import qmc
        >>> keys = jax.random.split(jax.random.key(0), 8)
        >>> points = qmc.lattice([1, 19])
        >>> means = jax.vmap(lambda key: qmc.random_shift(key, points)(64).mean())(keys)
        >>> bool(abs(means.mean() - 0.5) < 0.01)
        True

    See Also:
        QMCPy: `Lattice(d, randomize="SHIFT")`.

    References:
        Cranley and Patterson (1976), key `cranley1976`.
    """
    _qmc_checks.sequence(points, Lattice)
    shift = jax.random.bits(_checks.key(key), points.shift.shape, points.shift.dtype)
    return dataclasses.replace(points, shift=points.shift + shift)
