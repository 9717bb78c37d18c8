"""Digital nets in base 2: sums modulo two of the columns of matrices, chosen by an index's bits."""

import dataclasses
from collections.abc import Sequence
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.operators.base import static
from hadax.qmc import _direction_numbers, _nested, _qmc_checks, _words
from hadax.qmc._nested import Hash
from hadax.qmc._qmc_checks import NetOrder


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class DigitalNet:
    r"""The points of a digital net in base 2: what `sobol` and `digital_net` make.

    Point i is the sum modulo two, bit by bit, of the columns of the generating matrices at which i
    has a one, and of a shift. `columns` (d, m) holds these columns as words, the first output bit
    being the highest, and `shift` (d,) the shift. `seeds` (d, 2) are those of a nested scrambling,
    or None, and `interlaced` is how many coordinates are woven into one: those of `columns` are
    already, unless there are seeds. A pytree: an ensemble is `jax.vmap` of what scrambles it over
    keys.
    """

    columns: Array
    shift: Array
    seeds: Array | None = None
    interlaced: int = static(default=1)
    hash: Hash = static(default="threefry")

    @property
    def dimensions(self) -> int:
        """The length of a point."""
        return self.shift.shape[-1]

    def words(self, n: int, *, start: int = 0, order: NetOrder = "natural") -> Array:
        """The points as words.

        Args:
            n: number of points.
            start: index of the first one.
            order: as in a call.

        Returns:
            Unsigned array (n, d); over 2^32 or 2^64 they are the coordinates.
        """
        return self._first_bits(_words.width(self.columns), n, start=start, order=order)

    def __call__(
        self, n: int, *, start: int = 0, order: NetOrder = "natural", dtype: DTypeLike | None = None
    ) -> Array:
        """Points start, ..., start + n - 1.

        Args:
            n: number of points.
            start: index of the first one.
            order: "natural", or "gray", which visits each block of 2^m points by the Gray code, as
                scipy does.
            dtype: float32 or float64; None for JAX's own.

        Returns:
            Array (n, d) in [0, 1), cut to the dtype's bits: float32 holds 24 of them.
        """
        found = _qmc_checks.float_dtype(dtype)
        words = self._first_bits(_words.held(found), n, start=start, order=order)
        return _words.fractions(words, found)

    def _first_bits(self, count: int, n: int, *, start: int, order: NetOrder) -> Array:
        """Words that are right in their first bits, so many of them."""
        _qmc_checks.single(self.shift)
        n, start = _qmc_checks.stream(n, start, 1 << self.columns.shape[-1])
        _checks.choice("order", order, get_args(NetOrder))
        words = _sums(_gray(self.columns) if order == "gray" else self.columns, n, start)
        if self.seeds is not None:
            depth = min(-(-count // self.interlaced), _words.width(words))
            words = _nested.scrambled(words, self.seeds, self.hash, depth)
            if self.interlaced > 1:
                words = _words.interlaced(words, self.interlaced)
        return words ^ self.shift[None]


def digital_net(columns: ArrayLike | Sequence[Sequence[int]], *, bits: int = 32) -> DigitalNet:
    r"""The net of given generating matrices, not randomised: point 0 is the origin.

    Args:
        columns: integers (d, m): column b of matrix j in base 2, the first of its `bits` output
            bits being the highest.
        bits: length of a column, at most that of a word: 32, or 64 under `jax.enable_x64`.

    Returns:
        A `DigitalNet` of up to 2^m points; call it with a number of them.

    Raises:
        ValueError: no integers (d, m), or one that has more bits.

    Cost:
        None; a call takes about one exclusive or a coordinate.

    Example:
        >>> from hadax import qmc
        >>> qmc.digital_net([[2, 1], [2, 3]], bits=2)(4)
        Array([[0.  , 0.  ],
               [0.5 , 0.5 ],
               [0.25, 0.75],
               [0.75, 0.25]], dtype=float32)

    See Also:
        `sobol`, with Joe and Kuo's matrices.

    References:
        Niederreiter (1992), key `niederreiter1992`.
    """
    most = jnp.iinfo(_words.word()).bits
    found, bits = _qmc_checks.columns(columns, bits, most)
    words = jnp.asarray(found.astype(np.uint64) << np.uint64(most - bits), _words.word())
    return DigitalNet(words, jnp.zeros(len(found), _words.word()))


def sobol(dimensions: int) -> DigitalNet:
    r"""Sobol's sequence with the direction numbers of Joe and Kuo, not randomised.

    Args:
        dimensions: length of a point, at most 21201.

    Returns:
        A `DigitalNet` of up to $2^{32}$ points; the first $2^m$ are a net for every m.

    Raises:
        ValueError: more dimensions than there are numbers for.

    Cost:
        Reads a table of 0.6 MB once; O(32 d) integers.

    Example:
        >>> import jax
        >>> from hadax import qmc
        >>> qmc.sobol(2)(4)
        Array([[0.  , 0.  ],
               [0.5 , 0.5 ],
               [0.25, 0.75],
               [0.75, 0.25]], dtype=float32)
        >>> x = qmc.digital_shift(jax.random.key(0), qmc.sobol(2))(1024)
        >>> bool(abs((x[:, 0] * x[:, 1]).mean() - 0.25) < 2e-3)
        True

    See Also:
        `linear_scramble`, `nested_scramble`, `digital_shift`. scipy: `scipy.stats.qmc.Sobol(d,
        scramble=False)` has the same points by Gray code. QMCPy: `DigitalNetB2`.

    References:
        Joe and Kuo (2008), key `joe2008`.
    """
    count = _qmc_checks.dimensions(dimensions, _direction_numbers.MOST)
    return digital_net(_direction_numbers.columns(count))


def _gray(columns: Array) -> Array:
    """Columns whose sums by the bits of i are the old ones' by those of its Gray code."""
    return columns ^ jnp.pad(columns, ((0, 0), (1, 0)))[:, :-1]


def _sums(columns: Array, n: int, start: int) -> Array:
    """Sums of columns (d, m) by the bits of start, ..., start + n - 1: words (n, d).

    An index is a high part and a low one, and so is its sum: 2 sqrt(n) sums of columns, and one
    exclusive or a point.
    """
    low_bits = (n.bit_length() + 1) // 2
    first, last = start >> low_bits, (start + n - 1) >> low_bits
    low = _few_sums(columns[:, :low_bits], np.arange(1 << low_bits))
    high = _few_sums(columns[:, low_bits:], np.arange(first, last + 1))
    words = (high[:, None, :] ^ low[None]).reshape(-1, columns.shape[0])
    skipped = start - (first << low_bits)
    return words[skipped : skipped + n]


def _few_sums(columns: Array, index: np.ndarray) -> Array:
    """Sums of columns (d, m) by the bits of some integers: words (count, d)."""
    bits = (index[:, None] >> np.arange(columns.shape[1])) & 1
    zero = np.array(0, columns.dtype)
    chosen = jnp.where(jnp.asarray(bits, bool)[:, None, :], columns[None], zero)
    return jax.lax.reduce(chosen, zero, jax.lax.bitwise_xor, (2,))
