"""Symmetric grids of the methods: one scale a group of a kernel's inputs and an output."""

import jax.numpy as jnp

from hadax._typing import Array
from hadax.quantization._grid import per_unit
from hadax.quantization.clipping import best_clip
from hadax.quantization.formats import IntFormat
from hadax.quantization.scales import ScaleSpec


def split(kernel: Array, group: int) -> Array:
    """A kernel (..., in, out) as (..., groups, group, out)."""
    *leading, inputs, outputs = kernel.shape
    return kernel.reshape(*leading, inputs // group, group, outputs)


def scales(grouped: Array, bits: int, clip: float | Array | None) -> Array:
    """The scales (..., 1, out) of groups (..., group, out); clip None searches its own shares."""
    grid = IntFormat(bits)
    peak = jnp.max(jnp.abs(grouped), axis=-2, keepdims=True)
    share = best_clip(grouped, grid, ScaleSpec(axis=-2)) if clip is None else clip
    return per_unit(jnp.asarray(share, peak.dtype) * peak, grid)


def to_grid(x: Array, scale: Array, bits: int) -> Array:
    """The nearest point of the grid."""
    top = IntFormat(bits).largest
    return scale * jnp.clip(jnp.round(x / scale), -top - 1, top)
