"""Directions of vectors."""

import jax.numpy as jnp
from jax import lax

from hadax._typing import Array


def unit(x: Array) -> Array:
    """Vectors of the last axis over their lengths, without overflow; NaN where one is zero."""
    peak = lax.stop_gradient(jnp.max(jnp.abs(x), axis=-1, keepdims=True))
    scaled = x / peak  # no square of it overflows, and not all of them underflow
    return scaled / jnp.linalg.norm(scaled, axis=-1, keepdims=True)
