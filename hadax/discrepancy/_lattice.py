"""The two-block law of an integer input: the weights of its last block, and mixtures over them."""

import math

import numpy as np
from numpy.typing import NDArray

from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy.laws import DEVIATIONS, rademacher_lattice_pmf

# Work (sign patterns times distinct weights) up to which the signs of D_1 are enumerated.
_ENUMERATION_LIMIT = 1 << 23
_MOST_NUMBERS = 1 << 26  # on the lattice, in all arrays together: half a gigabyte


def weight_spectra(x: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Distinct sorted weights |d H D_1 x| over all signs of D_1, and their probabilities."""
    support = np.flatnonzero(x)
    # At least as many rows differ on the support as it has indices: its columns are independent.
    if support.size > 60 or support.size << (support.size - 1) > _ENUMERATION_LIMIT:
        _discrepancy_checks.too_many_signs(support.size)
    # Rows of H differ on the support only in these many ways, each as often as any other.
    parities = np.bitwise_count(np.arange(x.size)[:, None] & support) & 1
    rows = 1 - 2 * np.unique(parities, axis=0).astype(np.int64)
    patterns = 1 << (support.size - 1)  # the sign of the first entry does not matter
    if patterns * len(rows) > _ENUMERATION_LIMIT:
        _discrepancy_checks.too_many_signs(support.size)
    bits = (np.arange(patterns)[:, None] >> np.arange(support.size)) & 1
    spectra = np.abs(((1 - 2 * bits) * x[support]) @ rows.T)
    distinct, counts = np.unique(np.sort(spectra, axis=-1), axis=0, return_counts=True)
    return np.repeat(distinct, x.size // len(rows), axis=-1), counts / patterns


def lattice_mixture(
    weights: NDArray[np.integer], shares: NDArray[np.float64], reach: int
) -> NDArray[np.float64]:
    """Probabilities of the integers -reach..reach under a mixture of `rademacher_lattice_pmf`."""
    mass = np.zeros(2 * reach + 1)
    for row, share in zip(weights, shares, strict=True):
        atoms, probabilities = rademacher_lattice_pmf(row)
        mass[reach + atoms] += share * probabilities
    return mass


def lattice_reach(length: float, *, arrays: int = 8) -> int:
    """Largest atom that `rademacher_lattice_pmf` returns for weights of this Euclidean length.

    Refuses those for which so many arrays of the atoms would not fit.
    """
    reach = math.ceil((DEVIATIONS + 2) * length)
    if arrays * (2 * reach + 1) > _MOST_NUMBERS:
        _discrepancy_checks.too_fine_a_lattice("x", arrays * (2 * reach + 1), _MOST_NUMBERS)
    return reach
