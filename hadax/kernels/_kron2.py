"""Kronecker products of 2 x 2 matrices that are arrays: one pass for each bit of an index."""

import jax
from jax import lax

from hadax._typing import Array


@jax.jit
def kron2(x: Array, matrices: Array) -> Array:
    """(A_1 (x) ... (x) A_k) x along the last axis, for matrices (k, 2, 2) of the dtype of x."""
    if x.shape[-1] == 1:
        return x
    # One loop, so that a program is as small for many bits as for one.
    return lax.scan(_last_bit, x, matrices, reverse=True)[0]


def _last_bit(x: Array, matrix: Array) -> tuple[Array, None]:
    """`matrix` at the last bit of the index, which becomes the first: after k times the order is
    back."""
    n, last = x.shape[-1], x.ndim - 1
    even = lax.slice_in_dim(x, 0, n, 2, axis=last)
    odd = lax.slice_in_dim(x, 1, n, 2, axis=last)
    top = matrix[0, 0] * even + matrix[0, 1] * odd
    bottom = matrix[1, 0] * even + matrix[1, 1] * odd
    return lax.concatenate([top, bottom], last), None
