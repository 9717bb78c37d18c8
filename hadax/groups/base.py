"""What a permutation group is here: an action on points, known by its generators."""

import abc
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hadax.groups import _group_checks


@dataclass(frozen=True, repr=False)
class PermutationGroup(abc.ABC):
    """A group that permutes the points 0 ... degree - 1, given by generators.

    A value: two groups built in the same way are equal, and a group is a key of a dictionary. Its
    elements are never listed; whatever is asked of a group is answered from its generators, or
    from how it was built.
    """

    @property
    @abc.abstractmethod
    def name(self) -> str:
        """How the group is called, for example "D16" or "S4 wr S4"."""

    @property
    @abc.abstractmethod
    def degree(self) -> int:
        """The number of points."""

    @abc.abstractmethod
    def _generators(self) -> Sequence[NDArray[np.int64]]:
        """The generators, one after the other."""

    @functools.cached_property
    def generators(self) -> NDArray[np.int64]:
        """Permutations, one a row, that generate the group: row g sends point i to g[i]."""
        rows = np.array(self._generators(), np.int64).reshape(-1, self.degree)
        rows.setflags(write=False)
        return rows

    def __repr__(self) -> str:
        """The name and the number of points."""
        return f"<{self.name} on {self.degree} points>"


@dataclass(frozen=True, repr=False)
class Generated(PermutationGroup):
    """A group of which only the generators are known."""

    permutations: tuple[tuple[int, ...], ...]
    label: str

    @property
    def name(self) -> str:
        """What its maker called it."""
        return self.label

    @property
    def degree(self) -> int:
        """The length of a generator."""
        return len(self.permutations[0])

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        return [np.array(row, np.int64) for row in self.permutations]


def generated(
    permutations: _group_checks.Table, *, name: str = "generated group"
) -> PermutationGroup:
    r"""The group that some permutations generate.

    $\langle p_1, \dots, p_k\rangle$, where $p$ sends point i to $p(i)$ and a vector x to the vector
    whose entry $p(i)$ is $x_i$.

    Args:
        permutations: integers (k, n), one permutation of 0 ... n-1 a row.
        name: how the group is called.

    Returns:
        A group of degree n. It has no eigenbasis in closed form: `symmetry_adapted` finds one.

    Raises:
        ValueError: a row is no permutation.
        TypeError: permutations does not hold integers.

    Cost:
        k n numbers; the elements of the group are not listed.

    Example:
        >>> from hadax import groups
        >>> shift = groups.generated([[1, 2, 3, 0]], name="shifts")
        >>> shift, groups.rank(shift)
        (<shifts on 4 points>, 4)

    See Also:
        `cyclic` and its neighbours, which know their eigenbases; `sympy.combinatorics`, which
        lists and counts elements.
    """
    rows = _group_checks.permutations("permutations", permutations)
    return Generated(tuple(tuple(int(i) for i in row) for row in rows), name)
