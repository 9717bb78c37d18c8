"""Directions of vectors."""

import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from hadax._typing import Array


def unit(x: Array) -> Array:
    """Vectors of the last axis over their lengths, without overflow; NaN where one is zero."""
    peak = lax.stop_gradient(jnp.max(jnp.abs(x), axis=-1, keepdims=True))
    scaled = x / peak  # no square of it overflows, and not all of them underflow
    return scaled / jnp.linalg.norm(scaled, axis=-1, keepdims=True)


def unit_float64(x: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of one vector that is not zero, in NumPy and float64."""
    scaled = x / np.max(np.abs(x))
    return scaled / np.linalg.norm(scaled)
