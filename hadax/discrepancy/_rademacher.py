"""Mean size of a sum of fair signs times weights."""

import math

import numpy as np
from numpy.typing import NDArray

from hadax.discrepancy.laws import DEVIATIONS, rademacher_lattice_pmf

_ENUMERATED = 20  # nonzeros whose 2**20 sums are written out
_CUTOFF = 1 << 13  # of the integral over frequencies, in units of 1/|x|_2
_CHUNK = 1 << 18  # cosines of one step


def mean_abs_sum(x: NDArray[np.int64] | NDArray[np.float64]) -> float:
    """E|<sigma, x>| over fair signs: exact, or else below it by at most 1e-4 |x|_2."""
    weights = np.abs(x[x != 0])
    if np.issubdtype(x.dtype, np.integer):
        atoms, probabilities = rademacher_lattice_pmf(weights)
        return float(np.abs(atoms) @ probabilities)
    if weights.size <= _ENUMERATED:
        left, right = (_sums(part) for part in (weights[::2], weights[1::2]))
        return float(np.mean(np.abs(left[:, None] + right)))
    return _integral(weights)


def _sums(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """All sums of the weights with signs."""
    sums = np.zeros(1)
    for weight in weights:
        sums = np.concatenate([sums + weight, sums - weight])
    return sums


def _integral(weights: NDArray[np.float64]) -> float:
    r"""$\frac2\pi \int_0^T (1 - \prod_j \cos(t x_j)) / t^2 dt$, which rises to E|S| with T.

    The trapezoidal rule of step h is not an approximation: its error is zero for sums below
    2 pi / h, and those above have less mass than round-off, or none.
    """
    length = math.sqrt(float(weights @ weights))
    step = 2 * math.pi / min(float(weights.sum()), DEVIATIONS * length)
    count = math.ceil(_CUTOFF / (length * step))
    total = 0.5 * length**2 / 2  # the value at t = 0, with half of the weight
    rows = max(1, _CHUNK // weights.size)
    for first in range(1, count + 1, rows):
        t = step * np.arange(first, min(first + rows, count + 1))
        characteristic = np.prod(np.cos(t[:, None] * weights), axis=1)
        total += float(np.sum((1 - characteristic) / t**2))
    return 2 / math.pi * step * total
