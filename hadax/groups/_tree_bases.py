"""Bases of trees and blocks as operators: Haar, Helmert, and a basis in each block."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks, _dtypes
from hadax._typing import Array
from hadax.operators.base import (
    LinearOperator,
    OrthogonalOperator,
    _row,
    inverse,
    operator_class,
    static,
)

_BLOCK = 16  # entries whose running sums are one product


@operator_class
class Haar(OrthogonalOperator):
    """The Haar transform of 2^levels points: the mean, then differences from coarse to fine."""

    levels: int = static()
    transposed: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(2^levels, 2^levels)."""
        return 1 << self.levels, 1 << self.levels

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        y = x.astype(_dtypes.accumulator(x.dtype))
        return (self._synthesis(y) if self.transposed else self._analysis(y)).astype(x.dtype)

    def _transpose(self) -> "Haar":
        return Haar(self.levels, not self.transposed)

    def _analysis(self, x: Array) -> Array:
        """Means and differences of neighbours, again and again: O(n)."""
        half = jnp.asarray(np.sqrt(0.5), x.dtype)
        details = []
        for _ in range(self.levels):
            even, odd = x[..., 0::2] * half, x[..., 1::2] * half
            details.append(even - odd)
            x = even + odd
        return jnp.concatenate([x, *reversed(details)], axis=-1)

    def _synthesis(self, y: Array) -> Array:
        """The same way back."""
        half = jnp.asarray(np.sqrt(0.5), y.dtype)
        x = y[..., :1]
        for level in range(self.levels):
            detail = y[..., 1 << level : 2 << level] * half
            pairs = jnp.stack([x * half + detail, x * half - detail], axis=-1)
            x = pairs.reshape(*y.shape[:-1], 2 << level)
        return x


@operator_class
class Helmert(OrthogonalOperator):
    """The mean, then for each k the difference of entry k from the mean of those before it."""

    n: int = static()
    transposed: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        y = x.astype(_dtypes.accumulator(x.dtype))
        return (self._synthesis(y) if self.transposed else self._analysis(y)).astype(x.dtype)

    def _transpose(self) -> "Helmert":
        return Helmert(self.n, not self.transposed)

    def _analysis(self, x: Array) -> Array:
        """Running sums: O(n)."""
        k, scales = self._rows(x)
        sums = _running_sums(x)
        mean = sums[..., -1] * jnp.asarray(1 / np.sqrt(self.n), x.dtype)
        return ((sums - k * x) * scales).at[..., 0].set(mean)

    def _synthesis(self, y: Array) -> Array:
        """Entry j has the mean, every later difference, and -j times its own."""
        k, scales = self._rows(y)
        mean = y[..., :1] * jnp.asarray(1 / np.sqrt(self.n), y.dtype)
        scaled = y * scales
        return mean + _running_sums(scaled, reverse=True) - k * scaled

    def _rows(self, x: Array) -> tuple[Array, Array]:
        """j + 1, and 1 / sqrt(j (j + 1)) or 0 for the mean, to multiply with the entries of `x`."""
        j = np.arange(self.n)
        scales = np.where(j == 0, 0.0, 1 / np.sqrt(np.maximum(j, 1) * (j + 1)))
        return _row(jnp.asarray(j + 1.0), x), _row(jnp.asarray(scales), x)


@operator_class
class WreathBasis(LinearOperator):
    """`inner` in each block, then `outer` across the blocks on their first coefficients, which
    must be multiples of the blocks' means. The outer coefficients come first, then the blocks'."""

    inner: LinearOperator
    outer: LinearOperator

    @property
    def shape(self) -> tuple[int, int]:
        """The number of points of all blocks, twice."""
        n = self.inner.shape[0] * self.outer.shape[0]
        return n, n

    def _apply(self, x: Array) -> Array:
        size, count = self.inner.shape[0], self.outer.shape[0]
        z = self.inner._apply(x.reshape(*x.shape[:-1], count, size))
        return _side_by_side(self.outer._apply(z[..., 0]), z[..., 1:])

    def _transpose(self) -> LinearOperator:
        return WreathSynthesis(self.inner.T, self.outer.T)


@inverse.register
def _(op: WreathBasis) -> LinearOperator:
    return WreathSynthesis(inverse(op.inner), inverse(op.outer))


@operator_class
class WreathSynthesis(LinearOperator):
    """Back from the coefficients of a `WreathBasis`: `outer` first, then `inner` in each block."""

    inner: LinearOperator
    outer: LinearOperator

    @property
    def shape(self) -> tuple[int, int]:
        """The number of points of all blocks, twice."""
        n = self.inner.shape[0] * self.outer.shape[0]
        return n, n

    def _apply(self, y: Array) -> Array:
        size, count = self.inner.shape[0], self.outer.shape[0]
        means = self.outer._apply(y[..., :count])
        rest = y[..., count:].astype(means.dtype).reshape(*y.shape[:-1], count, size - 1)
        x = self.inner._apply(jnp.concatenate([means[..., None], rest], axis=-1))
        return x.reshape(*y.shape[:-1], count * size)

    def _transpose(self) -> LinearOperator:
        return WreathBasis(self.inner.T, self.outer.T)


@inverse.register
def _(op: WreathSynthesis) -> LinearOperator:
    return WreathBasis(inverse(op.inner), inverse(op.outer))


def _running_sums(x: Array, *, reverse: bool = False) -> Array:
    """`lax.cumsum` along the last axis, several times as fast on a CPU.

    Within a block a product with a triangular matrix; for the other blocks a running sum of theirs.
    """
    n = x.shape[-1]
    if n <= _BLOCK:
        return lax.cumsum(x, axis=x.ndim - 1, reverse=reverse)
    count = -(-n // _BLOCK)
    padded = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, count * _BLOCK - n)])
    blocks = padded.reshape(*x.shape[:-1], count, _BLOCK)
    triangle = np.tri(_BLOCK) if reverse else np.tri(_BLOCK).T
    within = jnp.matmul(blocks, jnp.asarray(triangle, x.dtype), precision=lax.Precision.HIGHEST)
    totals = within[..., 0 if reverse else -1]
    others = _running_sums(totals, reverse=reverse) - totals
    return (within + others[..., None]).reshape(*x.shape[:-1], count * _BLOCK)[..., :n]


def _side_by_side(first: Array, blocks: Array) -> Array:
    """`first` and then the entries of `blocks`; the former may be complex where those are not."""
    flat = blocks.reshape(*first.shape[:-1], blocks.shape[-2] * blocks.shape[-1])
    return jnp.concatenate([first, flat.astype(first.dtype)], axis=-1)
