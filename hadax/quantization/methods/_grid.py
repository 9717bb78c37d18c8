"""Symmetric grids: points s q with q an integer of some bits, one scale s a group and output."""

import jax
import jax.numpy as jnp

from hadax._typing import Array

_SHARES = 80
_POWER = 2.4


def split(kernel: Array, group: int) -> Array:
    """A kernel (..., in, out) as (..., groups, group, out)."""
    *leading, inputs, outputs = kernel.shape
    return kernel.reshape(*leading, inputs // group, group, outputs)


def scales(grouped: Array, bits: int, clip: float | Array | None) -> Array:
    """The scales (..., 1, out) of groups (..., group, out); clip None searches its own shares."""
    peak = jnp.max(jnp.abs(grouped), axis=-2, keepdims=True)
    share = _best_shares(grouped, peak, bits) if clip is None else jnp.asarray(clip, peak.dtype)
    return _scales(share * peak, bits)


def to_grid(x: Array, scale: Array, bits: int) -> Array:
    """The nearest point of the grid."""
    top = 2 ** (bits - 1) - 1
    return scale * jnp.clip(jnp.round(x / scale), -top - 1, top)


def _scales(reach: Array, bits: int) -> Array:
    """The scale whose grid reaches that far, 1 where nothing is to be reached."""
    # A subnormal scale is zero on many devices, and 0 / 0 no number.
    least = jnp.asarray(jnp.finfo(reach.dtype).tiny, reach.dtype)
    scale = jnp.maximum(reach / (2 ** (bits - 1) - 1), least)
    return jnp.where(reach > 0, scale, jnp.ones_like(scale))


def _best_shares(grouped: Array, peak: Array, bits: int) -> Array:
    """The share of the peak among 1, 0.99, ..., 0.21 with the least sum of |x - Q(x)|^2.4."""
    unit = grouped / jnp.where(peak > 0, peak, jnp.ones_like(peak))  # so that no power overflows
    unit = unit.mT  # sums along the last axis are several times faster

    def step(best: tuple[Array, Array], i: Array) -> tuple[tuple[Array, Array], None]:
        share = 1 - i.astype(unit.dtype) / 100
        square = jnp.square(unit - to_grid(unit, _scales(share, bits), bits))
        # Ten times faster than the power itself; log(0) is -inf, whose exponential is 0.
        loss = jnp.sum(jnp.exp(_POWER / 2 * jnp.log(square)), axis=-1)
        better = loss < best[0]
        return (jnp.where(better, loss, best[0]), jnp.where(better, share, best[1])), None

    start = (jnp.full_like(unit[..., 0], jnp.inf), jnp.ones_like(unit[..., 0]))
    (_, share), _ = jax.lax.scan(step, start, jnp.arange(_SHARES))
    return share[..., None, :]
