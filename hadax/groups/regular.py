"""Groups that act on themselves: regular representations, from a multiplication table."""

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax.groups import _components, _group_checks
from hadax.groups.base import Generated, PermutationGroup


def regular(table: _group_checks.Table, *, name: str = "regular") -> PermutationGroup:
    r"""A group that acts on its own elements by multiplication from the left.

    $g: h \mapsto g h$. Every irreducible representation is there as often as its dimension says
    (Peter-Weyl), so that it is multiplicity free for abelian groups only.

    Args:
        table: integers (n, n); entry (g, h) is the number of the product g h, and element 0 is the
            identity.
        name: how the group is called.

    Returns:
        A group of degree and order n.

    Raises:
        ValueError: table is no multiplication table of a group with the identity first.
        TypeError: table does not hold integers.

    Cost:
        O(n^3) operations, to check that the product is associative.

    Example:
        >>> from hadax import groups
        >>> s3 = groups.regular(groups.multiplication_table(groups.symmetric(3)), name="S3")
        >>> s3, groups.rank(s3), groups.is_multiplicity_free(s3)
        (<S3 on 6 points>, 6, False)

    See Also:
        `multiplication_table`, `dicyclic_table`; `symmetry_adapted`, which finds the blocks.
    """
    rows = _group_checks.group_table("table", table)
    chosen: list[int] = []
    reached = np.arange(len(rows)) == 0
    while not reached.all():
        # The subgroup that some elements generate is the orbit of the identity under them.
        chosen.append(int(np.argmin(reached)))
        reached = _components.orbits(rows[chosen]) == 0
    return Generated(tuple(tuple(map(int, rows[g])) for g in chosen or [0]), name)


def multiplication_table(group: PermutationGroup, *, limit: int = 1000) -> NDArray[np.int64]:
    r"""The multiplication table of a small group, whose elements are listed for it.

    Entry (g, h) is the number of $g h$, which permutes by h first and by g then.

    Args:
        group: a permutation group.
        limit: the most elements that are listed.

    Returns:
        Integers (order, order); element 0 is the identity.

    Raises:
        ValueError: the group has more than `limit` elements.
        TypeError: group is no group, or limit no integer.

    Cost:
        O(order^2 degree) operations.

    Example:
        >>> from hadax import groups
        >>> groups.multiplication_table(groups.cyclic(3))
        array([[0, 1, 2],
               [1, 2, 0],
               [2, 0, 1]])

    See Also:
        `regular`, which takes it; `sympy.combinatorics.PermutationGroup` for large groups.
    """
    _group_checks.instance("group", group, PermutationGroup)
    limit = _checks.integer("limit", limit, minimum=1)
    generators = [tuple(map(int, g)) for g in group.generators]
    numbers = {tuple(range(group.degree)): 0}
    elements = list(numbers)
    for element in elements:  # it grows while it is read
        for g in generators:
            product = tuple(g[i] for i in element)
            if product not in numbers:
                numbers[product] = len(elements)
                elements.append(product)
        if len(elements) > limit:
            _group_checks.too_large("group", group.name, limit)
    every = np.array(elements)
    return np.array([[numbers[tuple(map(int, g[h]))] for h in every] for g in every], np.int64)


def dicyclic_table(m: int) -> NDArray[np.int64]:
    r"""The multiplication table of the dicyclic group of order 4m; m = 2 is the quaternion group.

    $\langle a, x \mid a^{2m} = 1,\; x^2 = a^m,\; x^{-1} a x = a^{-1}\rangle$; the element
    $a^i x^j$ has the number $i + 2m j$.

    Args:
        m: half the order of a.

    Returns:
        Integers (4m, 4m).

    Raises:
        ValueError: m is less than 1.
        TypeError: m is no integer.

    Cost:
        16 m^2 operations.

    Example:
        >>> from hadax import groups
        >>> quaternions = groups.regular(groups.dicyclic_table(2), name="Q8")
        >>> [(part.dimension, part.kind) for part in groups.symmetry_adapted(quaternions).parts]
        [(1, 'R'), (1, 'R'), (1, 'R'), (1, 'R'), (4, 'H')]

    See Also:
        `regular`, which takes it.
    """
    m = _checks.integer("m", m, minimum=1)
    j, i = np.divmod(np.arange(4 * m), 2 * m)
    # x^j a^k = a^(k or -k) x^j, and x^2 = a^m.
    turned = np.where(j[:, None] == 1, -i[None, :], i[None, :])
    exponent = i[:, None] + turned + m * (j[:, None] & j[None, :])
    return exponent % (2 * m) + 2 * m * (j[:, None] ^ j[None, :])
