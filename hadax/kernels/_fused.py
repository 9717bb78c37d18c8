"""Transforms fused with quantization, as primitives, and what XLA makes of them.

The kernels of `_triton_fused` do the same arithmetic in one pass over memory. They agree with these
to the last bit where the transform is exact; elsewhere the two transforms differ by round-off, and
a code by one where a value lies that close to the middle between two codes.
"""

import functools
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import jax.numpy as jnp
from jax import lax

from hadax._row_primitive import define_rowwise
from hadax._typing import Array, DTypeLike
from hadax.kernels import _cuda_rule, _xla

Grid: TypeAlias = Literal["int8", "int4", "fp8"]

TOP: dict[Grid, float] = {"int8": 127.0, "int4": 7.0, "fp8": 448.0}  # the largest code
LEAST_PEAK = 2.0**-100  # of a row, so that its inverse is finite
GROUP = 256
WORDS = GROUP // 32  # of a bit plane


def _quantize(x: Array, *signs: Array, grid: Grid) -> list[Array]:
    """The kernel of `quantize` for XLA."""
    n = x.shape[-1]
    wide = x.astype(jnp.float32)
    for s in signs:
        wide = wide * s.astype(jnp.float32).reshape((1,) * (x.ndim - 1) + s.shape)
    y = _xla.hadamard(wide)
    peak = jnp.max(jnp.abs(y), axis=-1, keepdims=True)
    codes, scale = encode(y, peak, grid, n)
    return [pack_pairs(codes) if grid == "int4" else codes, scale]


def encode(y: Array, peak: Array, grid: Grid, n: int) -> tuple[Array, Array]:
    """The codes of unscaled values, four-bit ones not yet packed, and the scale of each row."""
    peak = jnp.maximum(peak, LEAST_PEAK)
    scale = peak * (n**-0.5 / TOP[grid])
    v = y * (TOP[grid] / peak)
    if grid == "fp8":
        return v.astype(jnp.float8_e4m3fn), scale
    # Adding 1.5 * 2^23 rounds to the nearest integer, half to even, and leaves it in the low bits.
    bits = lax.bitcast_convert_type(v + 12582912.0, jnp.int32) - 0x4B400000
    return bits if grid == "int4" else bits.astype(jnp.int8), scale


def pack_pairs(codes: Array) -> Array:
    """Neighbours in one byte (..., n / 2), the first in the low half."""
    pairs = (codes & 15).reshape(*codes.shape[:-1], codes.shape[-1] // 2, 2)
    low, high = lax.split(pairs, (1, 1), axis=pairs.ndim - 1)
    packed = (low | (high << 4)).astype(jnp.uint8)
    return packed.reshape(*codes.shape[:-1], codes.shape[-1] // 2)


def _ungroup(planes: Array, scales: Array, *, bits: int, dtype: DTypeLike) -> list[Array]:
    """The kernel of `ungroup` for XLA."""
    *rows, groups = scales.shape
    words = planes.reshape(*rows, groups, bits, WORDS)
    shifts = lax.broadcasted_iota(jnp.uint32, (*words.shape, 32), words.ndim)
    ones = (jnp.broadcast_to(words[..., None], shifts.shape) >> shifts) & jnp.uint32(1)
    place = lax.broadcasted_iota(jnp.uint32, ones.shape, words.ndim - 2)
    codes = jnp.sum(ones << place, axis=-3, dtype=jnp.uint32).reshape(*rows, groups, GROUP)
    y = _xla.hadamard(levels(codes, bits).astype(jnp.float32))
    return [(y * step(scales)[..., None]).astype(dtype).reshape(*rows, groups * GROUP)]


def levels(codes: Array, bits: int) -> Array:
    """The odd integers 2 c - (2^b - 1) that codes stand for."""
    return 2 * codes.astype(jnp.int32) - (2**bits - 1)


def step(scales: Array) -> Array:
    """What an odd integer is multiplied by after the unscaled transform of its group."""
    return scales.astype(jnp.float32) * (0.5 / GROUP**0.5)


def _lower_quantize(ctx: Any, *args: Any, grid: Grid) -> Sequence[Any] | None:
    """The lowering of `quantize` for CUDA."""
    aval = ctx.avals_in[0]
    return _lower(
        ctx,
        args,
        lambda fused: fused.quantize_refusal(aval.shape, aval.dtype, grid),
        lambda fused: functools.partial(fused.quantize, grid=grid),
        functools.partial(ctx.primitive.bind, grid=grid),
    )


def _lower_ungroup(ctx: Any, *args: Any, bits: int, dtype: DTypeLike) -> Sequence[Any] | None:
    """The lowering of `ungroup` for CUDA."""
    return _lower(
        ctx,
        args,
        lambda fused: fused.ungroup_refusal(),
        lambda fused: functools.partial(fused.ungroup, bits=bits, dtype=dtype),
        functools.partial(ctx.primitive.bind, bits=bits, dtype=dtype),
    )


def _lower(ctx: Any, args: Any, refusal: Any, local: Any, again: Any) -> Sequence[Any] | None:
    """A lowering by `_triton_fused`."""
    module = "hadax.kernels._triton_fused"
    return _cuda_rule.lower_kernel(ctx, args, module, refusal, local, again)


# (x, [signs]) -> codes, scales: the rows of H D x / sqrt(n), each on its own grid.
quantize = define_rowwise("hadax_quantize", _quantize, {"cuda": _lower_quantize})
# (planes, scales) -> values: the inverse transforms of groups of 256 packed codes.
ungroup = define_rowwise("hadax_ungroup", _ungroup, {"cuda": _lower_ungroup})
