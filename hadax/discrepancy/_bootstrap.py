"""Bands around an averaged distribution function, by a bootstrap over batches of draws."""

import math

import jax
import numpy as np
from numpy.typing import NDArray

from hadax._typing import KeyArray

_BOOTSTRAPS = 500
# So many batches are bootstrapped over: as many draws are needed at least.
MIN_DRAWS = 40


def batch_sizes(draws: int) -> NDArray[np.int64]:
    """How many of the draws each batch has."""
    return np.diff(np.linspace(0, draws, MIN_DRAWS + 1).astype(int))


def bootstrap_radius(
    key: KeyArray, batches: NDArray[np.float64], sizes: NDArray[np.int64], confidence: float
) -> tuple[NDArray[np.float64], float]:
    """Mean of the batches' functions, and the quantile of its largest deviation.

    The deviation is that of the same mean with Gaussian multipliers.
    """
    mean = sizes @ batches / sizes.sum()
    deviations = (batches - mean) * sizes[:, None] / sizes.sum()
    count = len(batches)
    multipliers = np.asarray(jax.random.normal(key, (_BOOTSTRAPS, count), "float32"), np.float64)
    largest = [np.max(np.abs(row @ deviations)) for row in multipliers]
    return mean, float(np.quantile(largest, confidence)) * math.sqrt(count / (count - 1))
