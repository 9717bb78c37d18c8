"""Groups that act on the numbers of b bits: on the corners of a cube, and the leaves of a tree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax.groups.actions import Symmetric
from hadax.groups.base import PermutationGroup


@dataclass(frozen=True, repr=False)
class _OnBits(PermutationGroup):
    """A family with one group for every number of bits of an index."""

    bits: int

    @property
    def degree(self) -> int:
        """2^bits."""
        return 1 << self.bits


class ElementaryAbelian(_OnBits):
    """Z2^bits: the flips of bits of an index."""

    @property
    def name(self) -> str:
        """Z2^bits."""
        return f"Z2^{self.bits}"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        return [np.arange(self.degree) ^ (1 << bit) for bit in range(self.bits)]


class Hamming(_OnBits):
    """Z2^bits : S_bits: the flips and the permutations of bits of an index."""

    @property
    def name(self) -> str:
        """Z2^bits:Sbits."""
        return f"Z2^{self.bits}:S{self.bits}"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        points = np.arange(self.degree)
        bits = points >> np.arange(self.bits)[:, None] & 1
        moves = [(bits << to[:, None]).sum(axis=0) for to in Symmetric(self.bits).generators]
        return [*ElementaryAbelian(self.bits).generators, *moves]


class BinaryTree(_OnBits):
    """Z2 wr ... wr Z2: the symmetries of a binary tree, acting on its leaves."""

    @property
    def name(self) -> str:
        """Wbits."""
        return f"W{self.bits}"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        # Swap the halves of the first 2^level leaves; the other subtrees follow by conjugation.
        points = np.arange(self.degree)
        halves = (1 << level for level in range(self.bits))
        return [np.where(points < 2 * half, points ^ half, points) for half in halves]


def elementary_abelian(bits: int) -> PermutationGroup:
    r"""The flips of bits of an index; its eigenbasis is the Walsh-Hadamard transform.

    $Z_2^{b}$ acting on $n = 2^b$ points by $i \mapsto i \oplus k$. The invariant matrices are the
    dyadic ones, $R_{ij} = r(i \oplus j)$.

    Args:
        bits: number b of bits.

    Returns:
        A group of degree and order 2^bits.

    Raises:
        ValueError: bits is negative.
        TypeError: bits is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.elementary_abelian(4), groups.rank(groups.elementary_abelian(4))
        (<Z2^4 on 16 points>, 16)

    See Also:
        `hamming`, which permutes the bits as well.
    """
    return ElementaryAbelian(_checks.integer("bits", bits, minimum=0))


def hamming(bits: int) -> PermutationGroup:
    r"""The flips and permutations of bits of an index: symmetries of the Hamming distance.

    $Z_2^{b} : S_b$ on $2^b$ points. The invariant matrices are functions of the Hamming distance of
    i and j; their eigenvalues depend on the weight of the Walsh function (Krawtchouk polynomials).

    Args:
        bits: number b of bits, at least 1.

    Returns:
        A group of degree 2^bits.

    Raises:
        ValueError: bits is less than 1.
        TypeError: bits is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.hamming(4))
        5

    See Also:
        `elementary_abelian`, with the same eigenbasis and more invariant matrices.
    """
    return Hamming(_checks.integer("bits", bits, minimum=1))


def iterated_wreath(levels: int) -> PermutationGroup:
    r"""The symmetries of a binary tree, acting on its leaves; its eigenbasis is the Haar transform.

    $Z_2 \wr \dots \wr Z_2$ on $2^m$ points, of order $2^{2^m - 1}$. The invariant matrices are the
    functions of the lowest common ancestor's height.

    Args:
        levels: height m of the tree.

    Returns:
        A group of degree 2^levels.

    Raises:
        ValueError: levels is negative.
        TypeError: levels is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.iterated_wreath(4))
        5

    See Also:
        `wreath`, of any two groups.
    """
    return BinaryTree(_checks.integer("levels", levels, minimum=0))
