"""Joe and Kuo's direction numbers, stored as they published them: polynomials and first values."""

import functools
import importlib.resources

import numpy as np

MOST = 21201
_COLUMNS = 32


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Polynomials (dimensions,) and first numbers (dimensions, 18); dimension 0 has none."""
    with (
        importlib.resources.files("hadax.qmc").joinpath("joe_kuo.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        return stored["polynomials"], stored["numbers"]


def columns(dimensions: int) -> np.ndarray:
    """The generating matrices of the first dimensions, (dimensions, 32) integers of 32 bits."""
    polynomials, numbers = (part[:dimensions].astype(np.int64) for part in _table())
    degrees = np.array([int(polynomial).bit_length() - 1 for polynomial in polynomials])
    found = np.zeros((dimensions, _COLUMNS), np.int64)
    found[:, : numbers.shape[1]] = numbers
    # Column k is m_k 2^(31 - k), where m_k = m_(k-s) ^ 2^s m_(k-s) ^ sum of a_r 2^r m_(k-r).
    for degree in np.unique(degrees[1:]):
        rows = np.flatnonzero(degrees == degree)
        of_degree, m = polynomials[rows], found[rows]
        for k in range(degree, _COLUMNS):
            new = m[:, k - degree] ^ (m[:, k - degree] << degree)
            for r in range(1, degree):
                coefficient = (of_degree >> (degree - r)) & 1
                new ^= coefficient * (m[:, k - r] << r)
            m[:, k] = new
        found[rows] = m
    found[0] = 1
    return found << np.arange(_COLUMNS - 1, -1, -1)
