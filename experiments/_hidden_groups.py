"""Covariances at 16 points that a group leaves as they are: what several experiments look at."""

import numpy as np
from numpy.typing import NDArray

from hadax import groups

N = 16
GROUPS: dict[str, groups.PermutationGroup] = {
    "D16": groups.dihedral(N),
    "Z2^4": groups.elementary_abelian(4),
    "W4": groups.iterated_wreath(4),
    "S16": groups.symmetric(N),
}


def covariance(group: groups.PermutationGroup, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random invariant covariance of norm 1; its eigenvalues have logarithms of variance 1."""
    labels = groups.orbitals(group)
    X = rng.normal(size=labels.shape)
    X = (np.bincount(labels.ravel(), (X + X.T).ravel()) / np.bincount(labels.ravel()))[labels]
    values, vectors = np.linalg.eigh(X)
    R = (vectors * np.exp(values / values.std())) @ vectors.T
    return R / np.linalg.norm(R)


def sample_covariance(
    R: NDArray[np.float64], snapshots: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The sample covariance of Gaussian vectors of mean zero and covariance R."""
    x = rng.normal(size=(snapshots, len(R))) @ np.linalg.cholesky(R).T
    return x.T @ x / snapshots
