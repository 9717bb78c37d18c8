"""What every design of a sparse transform keeps to."""

import abc

from hadax._typing import Array, DTypeLike
from hadax.sparse.bits import parities


class Matrices(abc.ABC):
    """What chooses the points of each group, and the bin in which it sees a coefficient.

    Points are packed for functions of bits, and digits for those of digits of another `base`;
    coefficients k (m, w) are packed always.
    """

    n: int
    base: int = 2

    @property
    @abc.abstractmethod
    def groups(self) -> int:
        """The number C of groups."""

    @property
    @abc.abstractmethod
    def bins(self) -> int:
        """The number of bins of a group."""

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """The words of a packed index."""

    @abc.abstractmethod
    def points(self) -> Array:
        """Points of every group: (C, bins, w or n)."""

    @abc.abstractmethod
    def shifted(self, points: Array, offsets: Array) -> Array:
        """Points, each with its offset added."""

    @abc.abstractmethod
    def bin_of(self, k: Array) -> Array:
        """The bins (C, m) of packed coefficients k (m, w), int32."""

    @abc.abstractmethod
    def transform(self, values: Array) -> Array:
        """Values at the points of a group (..., bins) to what each bin sees."""


class Offsets(abc.ABC):
    """What is added to all points, so that a bin with one coefficient tells which it is."""

    @property
    @abc.abstractmethod
    def count(self) -> int:
        """The number P of offsets."""

    @abc.abstractmethod
    def words(self) -> Array:
        """The offsets: (P, w or n)."""

    def signs(self, k: Array, dtype: DTypeLike) -> Array:
        """The signs, or phases, of packed coefficients k (m, w) at every offset: (m, P)."""
        return 1 - 2 * parities(self.words(), k).astype(dtype)

    @abc.abstractmethod
    def decode(self, seen: Array) -> Array:
        """The coefficient that explains m bins (m, P) best if each holds only one: (m, w)."""
