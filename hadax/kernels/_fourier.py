"""The Fourier transform with one side in bit-reversed order, in pure JAX and without a permutation.

A position p = p2 * N1 + p1 of the bit-reversed side stands for the index r(p1) * N2 + r(p2), so

    y[k1 + N1 * k2] = sum_p2 W_N2^(r(p2) k2) W_N^(r(p2) k1) sum_p1 W_N1^(r(p1) k1) x[p],

where each sum is a Fourier transform of bit-reversed input again, whose output is in its place: one
real matrix product for the first 16 or 32 points, and then butterflies of four. With the other side
reversed it is the transpose: the same factors in the opposite order.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax._bits import bit_reversal
from hadax._linear_primitive import is_spread, traced
from hadax._typing import Array

_SHORT = 32  # up to here one matrix is all
# Of an array of so many bytes long rows are transformed one by one: page faults of temporaries cost
# more than the arithmetic there. For many short rows a permutation and XLA's FFT are faster.
_LARGE_BYTES = 1 << 24
_LONG = 1 << 13


def lower_fftbr(
    ctx: Any,
    x: Any,
    *,
    n: int,
    implementation: str | None = None,
    inverse: bool = False,
    transpose: bool = False,
) -> Sequence[Any] | None:
    """The lowering for CPUs of F R, or R F* for the inverse, or of the transposes R F and F* R.

    Or None, where the permutation is the faster way, or another implementation is asked for.
    """
    if implementation not in (None, "xla"):
        return None
    (aval,) = ctx.avals_in
    kernel = functools.partial(transform, conjugate=inverse, transpose=inverse != transpose)
    known = all(isinstance(d, int) for d in aval.shape) and not is_spread(ctx)
    if known and aval.size > n and aval.size * aval.dtype.itemsize >= _LARGE_BYTES:
        if n < _LONG:
            return None
        rows = traced(lambda x: lax.map(kernel, x.reshape(-1, n)).reshape(x.shape))
        return rows(ctx, x)
    return traced(kernel)(ctx, x)


def transform(x: Array, *, conjugate: bool, transpose: bool) -> Array:
    """F R x with the unitary F and the bit reversal R, or its conjugate, transpose, or both."""
    n = x.shape[-1]
    m = n.bit_length() - 1
    # What is left is a power of four.
    first = n if n <= _SHORT else 32 if m % 2 else 16
    dense = functools.partial(_dense, size=first, conjugate=conjugate, transpose=transpose)
    strides = [first * 4**i for i in range((m + 1 - first.bit_length()) // 2)]
    if transpose:
        for h in reversed(strides):
            x = _butterflies_back(x, h, conjugate)
        return dense(x)
    x = dense(x)
    for h in strides:
        x = _butterflies(x, h, conjugate)
    return x


def _dense(x: Array, *, size: int, conjugate: bool, transpose: bool) -> Array:
    """All blocks of `size` points by one matrix, as real numbers; the scale of all rides along."""
    *batch, n = x.shape
    real = np.finfo(x.dtype).dtype
    k = np.arange(size)
    matrix = _roots(np.outer(k, bit_reversal(size)), size, conjugate) / math.sqrt(n)
    matrix = matrix if transpose else matrix.T  # applied from the right
    pairs = np.block([[matrix.real, matrix.imag], [-matrix.imag, matrix.real]]).astype(real)
    blocks = x.reshape(*batch, n // size, size)
    y = jnp.concatenate([blocks.real, blocks.imag], axis=-1)
    contracted = (((y.ndim - 1,), (0,)), ((), ()))
    y = lax.dot_general(y, pairs, contracted, precision=lax.Precision.HIGHEST)
    # The barrier: see docs/conventions.md, "Dots only".
    y = lax.optimization_barrier(y)
    return lax.complex(y[..., :size], y[..., size:]).reshape(x.shape)


def _butterflies(x: Array, h: int, conjugate: bool) -> Array:
    """From four transforms of length h, which are in bit-reversed order, to one of length 4 h."""
    y = x.reshape(*x.shape[:-1], -1, 4, h)
    w1, w2, w3 = _twiddles(y, h, conjugate)
    a0, a2 = y[..., 0, :], y[..., 1, :] * w2
    a1, a3 = y[..., 2, :] * w1, y[..., 3, :] * w3
    even, even_ = a0 + a2, a0 - a2
    odd, odd_ = a1 + a3, _quarter(a1 - a3, conjugate)
    return _together([even + odd, even_ + odd_, even - odd, even_ - odd_], x.shape)


def _butterflies_back(x: Array, h: int, conjugate: bool) -> Array:
    """The transpose of `_butterflies`."""
    y = x.reshape(*x.shape[:-1], -1, 4, h)
    w1, w2, w3 = _twiddles(y, h, conjugate)
    a0, a1, a2, a3 = (y[..., i, :] for i in range(4))
    even, odd = a0 + a2, a1 + a3
    even_, odd_ = a0 - a2, _quarter(a1 - a3, conjugate)
    four = [even + odd, (even - odd) * w2, (even_ + odd_) * w1, (even_ - odd_) * w3]
    return _together(four, x.shape)


def _together(four: list[Array], shape: tuple[int, ...]) -> Array:
    # The barrier keeps XLA from computing one stage again for each use in the next.
    return lax.optimization_barrier(jnp.stack(four, axis=-2).reshape(shape))


def _twiddles(y: Array, h: int, conjugate: bool) -> list[np.ndarray]:
    """W^k, W^2k and W^3k for k < h, with the root W of order 4 h, shaped like y[..., 0, :]."""
    exponents = np.arange(h).reshape((1,) * (y.ndim - 2) + (h,))
    return [_roots(q * exponents, 4 * h, conjugate).astype(y.dtype) for q in (1, 2, 3)]


def _roots(exponents: np.ndarray, order: int, conjugate: bool) -> np.ndarray:
    """exp(-2 pi i e / order), or the conjugate."""
    sign = 1 if conjugate else -1
    return np.exp(sign * 2j * np.pi * (exponents % order) / order)


def _quarter(x: Array, conjugate: bool) -> Array:
    """-i x, or i x."""
    return lax.complex(-x.imag, x.real) if conjugate else lax.complex(x.imag, -x.real)
