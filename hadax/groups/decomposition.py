"""Symmetry-adapted bases, numerically: for every group, and where there is no group at all.

Dixon's method, on the algebra of matrices that are constant on labels: a random symmetric member
has the irreducible subspaces as its eigenspaces, a second one says which of them are equivalent
and turns their bases into each other, and further ones say what commutes with a subspace.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax.groups import _components, _group_checks
from hadax.groups.base import PermutationGroup
from hadax.groups.orbitals import orbitals
from hadax.operators.elementary import Dense

Kind: TypeAlias = Literal["R", "C", "H"]

_KINDS: dict[int, Kind] = {1: "R", 2: "C", 4: "H"}
_GAP = 1e-8  # of the spread of eigenvalues; equal ones differ by round-off, 1e-14
_SAMPLES = 6  # of what commutes with a subspace, whose dimension is at most 4
_DRAWS = 5  # of a random matrix, of which the best is taken


@dataclass(frozen=True)
class Part:
    """An irreducible real representation and where it is found.

    `dimension` is that of one copy, `multiplicity` the number of copies. `kind` says what commutes
    with a copy: real numbers "R", complex numbers "C", or quaternions "H".
    """

    dimension: int
    multiplicity: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class Decomposition:
    """A basis in which invariant matrices are block diagonal, and the sizes of the blocks.

    `matrix` (n, n) has orthonormal columns, float64: part after part, copy after copy, and the
    bases of the copies of one part are matched. An invariant R becomes, on a part of kind "R",
    $R_l \\otimes I$ with $R_l$ of the size of the multiplicity. `dimension` is that of the
    algebra of all invariant matrices.
    """

    parts: tuple[Part, ...]
    matrix: NDArray[np.float64]
    dimension: int

    @property
    def is_multiplicity_free(self) -> bool:
        """Whether symmetric invariant matrices are diagonal in this basis."""
        return all(part.multiplicity == 1 for part in self.parts)

    @property
    def operator(self) -> Dense:
        """The operator from a vector to its coefficients, like that of `eigenbasis`."""
        return Dense(jnp.asarray(self.matrix.T), orthogonal=True)


def symmetry_adapted(group: PermutationGroup, *, seed: int = 0) -> Decomposition:
    r"""The irreducible parts of a permutation group's action, and a basis adapted to them.

    $\mathbb R^n = \bigoplus_l V_l \otimes \mathbb R^{m_l}$ over the irreducible real
    representations; an invariant R has a block for each, where a KLT of size $m_l$ remains.

    Args:
        group: a permutation group of degree n.
        seed: of the random matrices. The parts do not depend on it; the basis does.

    Returns:
        The parts, small dimensions first, and the basis.

    Raises:
        ValueError: seed is negative.
        TypeError: group is no group, or seed no integer.

    Cost:
        O(n^3) operations, in NumPy.

    Example:
        >>> from hadax import groups
        >>> for part in groups.symmetry_adapted(groups.copies(groups.symmetric(4), 2)).parts:
        ...     print(part)
        Part(dimension=1, multiplicity=2, kind='R')
        Part(dimension=3, multiplicity=2, kind='R')

    See Also:
        `eigenbasis`, in closed form and fast where it exists; `coherent_basis`.

    References:
        Dixon (1970), key `dixon1970`.
    """
    _group_checks.instance("group", group, PermutationGroup)
    return _decompose(orbitals(group), seed)


def coherent_closure(colors: _group_checks.Table) -> NDArray[np.int64]:
    r"""The coarsest coherent configuration that refines a colouring of pairs of points.

    Two pairs (i, j) and (k, l) keep one label only if for all labels a and b as many points p have
    $c(i, p) = a,\; c(p, j) = b$ as for (k, l); repeated until nothing is split. Matrices that are
    constant on the labels are closed under products. For a graph this algebra takes the place of
    the commutant of its automorphisms, and is smaller where no group explains it.

    Args:
        colors: integers (n, n), for example the adjacency matrix of a graph.

    Returns:
        Labels (n, n) 0, 1, ..., r - 1 in the order in which they appear.

    Raises:
        ValueError: colors is no square matrix.
        TypeError: colors does not hold integers.

    Cost:
        O(n^3 log n) operations a round, at most n^2 rounds and mostly a few.

    Example:
        >>> from hadax import groups
        >>> groups.coherent_closure([[0, 1, 0], [1, 0, 1], [0, 1, 0]])   # a path of 3 points
        array([[0, 1, 2],
               [3, 4, 3],
               [2, 1, 0]])

    See Also:
        `orbitals`, which are at least as fine for every group that preserves the colours.

    References:
        Weisfeiler & Leman (1968), key `weisfeiler1968`.
    """
    found = np.asarray(colors)
    if not np.issubdtype(found.dtype, np.integer):
        raise TypeError(f"Argument `colors` must hold integers, but has dtype {found.dtype}.")
    _group_checks.square("colors", found)
    labels = _components.in_order_of_appearance(found)
    # Diagonal pairs, and pairs together with their transposes, are told apart from the start.
    signature = np.stack([np.eye(len(labels), dtype=np.int64), labels, labels.T], axis=-1)
    refined = _number_rows(signature)
    while refined.max() > labels.max():
        labels = refined
        r = int(labels.max()) + 1
        through = [np.sort(row[None, :] * r + labels.T, axis=1) for row in labels]
        refined = _number_rows(np.concatenate([labels[..., None], np.stack(through)], axis=-1))
    return refined


def coherent_basis(colors: _group_checks.Table, *, seed: int = 0) -> Decomposition:
    r"""A basis adapted to the algebra that a graph or an association scheme generates.

    As `symmetry_adapted`, for the matrices that are constant on `coherent_closure(colors)`: a
    scheme need not come from a group.

    Args:
        colors: integers (n, n), for example the adjacency matrix of a graph.
        seed: of the random matrices.

    Returns:
        The parts and the basis. Dimensions are those of the algebra's common eigenspaces.

    Raises:
        ValueError: colors is no square matrix, or seed is negative.
        TypeError: colors does not hold integers, or seed is none.

    Cost:
        As `coherent_closure`, and O(n^3) operations in NumPy.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> square = np.roll(np.eye(4, dtype=int), 1, axis=0)
        >>> [part.dimension for part in groups.coherent_basis(square + square.T).parts]
        [1, 1, 2]

    See Also:
        `symmetry_adapted`, of a group.

    References:
        Weisfeiler & Leman (1968), key `weisfeiler1968`.
    """
    return _decompose(coherent_closure(colors), seed)


def _decompose(labels: NDArray[np.int64], seed: int) -> Decomposition:
    """Dixon's method on the matrices that are constant on `labels`."""
    rng = np.random.default_rng(_checks.integer("seed", seed, minimum=0))
    r = int(labels.max()) + 1

    def member() -> NDArray[np.float64]:
        return rng.normal(size=r)[labels]

    spaces = _eigenspaces([member() for _ in range(_DRAWS)])
    other = member()  # not symmetric: it also maps between copies of complex and quaternion kind
    smallest = _GAP * float(np.linalg.norm(other))
    samples = [member() for _ in range(_SAMPLES)]
    found: list[tuple[Part, NDArray[np.float64]]] = []
    while spaces:
        first, *rest = spaces
        copies, spaces = [first], []
        moved = other @ first
        for space in rest:
            image = _image(moved, space, smallest)
            if image is None:
                spaces.append(space)
            else:
                copies.append(image)
        commuting = np.stack([(first.T @ sample @ first).ravel() for sample in samples])
        kind = _KINDS[int(np.linalg.matrix_rank(commuting, tol=_GAP * np.abs(commuting).max()))]
        found.append((Part(first.shape[1], len(copies), kind), np.concatenate(copies, axis=1)))
    found.sort(key=lambda pair: pair[0].dimension)
    parts, bases = zip(*found, strict=True)
    return Decomposition(parts, np.concatenate(bases, axis=1), r)


def _eigenspaces(members: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Eigenspaces of the symmetric part of one of the matrices, the one that tells them apart best.

    Round-off mixes eigenspaces by about its size over the gap between their eigenvalues.
    """
    best: tuple[int, float] = (-1, 0.0)
    spaces: list[NDArray[np.float64]] = []
    for member in members:
        values, vectors = np.linalg.eigh(member + member.T)
        gaps = np.diff(values) / max(np.ptp(values), 1.0)
        breaks = np.flatnonzero(gaps > _GAP) + 1
        quality = (breaks.size, float(np.min(gaps[breaks - 1], initial=1.0)))
        if quality > best:
            best, spaces = quality, np.split(vectors, breaks, axis=1)
    return spaces


def _image(
    moved: NDArray[np.float64], space: NDArray[np.float64], smallest: float
) -> NDArray[np.float64] | None:
    """The basis of `space` that a subspace's is sent to by a map that takes it to `moved`, if there
    is more than round-off of that in `space`."""
    if moved.shape[1] != space.shape[1]:
        return None
    between = space.T @ moved
    if np.linalg.norm(between) <= smallest:
        return None
    # A map that commutes with the group is a multiple of an orthogonal one: its polar factor.
    left, _, right = np.linalg.svd(between)
    return space @ (left @ right)


def _number_rows(signature: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the distinct vectors signature[i, j] in the order in which they appear."""
    n = len(signature)
    _, inverse = np.unique(signature.reshape(n * n, -1), axis=0, return_inverse=True)
    return _components.in_order_of_appearance(inverse.reshape(n, n))
