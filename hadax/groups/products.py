"""Larger groups from smaller ones, and how they act."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax.groups import _components, _group_checks
from hadax.groups.base import PermutationGroup


@dataclass(frozen=True, repr=False)
class DirectProduct(PermutationGroup):
    """left x right on a grid: point (i, j) is i * right.degree + j."""

    left: PermutationGroup
    right: PermutationGroup

    @property
    def name(self) -> str:
        """Both names."""
        return f"({self.left.name} x {self.right.name})"

    @property
    def degree(self) -> int:
        """The product of the degrees."""
        return self.left.degree * self.right.degree

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        grid = np.arange(self.degree).reshape(self.left.degree, self.right.degree)
        rows = [grid[g].ravel() for g in self.left.generators]
        return rows + [grid[:, g].ravel() for g in self.right.generators]


@dataclass(frozen=True, repr=False)
class Wreath(PermutationGroup):
    """inner wr outer on blocks: point j of block i is i * inner.degree + j."""

    inner: PermutationGroup
    outer: PermutationGroup

    @property
    def name(self) -> str:
        """Both names."""
        return f"({self.inner.name} wr {self.outer.name})"

    @property
    def degree(self) -> int:
        """The product of the degrees."""
        return self.inner.degree * self.outer.degree

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        grid = np.arange(self.degree).reshape(self.outer.degree, self.inner.degree)
        rows = []
        # The outer group carries what moves one block of an orbit to the others.
        _, first_blocks = np.unique(_components.orbits(self.outer.generators), return_index=True)
        for block in first_blocks:
            for g in self.inner.generators:
                moved = grid.copy()
                moved[block] = grid[block, g]
                rows.append(moved.ravel())
        return rows + [grid[g].ravel() for g in self.outer.generators]


@dataclass(frozen=True, repr=False)
class DisjointUnion(PermutationGroup):
    """left x right on two sets of points side by side, each factor on its own."""

    left: PermutationGroup
    right: PermutationGroup

    @property
    def name(self) -> str:
        """Both names."""
        return f"({self.left.name} + {self.right.name})"

    @property
    def degree(self) -> int:
        """The sum of the degrees."""
        return self.left.degree + self.right.degree

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        n, m = self.left.degree, self.right.degree
        rows = [np.concatenate([g, n + np.arange(m)]) for g in self.left.generators]
        return rows + [np.concatenate([np.arange(n), n + g]) for g in self.right.generators]


@dataclass(frozen=True, repr=False)
class Copies(PermutationGroup):
    """One group that moves several sets of points side by side, all in the same way."""

    group: PermutationGroup
    count: int

    @property
    def name(self) -> str:
        """The name and the number of copies."""
        return f"{self.count} copies of {self.group.name}"

    @property
    def degree(self) -> int:
        """count times the degree."""
        return self.count * self.group.degree

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        starts = self.group.degree * np.arange(self.count)[:, None]
        return [(starts + g).ravel() for g in self.group.generators]


@dataclass(frozen=True, repr=False)
class Join(PermutationGroup):
    """The group that two groups on the same points generate."""

    left: PermutationGroup
    right: PermutationGroup

    @property
    def name(self) -> str:
        """Both names."""
        return f"<{self.left.name}, {self.right.name}>"

    @property
    def degree(self) -> int:
        """The degree of both."""
        return self.left.degree

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        return [*self.left.generators, *self.right.generators]


def direct_product(left: PermutationGroup, right: PermutationGroup) -> PermutationGroup:
    r"""Two groups on a grid, one moving its rows and the other its columns.

    $G_1 \times G_2$ on $X \times Y$; point (i, j) has the number $i |Y| + j$. The eigenbasis is the
    tensor product $Q_1 \otimes Q_2$.

    Args:
        left: the group that moves rows.
        right: the group that moves columns.

    Returns:
        A group of degree left.degree * right.degree.

    Raises:
        TypeError: left or right is no group.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> torus = groups.direct_product(groups.cyclic(4), groups.cyclic(4))
        >>> groups.rank(torus), groups.symmetric_rank(torus)
        (16, 10)

    See Also:
        `wreath`, where each row is moved on its own.
    """
    _groups(left=left, right=right)
    return DirectProduct(left, right)


def wreath(inner: PermutationGroup, outer: PermutationGroup) -> PermutationGroup:
    r"""One group inside of each of several blocks, and another that permutes the blocks.

    $G \wr K$ acting imprimitively: point j of block i has the number $i |X| + j$, each block is
    moved by an element of G of its own, and K moves whole blocks. Mixed factors are the hybrid
    cases.

    Args:
        inner: the group G on the points of a block.
        outer: the group K on the blocks.

    Returns:
        A group of degree inner.degree * outer.degree.

    Raises:
        TypeError: inner or outer is no group.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.wreath(groups.symmetric(4), groups.symmetric(4)))
        3

    See Also:
        `iterated_wreath`, for binary trees; `direct_product`, where all rows move alike.
    """
    _groups(inner=inner, outer=outer)
    return Wreath(inner, outer)


def disjoint_union(left: PermutationGroup, right: PermutationGroup) -> PermutationGroup:
    r"""Two groups on two sets of points side by side, each moving its own.

    $G_1 \times G_2$ on $X \sqcup Y$. The constants of both sets are equivalent, so that it is never
    multiplicity free: a 2 x 2 block remains for each pair of orbits.

    Args:
        left: the group on the first points.
        right: the group on the points after them.

    Returns:
        A group of degree left.degree + right.degree.

    Raises:
        TypeError: left or right is no group.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.disjoint_union(groups.symmetric(3), groups.symmetric(4)))
        6

    See Also:
        `copies`, where one group moves all sets at once; `symmetry_adapted`.
    """
    _groups(left=left, right=right)
    return DisjointUnion(left, right)


def copies(group: PermutationGroup, count: int) -> PermutationGroup:
    r"""Several sets of points side by side that a group moves all in the same way.

    $G$ on $X \sqcup \dots \sqcup X$: every multiplicity is `count` times as large.

    Args:
        group: the group on one set.
        count: number of sets.

    Returns:
        A group of degree count * group.degree.

    Raises:
        ValueError: count is less than 1.
        TypeError: group is no group, or count no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.copies(groups.symmetric(4), 2))
        8

    See Also:
        `disjoint_union`, where each set is moved on its own.
    """
    _groups(group=group)
    return Copies(group, _checks.integer("count", count, minimum=1))


def join(left: PermutationGroup, right: PermutationGroup) -> PermutationGroup:
    r"""The group that two groups on the same points generate.

    $\langle G, K\rangle$. Where K normalises G and meets it in the identity only, this is the
    semidirect product $G : K$; fewer matrices are invariant, and the eigenbasis of G still
    diagonalises them, with eigenvalues merged over the orbits of K.

    Args:
        left: a group; if it has an eigenbasis, that one serves, else that of right.
        right: a group on the same points.

    Returns:
        A group of the same degree.

    Raises:
        ValueError: the degrees differ.
        TypeError: left or right is no group.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> tripling = groups.generated([[0, 3, 6, 2, 5, 1, 4]], name="times 3")
        >>> affine = groups.join(groups.cyclic(7), tripling)   # AGL(1, 7)
        >>> groups.rank(affine)
        2

    See Also:
        `hamming` and `dihedral`, which are such products.
    """
    _groups(left=left, right=right)
    _group_checks.same_degree(left.degree, right.degree)
    return Join(left, right)


def _groups(**arguments: PermutationGroup) -> None:
    """Refuse arguments that are no groups."""
    for name, value in arguments.items():
        _group_checks.instance(name, value, PermutationGroup)
