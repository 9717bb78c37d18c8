"""The classical actions on n points."""

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
