"""Random covariances that a group leaves as they are, and Gaussian vectors that have them."""

import jax
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
"""Groups on 16 points that several experiments look for."""


def generator(key: jax.Array) -> np.random.Generator:
    """NumPy's generator, seeded by a key of JAX."""
    return np.random.default_rng(np.ravel(jax.random.key_data(key)))


def random_covariance(
    group: groups.PermutationGroup | groups.FoldedAlgebra,
    rng: np.random.Generator,
    *,
    snr_db: float | None = None,
    spread: float = 1.0,
) -> NDArray[np.float64]:
    """An invariant covariance of mean variance 1, and white noise where a level is given.

    The logarithms of its eigenvalues are those of the average of a random symmetric matrix, scaled
    to a standard deviation of `spread`.
    """
    n = group.degree
    X = rng.normal(size=(n, n))
    with jax.enable_x64(True):
        average = np.asarray(groups.reynolds(group, X + X.T))
    values, vectors = np.linalg.eigh(average)
    S = (vectors * np.exp(spread * (values - values.mean()) / values.std())) @ vectors.T
    noise = 0.0 if snr_db is None else 10 ** (-snr_db / 10)
    return S * n / np.trace(S) + noise * np.eye(n)


def unit_covariance(
    group: groups.PermutationGroup, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A `random_covariance` of Frobenius norm 1."""
    R = random_covariance(group, rng)
    return R / np.linalg.norm(R)


def gaussian_vectors(
    R: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Independent vectors (count, n) of mean zero and covariance R."""
    return rng.normal(size=(count, len(R))) @ np.linalg.cholesky(R).T


def sample_covariance(
    R: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The sample covariance of `gaussian_vectors`."""
    x = gaussian_vectors(R, count, rng)
    return x.T @ x / count


def leave_the_same(left: groups.PermutationGroup, right: groups.PermutationGroup) -> bool:
    """Whether two groups leave the same symmetric matrices as they are."""
    a, b = (np.minimum(labels, labels.T) for labels in map(groups.orbitals, (left, right)))
    pairs = np.unique(a * a.size + b)
    return pairs.size == np.unique(a).size == np.unique(b).size
