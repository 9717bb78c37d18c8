"""A group whose points have other numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hadax.groups import _group_checks
from hadax.groups.base import PermutationGroup


@dataclass(frozen=True, repr=False)
class Relabelled(PermutationGroup):
    """A group of which point i has the number order[i]."""

    group: PermutationGroup
    order: tuple[int, ...]

    @property
    def name(self) -> str:
        """That of the group, and that it is relabelled."""
        return f"{self.group.name} relabelled"

    @property
    def degree(self) -> int:
        """The degree of the group."""
        return self.group.degree

    def _generators(self) -> Sequence[NDArray[np.int64]]:
        numbers = np.array(self.order)
        places = np.argsort(numbers)
        return [numbers[g[places]] for g in self.group.generators]


def relabelled(group: PermutationGroup, order: _group_checks.Table) -> PermutationGroup:
    r"""A group on points with other numbers: a symmetry that the order of the data hides.

    $\pi G \pi^{-1}$ with $\pi(i)$ = order[i]. R is invariant iff $R_{\pi(i)\pi(j)}$ is invariant
    under G, and the eigenbasis is that of G after sorting a vector: $x \mapsto Q^* x_\pi$.

    Args:
        group: a permutation group of degree n.
        order: integers (n,), each of 0 ... n-1 once: the numbers of the group's points.

    Returns:
        A group of the same degree.

    Raises:
        ValueError: order is no permutation of the points.
        TypeError: group is no group, or order does not hold integers.

    Cost:
        n numbers.

    Example:
        >>> from hadax import groups
        >>> circle = groups.relabelled(groups.dihedral(4), [0, 2, 1, 3])
        >>> circle, circle.generators[0]
        (<D4 relabelled on 4 points>, array([2, 3, 1, 0]))

    See Also:
        `discover_cyclic` and its neighbours, which find the order from data.
    """
    _group_checks.instance("group", group, PermutationGroup)
    (numbers,) = _group_checks.permutations("order", np.asarray(order)[None])
    _group_checks.same_count("order", numbers.size, group.degree)
    return Relabelled(group, tuple(numbers.tolist()))
