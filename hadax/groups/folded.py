"""Folded dihedral symmetry: a circle, folded at reflecting boundaries into an interval.

The eight discrete cosine and sine transforms are no eigenbases of permutation groups of n points
(the path has only its reversal). They belong to symmetric circulant matrices C on a circle of L
points, seen through the (anti)symmetric extension E of n points to the circle: R = E^T C E. In two
dimensions, E is an extension along each axis.
"""

import abc
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax.groups import _group_checks

FoldedKind: TypeAlias = Literal[
    "DCT-I", "DCT-II", "DCT-III", "DCT-IV", "DST-I", "DST-II", "DST-III", "DST-IV"
]

# Where the first point stands from the left boundary, and what is added to the number of a
# frequency: halves stand for points, or frequencies, between those of the circle.
_OFFSETS: dict[str, tuple[float, float]] = {
    "DCT-I": (0.0, 0.0),
    "DCT-II": (0.5, 0.0),
    "DCT-III": (0.0, 0.5),
    "DCT-IV": (0.5, 0.5),
    "DST-I": (1.0, 1.0),
    "DST-II": (0.5, 1.0),
    "DST-III": (1.0, 0.5),
    "DST-IV": (0.5, 0.5),
}


class FoldedAlgebra(abc.ABC):
    """Symmetric matrices that one cosine or sine transform, of one or more axes, makes diagonal."""

    @property
    @abc.abstractmethod
    def transform(self) -> str:
        """The transform that diagonalises it, with its lengths."""

    @property
    def name(self) -> str:
        """How the algebra is called."""
        return f"folded dihedral ({self.transform})"

    @property
    @abc.abstractmethod
    def degree(self) -> int:
        """The number of points; also the dimension of the algebra."""

    def __repr__(self) -> str:
        """The name and the number of points."""
        return f"<{self.name} on {self.degree} points>"


@dataclass(frozen=True, repr=False)
class FoldedDihedral(FoldedAlgebra):
    """The algebra of the matrices E^T C E, for one pair of boundaries and n points."""

    kind: FoldedKind
    n: int

    @property
    def transform(self) -> str:
        """The kind and the length."""
        return f"{self.kind} of {self.n}"

    @property
    def name(self) -> str:
        """How the algebra is called; the length is that of the degree."""
        return f"folded dihedral ({self.kind})"

    @property
    def degree(self) -> int:
        """The number of points."""
        return self.n

    @property
    def offsets(self) -> tuple[float, float]:
        """What is added to the number of a point, and to that of a frequency."""
        return _OFFSETS[self.kind]

    @property
    def half_period(self) -> int:
        """Points from the left boundary to the right one."""
        return self.n + {"DCT-I": -1, "DST-I": 1}.get(self.kind, 0)

    @property
    def period(self) -> int:
        """Points L of the circle: twice the half period, and twice that where the boundaries have
        different signs."""
        return (2 if self.offsets[1] in (0, 1) else 4) * self.half_period

    def weights(self, offset: float) -> NDArray[np.float64]:
        """1, and 1/sqrt(2) where a point (or frequency) number + offset is on a boundary."""
        place = np.arange(self.n) + offset
        return np.where(place % self.half_period == 0, np.sqrt(0.5), 1.0)


@dataclass(frozen=True, repr=False)
class FoldedProduct(FoldedAlgebra):
    """The tensor product of two such algebras; point (i, j) is i * right.degree + j."""

    left: FoldedAlgebra
    right: FoldedAlgebra

    @property
    def transform(self) -> str:
        """Both transforms."""
        return f"{self.left.transform} x {self.right.transform}"

    @property
    def degree(self) -> int:
        """The product of the degrees."""
        return self.left.degree * self.right.degree


def folded_dihedral(kind: FoldedKind, n: int) -> FoldedDihedral:
    r"""The symmetry of a discrete cosine or sine transform: a dihedral one, folded.

    The matrices $E^T C E$, where C runs over the symmetric circulant matrices on L points and E is
    the extension of n points to L of them (`fold_matrix`). They are Toeplitz plus Hankel: those of
    a stationary field between reflecting boundaries.

    Args:
        kind: "DCT-I" ... "DCT-IV", "DST-I" ... "DST-IV".
        n: number of points; at least 2 for "DCT-I".

    Returns:
        The algebra. `eigenbasis` and `reynolds` take it like a group; it has no orbitals.

    Raises:
        ValueError: kind is unknown, or n too small.
        TypeError: n is no integer.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> groups.eigenbasis(groups.folded_dihedral("DCT-II", 2)).as_matrix().round(2)
        Array([[ 0.71,  0.71],
               [ 0.71, -0.71]], dtype=float32)

    See Also:
        `dihedral`, without folding: the real Fourier transform.

    References:
        Strang (1999), key `strang1999`: boundaries and the transforms that belong to them.
    """
    _checks.choice("kind", kind, get_args(FoldedKind))
    return FoldedDihedral(kind, _checks.integer("n", n, minimum=2 if kind == "DCT-I" else 1))


def folded_product(left: FoldedAlgebra, right: FoldedAlgebra) -> FoldedAlgebra:
    r"""The symmetry of a cosine or sine transform in two dimensions.

    $\mathcal A_1 \otimes \mathcal A_2$ on a grid, point (i, j) having the number $i |Y| + j$: all
    matrices that $Q_1 \otimes Q_2$ makes diagonal. With DCT-II twice it is that of JPEG.

    Args:
        left: the algebra on columns: it says how rows of points belong together.
        right: the algebra on rows.

    Returns:
        The algebra. `eigenbasis` and `reynolds` take it like a group; it has no orbitals.

    Raises:
        TypeError: left or right is no folded algebra.

    Cost:
        None.

    Example:
        >>> from hadax import groups
        >>> dct = groups.folded_dihedral("DCT-II", 8)
        >>> groups.eigenbasis(groups.folded_product(dct, dct)).shape
        (64, 64)

    See Also:
        `direct_product`, for groups.
    """
    for name, value in (("left", left), ("right", right)):
        _group_checks.instance(name, value, FoldedAlgebra)
    return FoldedProduct(left, right)


def fold_matrix(kind: FoldedKind, n: int) -> NDArray[np.float64]:
    r"""The extension of n points to a circle, reflected at both boundaries.

    $E$ with $E^T E = I$: column t is the (anti)symmetric periodic extension of point t,
    normalised.

    Args:
        kind: "DCT-I" ... "DCT-IV", "DST-I" ... "DST-IV".
        n: number of points; at least 2 for "DCT-I".

    Returns:
        Array (L, n) of float64.

    Raises:
        ValueError: kind is unknown, or n too small.
        TypeError: n is no integer.

    Cost:
        L n numbers, L = 2n ... 4n.

    Example:
        >>> from hadax import groups
        >>> (2 ** 0.5 * groups.fold_matrix("DST-II", 2)).round(1)
        array([[ 1.,  0.],
               [ 0.,  1.],
               [ 0., -1.],
               [-1.,  0.]])

    See Also:
        `folded_dihedral`.
    """
    fold = folded_dihedral(kind, n)
    offset, frequency = fold.offsets
    half, L = fold.half_period, fold.period
    reflected = 1 if kind.startswith("DCT") else -1
    turned = 1 if frequency in (0, 1) else -1
    position = np.arange(L) + offset
    turns, position = np.divmod(position, 2 * half)
    sign = np.where(turns % 2 == 1, turned, 1)
    beyond = position > half
    sign = np.where(beyond, turned * reflected * sign, sign)
    point = np.where(beyond, 2 * half - position, position) - offset
    on_boundary = (point < 0) | (point >= n)  # where an antisymmetric extension is zero
    E = np.zeros((L, n))
    E[~on_boundary, point[~on_boundary].astype(int)] = sign[~on_boundary]
    return E / np.linalg.norm(E, axis=0)
