"""Random covariances that a group leaves as they are, and vectors that have them."""

import numpy as np

from hadax import groups


def invariant_covariance(group, rng: np.random.Generator, *, snr_db: float = np.inf) -> np.ndarray:
    """An invariant covariance whose log-eigenvalues have unit deviation, plus white noise."""
    X = rng.normal(size=2 * (group.degree,))
    values, vectors = np.linalg.eigh(np.asarray(groups.reynolds(group, X + X.T), np.float64))
    scores = (values - values.mean()) / values.std()
    S = (vectors * np.exp(scores)) @ vectors.T
    return S * group.degree / np.trace(S) + 10 ** (-snr_db / 10) * np.eye(group.degree)


def gaussian(R: np.ndarray, snapshots: int, rng: np.random.Generator) -> np.ndarray:
    """Vectors (L, n) of covariance R."""
    return rng.normal(size=(snapshots, len(R))) @ np.linalg.cholesky(R).T
