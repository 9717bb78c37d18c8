"""Sample covariances in float64 on the host, and what a group leaves of them.

The searches of this folder compare likelihoods: thousands of small matrices, and differences that
single precision loses for many snapshots.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax._typing import ArrayLike
from hadax.groups import _group_checks
from hadax.groups.base import PermutationGroup
from hadax.groups.folded import FoldedAlgebra, FoldedDihedral, FoldedProduct
from hadax.groups.orbitals import orbitals

_ROWS = 1 << 20  # entries of matrices x x^T at once
_TINY = 1e-10  # of the largest eigenvalue: a sample covariance of rank less than n has less


def covariance(x: ArrayLike, snapshots: int | None) -> tuple[NDArray[np.float64], int]:
    """The sample covariance (n, n), and the number of vectors it is made of.

    `x` holds the vectors (L, n), or is the covariance itself where their number is given.
    """
    values = _group_checks.finite_values("x", x)
    if snapshots is None:
        _group_checks.snapshots("x", values, values.shape[-1] if values.ndim else 0)
        _group_checks.not_all_zero("x", values)
        _group_checks.no_covariance("x", values)
        return values.T @ values / len(values), len(values)
    _group_checks.covariance("x", values)
    return (values + values.T) / 2, _checks.integer("snapshots", snapshots, minimum=2)


def average(structure: PermutationGroup | FoldedAlgebra, R: NDArray) -> NDArray[np.float64]:
    """What the group or the algebra leaves of symmetric matrices (..., n, n)."""
    if isinstance(structure, FoldedAlgebra):
        Q = _folded_basis(structure)
        variances = np.einsum("ik,...ij,jk->...k", Q, R, Q, optimize=True)
        return np.einsum("ik,...k,jk->...ij", Q, variances, Q, optimize=True)
    labels, counts = symmetric_orbitals(structure)
    sums = label_sums(labels, counts.size, R)
    return (sums / counts)[..., labels]


def parameters(structure: PermutationGroup | FoldedAlgebra) -> int:
    """The number of free parameters of a symmetric matrix that is left as it is."""
    if isinstance(structure, FoldedAlgebra):
        return structure.degree
    return symmetric_orbitals(structure)[1].size


def bic(
    structure: PermutationGroup | FoldedAlgebra, R: NDArray[np.float64], snapshots: int
) -> float:
    """L log det of the average and p log L; infinity where the average is singular."""
    penalty = parameters(structure) * math.log(snapshots)
    return snapshots * _log_det(average(structure, R)) + penalty


def risk(structure: PermutationGroup | FoldedAlgebra, x: NDArray[np.float64]) -> float:
    """`estimated_risk` of vectors (L, n), in double precision.

    The squared norm of the average of x x^T is a sum over orbitals, or over basis vectors; that of
    the deviations from their mean follows from it.
    """
    L = len(x)
    R = x.T @ x / L
    left = average(structure, R)
    if isinstance(structure, FoldedAlgebra):
        squares = float(np.sum((x @ _folded_basis(structure)) ** 4))
    else:
        labels, counts = symmetric_orbitals(structure)
        rows = max(1, _ROWS // labels.size)
        squares = sum(
            float(np.sum(label_sums(labels, counts.size, _squares(part)) ** 2 / counts))
            for part in np.split(x, range(rows, L, rows))
        )
    spread = squares - L * float(np.sum(left**2))
    return float(np.sum((R - left) ** 2)) + 2 * spread / (L * (L - 1))


def _squares(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """x x^T of each row."""
    return x[:, :, None] * x[:, None, :]


def _log_det(R: NDArray[np.float64]) -> float:
    """The logarithm of the determinant; infinity where the matrix is singular to round-off.

    Infinity and not its negative: a model without a likelihood is to lose, not to win.
    """
    values = np.linalg.eigvalsh(R)
    return float(np.log(values).sum()) if values[0] > _TINY * values[-1] else np.inf


@functools.lru_cache(maxsize=64)
def symmetric_orbitals(
    group: PermutationGroup,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Orbitals, each together with its transpose: labels (n, n), and how many entries have each."""
    labels = orbitals(group)
    # An orbital and its transpose get one label.
    _, merged = np.unique(np.minimum(labels, labels.T), return_inverse=True)
    merged = merged.reshape(labels.shape)
    merged.setflags(write=False)
    return merged, np.bincount(merged.ravel())


def label_sums(labels: NDArray[np.int64], count: int, R: NDArray) -> NDArray[np.float64]:
    """The sum (..., count) of the entries of each label, for matrices (..., n, n)."""
    flat = R.reshape(-1, labels.size)
    places = count * np.arange(len(flat))[:, None] + labels.ravel()
    sums: NDArray[np.float64] = np.bincount(
        places.ravel(), weights=flat.ravel(), minlength=count * len(flat)
    ).astype(np.float64)
    return sums.reshape(*R.shape[:-2], count)


def white_covariances(rng: np.random.Generator, n: int, L: int, draws: int) -> NDArray[np.float64]:
    """Sample covariances (draws, n, n) of L standard normal vectors each."""
    if n > L:
        x = rng.normal(size=(draws, L, n))
        return x.transpose(0, 2, 1) @ x / L
    # Bartlett: the Cholesky factor of L times the covariance has independent entries.
    factors = np.tril(rng.normal(size=(draws, n, n)), -1)
    i = np.arange(n)
    factors[:, i, i] = np.sqrt(rng.chisquare(L - i, size=(draws, n)))
    return factors @ factors.transpose(0, 2, 1) / L


@functools.lru_cache(maxsize=64)
def _folded_basis(algebra: FoldedAlgebra) -> NDArray[np.float64]:
    """The basis vectors of a cosine or sine transform as columns."""
    if isinstance(algebra, FoldedProduct):
        return np.kron(*map(_folded_basis, (algebra.left, algebra.right))).astype(np.float64)
    assert isinstance(algebra, FoldedDihedral)
    a, b = algebra.offsets
    points, frequencies = np.arange(algebra.n) + a, np.arange(algebra.n) + b
    wave = np.cos if algebra.kind.startswith("DCT") else np.sin
    table = wave(np.pi * np.outer(points, frequencies) / algebra.half_period)
    scales = np.outer(algebra.weights(a), algebra.weights(b)) * np.sqrt(2 / algebra.half_period)
    return table * scales
