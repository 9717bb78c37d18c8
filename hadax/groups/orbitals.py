"""Orbits of pairs of points: what is left of a matrix under a group, and how many numbers that is.

The orbitals of a permutation group number the entries that an invariant matrix has in common. The
matrices that are constant on them are the commutant of the group (a coherent algebra).
"""

import functools

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hadax import _dtypes
from hadax._typing import Array, ArrayLike, Inexact
from hadax.groups import _components, _group_checks
from hadax.groups.base import PermutationGroup


def orbitals(group: PermutationGroup) -> NDArray[np.int64]:
    r"""The orbits of a group on pairs of points.

    Entries (i, j) and (k, l) have the same label iff some $g \in G$ has $g(i) = k$, $g(j) = l$.

    Args:
        group: a permutation group of degree n.

    Returns:
        Labels (n, n) 0, 1, ..., r - 1 in the order in which they appear; read-only.

    Raises:
        TypeError: group is no group.

    Cost:
        O(n^2) operations and numbers a generator, whatever the order of the group (connected
        components of the pairs). The last few groups' orbitals are kept.

    Example:
        >>> from hadax import groups
        >>> groups.orbitals(groups.dihedral(4))
        array([[0, 1, 2, 1],
               [1, 0, 1, 2],
               [2, 1, 0, 1],
               [1, 2, 1, 0]])

    See Also:
        `rank`, how many there are; `coherent_closure`, where no group is known.
    """
    _group_checks.instance("group", group, PermutationGroup)
    return _kept_orbitals(group)


def rank(group: PermutationGroup) -> int:
    r"""How many orbits of pairs a group has: the dimension of its commutant.

    $\dim C_G = \sum_l m_l^2$ with the multiplicities of the irreducible complex representations.

    Args:
        group: a permutation group.

    Returns:
        The number of orbitals. Where the group is multiplicity free, it is also the number of
        distinct eigenvalues of a generic invariant matrix.

    Raises:
        TypeError: group is no group.

    Cost:
        As `orbitals`.

    Example:
        >>> from hadax import groups
        >>> groups.rank(groups.cyclic(16)), groups.rank(groups.dihedral(16))
        (16, 9)

    See Also:
        `symmetric_rank`, for covariances.
    """
    return int(orbitals(group).max()) + 1


def symmetric_rank(group: PermutationGroup) -> int:
    r"""The free parameters of a real symmetric matrix that a group leaves as it is.

    $\dim\{R = R^T : \rho(g) R = R \rho(g)\}$: orbitals, each together with its transpose.

    Args:
        group: a permutation group.

    Returns:
        The dimension.

    Raises:
        TypeError: group is no group.

    Cost:
        As `orbitals`.

    Example:
        >>> from hadax import groups
        >>> groups.symmetric_rank(groups.cyclic(16)), groups.symmetric_rank(groups.trivial(16))
        (9, 136)

    See Also:
        `rank`, for all matrices.
    """
    labels = orbitals(group)
    return np.unique(np.minimum(labels, labels.T) * labels.size + np.maximum(labels, labels.T)).size


def is_multiplicity_free(group: PermutationGroup) -> bool:
    r"""Whether all matrices that a group leaves as they are commute: whether one basis serves all.

    True iff $m_l \le 1$ for every irreducible complex representation. Tested with two random
    integer matrices of the commutant, in exact arithmetic: "False" is certain, "True" is wrong with
    a probability below 2^-20 (Schwartz-Zippel).

    Args:
        group: a permutation group.

    Returns:
        True or False.

    Raises:
        TypeError: group is no group.

    Cost:
        As `orbitals`, and four products of n x n matrices.

    Example:
        >>> from hadax import groups
        >>> [groups.is_multiplicity_free(g(8)) for g in (groups.cyclic, groups.reflection)]
        [True, False]

    See Also:
        `eigenbasis`, that basis; `symmetry_adapted`, for the blocks where there is none.
    """
    labels = orbitals(group)
    weights = np.random.default_rng(0).integers(0, 1 << 21, (2, int(labels.max()) + 1))
    a, b = weights[:, labels]
    # Sums of n products below 2^42 are exact in int64 for every matrix that fits a memory.
    return bool((a @ b == b @ a).all())


def orbital_means(
    labels: _group_checks.Table, R: Inexact[ArrayLike, "..."]
) -> Inexact[Array, "..."]:
    r"""Replace every entry of a matrix by the mean over the entries with its label.

    $R_{ij} \mapsto \operatorname{mean}\{R_{kl} : c(k,l) = c(i,j)\}$: the orthogonal projection
    onto the matrices that are constant on the labels.

    Args:
        labels: integers (n, n) 0, ..., r - 1, each used; known outside of jit.
        R: array (..., n, n), real or complex.

    Returns:
        Array of the shape and dtype of R.

    Raises:
        ValueError: labels is not square or skips a number; R has another shape.
        TypeError: labels does not hold integers, or R no floating-point numbers.

    Cost:
        O(n^2) operations a matrix.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> groups.orbital_means([[0, 1], [1, 0]], jnp.array([[1.0, 2.0], [4.0, 3.0]]))
        Array([[2., 3.],
               [3., 2.]], dtype=float32)

    See Also:
        `reynolds`, for the labels of a group; `jax.ops.segment_sum`.
    """
    found = _group_checks.labels("labels", labels)
    matrices = _group_checks.matrices("R", R, len(found))
    wide = _dtypes.accumulator(matrices.dtype)
    flat, counts = found.ravel(), np.bincount(found.ravel())
    entries = matrices.astype(wide).reshape(*matrices.shape[:-2], flat.size)
    sums = jnp.zeros((*matrices.shape[:-2], counts.size), wide).at[..., flat].add(entries)
    means = sums / jnp.broadcast_to(jnp.asarray(counts, wide), sums.shape)
    return means[..., flat].reshape(matrices.shape).astype(matrices.dtype)


@functools.lru_cache(maxsize=16)
def _kept_orbitals(group: PermutationGroup) -> NDArray[np.int64]:
    """The orbitals, computed once; read-only, since all callers share them."""
    labels = _components.orbitals(group.generators)
    labels.setflags(write=False)
    return labels
