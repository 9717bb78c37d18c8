"""Blocks of points of several tasks, and what lies between them.

The points of every task are cut into blocks of as many points as the task with the fewest has. In
natural order each block is the first one, shifted, so that one short transform diagonalises the
matrices between all pairs of blocks: left is a small matrix, blocks by blocks, at each frequency.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array
from hadax.qmc._assembly import Points


def owners(sizes: tuple[int, ...]) -> np.ndarray:
    """The task of every block, (R,)."""
    return np.repeat(np.arange(len(sizes)), np.array(sizes) // min(sizes))


def blocks(y: Sequence[Array], length: int) -> Array:
    """One array a task (n_i, ...) as blocks of all tasks, (R, length, ...)."""
    return jnp.concatenate([one.reshape(-1, length, *one.shape[1:]) for one in y])


def split(joined: Array, sizes: tuple[int, ...]) -> list[Array]:
    """An array (sum of n_i,) as one a task."""
    return jnp.split(joined, np.cumsum(sizes)[:-1].tolist())


def columns(
    function: Callable[[Array, Array], Any], points: Sequence[Points], sizes: tuple[int, ...]
) -> Any:
    """A function of the words of one block and the first word of another, (R, R, n_min, ...)."""
    words = [one.words(n) for one, n in zip(points, sizes, strict=True)]
    cut = blocks(words, min(sizes))
    by_first = jax.lax.map(lambda one: function(cut, one[None, None]), cut[:, 0])
    return jax.tree.map(lambda found: jnp.swapaxes(found, 0, 1), by_first)


def covariance(factors: Array, variances: Array) -> Array:
    """F F^T + diag v, for factors (..., tasks, shared) and variances (..., tasks)."""
    own = variances[..., None] * jnp.eye(variances.shape[-1], dtype=variances.dtype)
    return jnp.einsum("...ik,...jk->...ij", factors, factors, precision="highest") + own


def factored(matrices: Array) -> Array:
    """Lower Cholesky factors of matrices (..., R, R), lifted by round-off of the largest trace."""
    traces = jax.lax.stop_gradient(jnp.trace(matrices, axis1=-2, axis2=-1).real)
    lift = jnp.finfo(matrices.dtype).eps * jnp.max(traces)
    identity = jnp.eye(matrices.shape[-1], dtype=matrices.dtype)
    shape = (1,) * (matrices.ndim - 2) + identity.shape
    return jnp.linalg.cholesky(matrices + lift.astype(matrices.dtype) * identity.reshape(shape))
