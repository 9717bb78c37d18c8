"""Kronecker products of small dense factors, in pure JAX, for every platform.

A transform of length n = r_1 * ... * r_s is A_1 (x) ... (x) A_s with dense r_i x r_i factors: one
`dot_general` a factor, one pass over the data each. Dots and nothing else: jaxlib 0.10.2 compiles a
dot followed by a multiply-and-sum into wrong results on CPU (docs/conventions.md, "Dots only").
"""

import functools
import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _dtypes
from hadax._typing import Array
from hadax.kernels import _hadamard_orders

Base = tuple[tuple[int, int], tuple[int, int]]
WALSH: Base = ((1, 1), (1, -1))

_dot = functools.partial(lax.dot_general, precision=lax.Precision.HIGHEST)


def hadamard(x: Array, *, scale: float = 1.0, transpose: bool = False) -> Array:
    """scale * (H_m (x) H_2^k) x, or its transpose, for the Hadamard length n = m * 2^k."""
    m, k = _hadamard_orders.decompose(x.shape[-1])
    factors = _powers(WALSH, k)
    if m > 1:
        base = _hadamard_orders.base_matrix(m)
        factors = [base.T if transpose else base, *factors]
    return kronecker(x, factors, scale=scale)


def kron2(x: Array, *, base: Base, scale: float = 1.0) -> Array:
    """scale * (base (x) ... (x) base) x with log2(n) copies of the 2 x 2 matrix `base`."""
    return kronecker(x, _powers(base, x.shape[-1].bit_length() - 1), scale=scale)


def walsh_at_stride(x: Array, n: int, stride: int, *, scale: float = 1.0) -> Array:
    """scale * (I (x) H_n (x) I_stride) x along the last axis, for a power of two n."""
    factors = [_power(WALSH, bits) for bits in _split(n.bit_length() - 1)]
    return kronecker(x, factors, scale=scale, stride=stride)


def kronecker(
    x: Array, factors: Sequence[np.ndarray], *, scale: float = 1.0, stride: int = 1
) -> Array:
    """scale * (I (x) A_1 (x) ... (x) A_s (x) I_stride) x along the last axis."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        pair = kronecker(jnp.stack([x.real, x.imag]), factors, scale=scale, stride=stride)
        return lax.complex(pair[0], pair[1])
    dtype = _dtypes.accumulator(x.dtype)
    matrices = [np.asarray(factor, dtype) for factor in factors] or [np.ones((1, 1), dtype)]
    if scale != 1.0:  # rides along in a factor: no pass of its own
        matrices[-1] = matrices[-1] * np.asarray(scale, dtype)
    y = x.astype(dtype)
    one_vector = all(isinstance(d, int) for d in x.shape) and math.prod(x.shape[:-1]) == 1
    whole = math.prod(map(len, matrices)) == x.shape[-1]
    y = _rotating(y, matrices) if one_vector and whole else _in_place(y, matrices, stride)
    return y.astype(x.dtype)


def _powers(base: Base, k: int) -> list[np.ndarray]:
    """The k-fold Kronecker power of `base` as a few factors: the last to 64, the others to 16."""
    if k == 0:
        return []
    first = min(k, 5 if k == 7 else 6)
    return [_power(base, bits) for bits in [*_split(k - first), first]]


def _power(base: Base, k: int) -> np.ndarray:
    """The k-fold Kronecker power of `base` as one matrix, k > 0."""
    return functools.reduce(np.kron, [np.array(base)] * k)


def _split(k: int) -> list[int]:
    """k as a sum of nearly equal numbers of at most 4."""
    count = -(-k // 4)
    return [(k + i) // count for i in range(count)]


def _rotating(x: Array, matrices: Sequence[np.ndarray]) -> Array:
    """One vector: each dot works on the fastest factor and makes it the slowest, so after all of
    them the order is back and no transpose was needed."""
    y = x.reshape(-1)
    for matrix in reversed(matrices):
        r = len(matrix)
        y = _dot(matrix, y.reshape(-1, r), (((1,), (1,)), ((), ()))).reshape(-1)
    return y.reshape(x.shape)


def _in_place(x: Array, matrices: Sequence[np.ndarray], stride: int) -> Array:
    """A batch: each factor is applied at its own stride. Leading axes stay as they are, so that a
    batch spread over devices stays where it is."""
    for matrix in reversed(matrices):
        x = _at_stride(x, matrix, stride)
        stride *= len(matrix)
    return x


def _at_stride(x: Array, matrix: np.ndarray, stride: int) -> Array:
    """`matrix` applied to the axis of its length that has `stride` points below it."""
    *batch, n = x.shape
    r, lead = len(matrix), len(batch)
    groups = n // (r * stride)
    if stride == 1:
        y = x.reshape(*batch, groups, r)
        return _dot(y, matrix, (((lead + 1,), (1,)), ((), ()))).reshape(x.shape)
    y = x.reshape(*batch, groups, r, stride)
    if r <= stride:
        # A batched dot with the factor repeated, which costs less than moving the data: with one
        # factor for all, XLA transposes the data twice.
        repeated = jnp.broadcast_to(jnp.asarray(matrix), (*batch, groups, r, r))
        same = tuple(range(lead + 1))
        return _dot(repeated, y, (((lead + 2,), (lead + 1,)), (same, same))).reshape(x.shape)
    z = _dot(y, matrix, (((lead + 1,), (1,)), ((), ())))
    return jnp.moveaxis(z, -1, lead + 1).reshape(x.shape)
