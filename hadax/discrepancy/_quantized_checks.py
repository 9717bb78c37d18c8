"""Error texts of what quantization sees of a rotation."""

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hadax.kernels import _hadamard_orders


def real_vector(value: ArrayLike) -> NDArray[np.float64]:
    """`value` as a unit vector of a Hadamard length, from real, finite numbers, not all zero."""
    x = np.asarray(value)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"Argument `x` must be a vector, but has x.shape={x.shape}.")
    # NumPy does not count bfloat16 among its floats.
    if not (jnp.issubdtype(x.dtype, jnp.floating) or np.issubdtype(x.dtype, np.integer)):
        raise TypeError(f"Argument `x` must hold real numbers, but has x.dtype={x.dtype}.")
    x = x.astype(np.float64)
    peak = np.abs(x).max()
    if not 0 < peak < np.inf:
        raise ValueError(
            f"Argument `x` must be finite and not zero, but its largest magnitude is {peak}."
        )
    _hadamard_orders.check_length(x.size, shape=x.shape, axis=0)
    x = x / peak
    return x / np.linalg.norm(x)


def one_law(d: object, x: object) -> None:
    """Refuse two laws at once."""
    if d is not None and x is not None:
        raise ValueError(
            "Arguments `d` and `x` must not be given both, but are: d names the uniform law, x the "
            "law of its own rotation."
        )
