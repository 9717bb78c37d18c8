"""The scales and zero points of an array cut into blocks: one path for all that quantizes.

An axis of n points with k scales is cut into two, of k and n / k points. So a scale's array is that
of the entries with every second axis reduced to one point, whatever shares a scale. Where the last
block is shorter than the others zeros fill it, which change neither its scale nor its entries.
"""

import math
from functools import partial

import jax
import jax.numpy as jnp

from hadax import _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization import _format_checks, _quantization_checks
from hadax.quantization.formats import Format
from hadax.quantization.scales import STORED, ScaleSpec

Clip = ArrayLike | tuple[ArrayLike, ArrayLike]


def cut(x: Array, counts: tuple[int, ...], padding: tuple[int, ...]) -> Array:
    """x with each axis cut into its blocks, and with zeros for what the last ones lack."""
    if padding:
        x = jnp.pad(x, [(0, lack) for lack in lacking(padding, x.ndim)])
    return x.reshape(
        [part for n, k in zip(x.shape, counts, strict=True) for part in (k, n // max(k, 1))]
    )


def lacking(padding: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """What the last block lacks along every axis, of the padding along the last ones."""
    return (0,) * (ndim - len(padding)) + padding


def whole(blocks: Array, shape: tuple[int, ...]) -> Array:
    """The array of this shape that was cut."""
    pairs = zip(blocks.shape[::2], blocks.shape[1::2], strict=True)
    x = blocks.reshape([k * length for k, length in pairs])
    return x if x.shape == shape else x[tuple(map(slice, shape))]


def rows(blocks: Array) -> Array:
    """The blocks of an array that was cut, each one a row."""
    inside = entries(blocks)
    ordered = jnp.moveaxis(blocks, inside, range(blocks.ndim // 2, blocks.ndim))
    return ordered.reshape(*joined(blocks), math.prod(blocks.shape[1::2]))


def joined(scales: Array) -> tuple[int, ...]:
    """The shape of one scale a block, without the axes of the blocks' entries."""
    return scales.shape[::2]


def entries(x: Array) -> tuple[int, ...]:
    """The axes of an array that was cut that hold the entries of its blocks."""
    return tuple(range(1, x.ndim, 2))


def prepare(
    x: Array, format: Format, spec: ScaleSpec, clip: Clip
) -> tuple[Array, tuple[Array, Array]]:
    """x cut into blocks, in the dtype it is computed in, and its lower and upper clip."""
    counts, padding = spec.counts(x), spec.padding(x)
    _format_checks.short_blocks(format, padding, x.shape)
    wide = cut(x.astype(_dtypes.accumulator(x.dtype)), counts, padding)
    is_pair = isinstance(clip, tuple)
    _format_checks.one_clip(is_pair, format.unit)
    shares = [
        _quantization_checks.clip(share, counts, wide.dtype)
        for share in (clip if is_pair else (clip,))
    ]
    aligned = [jnp.expand_dims(share, entries(wide)) for share in shares]
    return wide, (aligned[0], aligned[-1])


def scales_and_zeros(
    x: Array, format: Format, spec: ScaleSpec, clip: tuple[Array, Array]
) -> tuple[Array, Array | None]:
    """The scales of blocks, rounded to the dtype they are kept in, and the zero points."""
    lower, upper = clip
    axes = entries(x)
    if format.unit == "rms":
        peak = jnp.max(jnp.abs(x), axis=axes, keepdims=True)
        scaled = x / jnp.where(peak == 0, jnp.ones_like(peak), peak)  # so that no square overflows
        reach = upper * peak * jnp.sqrt(jnp.mean(jnp.square(scaled), axis=axes, keepdims=True))
        return _rounded(per_unit(reach, format), spec), None
    top = upper * jnp.maximum(jnp.max(x, axis=axes, keepdims=True), 0)
    bottom = lower * jnp.minimum(jnp.min(x, axis=axes, keepdims=True), 0)
    if format.symmetric:
        return _rounded(per_unit(jnp.maximum(top, -bottom), format), spec), None
    scales = _rounded(per_unit(top - bottom, format), spec)
    zeros = jnp.clip(jnp.round(-bottom / scales), 0, format.largest)
    return scales, jax.lax.stop_gradient(zeros)


def per_unit(reach: Array, format: Format) -> Array:
    """The scales that bring `reach` to the largest number; 1 where there is nothing but zeros, NaN
    where `reach` is no number, so that all of the block becomes NaN."""
    # A subnormal scale is zero on many devices, and 0 / 0 no number.
    least = jnp.asarray(jnp.finfo(reach.dtype).tiny, reach.dtype)
    scales = jnp.maximum(reach / format.largest, least)
    known = jnp.where(jnp.isfinite(reach), scales, jnp.nan)
    return jnp.where(reach == 0, jnp.ones_like(reach), known)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _rounded(scales: Array, spec: ScaleSpec) -> Array:
    """Scales as they are after they were kept; the derivative is that of the identity."""
    if spec.dtype is None:
        return scales
    kind = jnp.finfo(STORED[spec.dtype])
    least = max(float(kind.smallest_subnormal), float(jnp.finfo(jnp.float32).tiny))
    inside = jnp.clip(scales, least, float(kind.max))
    kept = inside.astype(kind.dtype)
    if spec.rounding == "up":
        # The bits of the next positive float are the next integer.
        bits = jax.lax.bitcast_convert_type(kept, f"uint{kind.bits}")
        is_below = kept.astype(scales.dtype) < inside
        kept = jax.lax.bitcast_convert_type(bits + is_below.astype(bits.dtype), kind.dtype)
    return kept.astype(scales.dtype)


@_rounded.defjvp
def _identity_jvp(spec, primals, tangents):
    """Rounding of scales is passed straight through."""
    return _rounded(*primals, spec), tangents[0]
