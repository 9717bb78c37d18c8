"""The classical actions on n points, and on the leaves of a tree or the corners of a cube."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax.groups.base import PermutationGroup


@dataclass(frozen=True, repr=False)
class _OnPoints(PermutationGroup):
    """A family with one group for every number of points."""

    n: int

    @property
    def degree(self) -> int:
        """n."""
        return self.n


@dataclass(frozen=True, repr=False)
class _OnBits(PermutationGroup):
    """A family with one group for every number of bits of an index."""

    bits: int

    @property
    def degree(self) -> int:
        """2^bits."""
        return 1 << self.bits


class Trivial(_OnPoints):
    """The group of one element."""

    @property
    def name(self) -> str:
        """1."""
        return "1"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        return [np.arange(self.n)]


class Reflection(_OnPoints):
    """The reversal of n points."""

    @property
    def name(self) -> str:
        """Reflection."""
        return "reflection"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        return [np.arange(self.n)[::-1]]


class Cyclic(_OnPoints):
    """The shifts of n points on a circle."""

    @property
    def name(self) -> str:
        """Cn."""
        return f"C{self.n}"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        return [np.roll(np.arange(self.n), -1)]


class Dihedral(_OnPoints):
    """The shifts and reflections of n points on a circle."""

    @property
    def name(self) -> str:
        """Dn."""
        return f"D{self.n}"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        return [np.roll(np.arange(self.n), -1), -np.arange(self.n) % self.n]


class Symmetric(_OnPoints):
    """All permutations of n points."""

    @property
    def name(self) -> str:
        """Sn."""
        return f"S{self.n}"

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        swap = np.arange(self.n)
        swap[:2] = swap[:2][::-1]
        return [np.roll(np.arange(self.n), -1), swap]


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


def trivial(n: int) -> PermutationGroup:
    r"""The group of the identity alone: no symmetry, every matrix is invariant.

    $\{1\}$ on n points.

    Args:
        n: number of points.

    Returns:
        A group of degree n. Its symmetry-adapted basis is that of one matrix: the full KLT.

    Raises:
        ValueError: n is less than 1.
        TypeError: n is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.trivial(4)), groups.symmetric_rank(groups.trivial(4))
        (16, 10)

    See Also:
        `symmetric`, the other end.
    """
    return Trivial(_checks.integer("n", n, minimum=1))


def reflection(n: int) -> PermutationGroup:
    r"""The reversal of n points: the one symmetry of a stationary covariance on an interval.

    $i \mapsto n - 1 - i$.

    Args:
        n: number of points.

    Returns:
        A group of degree n and order 2; for n > 2 it is not multiplicity free.

    Raises:
        ValueError: n is less than 1.
        TypeError: n is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.symmetric_rank(groups.reflection(16))
        72

    See Also:
        `folded_dihedral`, which has an eigenbasis: the cosine and sine transforms.
    """
    return Reflection(_checks.integer("n", n, minimum=1))


def cyclic(n: int) -> PermutationGroup:
    r"""The shifts of n points on a circle; its eigenbasis is the Fourier transform.

    $i \mapsto i + k \bmod n$. The invariant matrices are the circulant ones.

    Args:
        n: number of points.

    Returns:
        A group of degree and order n.

    Raises:
        ValueError: n is less than 1.
        TypeError: n is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.cyclic(16)), groups.symmetric_rank(groups.cyclic(16))
        (16, 9)

    See Also:
        `dihedral`, which has the same symmetric invariant matrices and a real eigenbasis.
    """
    return Cyclic(_checks.integer("n", n, minimum=1))


def dihedral(n: int) -> PermutationGroup:
    r"""The shifts and reflections of n points on a circle; its eigenbasis is the real Fourier one.

    $i \mapsto \pm i + k \bmod n$. The invariant matrices are the symmetric circulant ones.

    Args:
        n: number of points.

    Returns:
        A group of degree n and order 2n (for n > 2).

    Raises:
        ValueError: n is less than 1.
        TypeError: n is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.dihedral(16))
        9

    See Also:
        `cyclic`; `folded_dihedral`, the case of the cosine transforms.
    """
    return Dihedral(_checks.integer("n", n, minimum=1))


def symmetric(n: int) -> PermutationGroup:
    r"""All permutations of n points; its eigenbasis is any with a constant vector: Helmert's.

    $S_n$. The invariant matrices are $a I + b J$ with J the matrix of ones.

    Args:
        n: number of points.

    Returns:
        A group of degree n.

    Raises:
        ValueError: n is less than 1.
        TypeError: n is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.symmetric(16))
        2

    See Also:
        `trivial`, the other end; `scipy.linalg.helmert`.
    """
    return Symmetric(_checks.integer("n", n, minimum=1))


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
