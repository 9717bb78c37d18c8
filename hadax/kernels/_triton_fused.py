"""Transforms fused with quantization, on GPUs by Pallas-Triton (see `_triton` and `_fused`)."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from hadax._typing import Array, DTypeLike
from hadax.kernels import _fused, _gpu_plan, _hadamard_orders, _triton
from hadax.kernels._gpu_plan import Pass

_GROUPS = 16  # of 256 points that a program transforms
_SIDE = 16
_CROWDED = 2048  # from where on the older tensor cores leave four warps too few registers for codes


def quantize_refusal(shape: Sequence[int], dtype: DTypeLike, grid: _fused.Grid) -> str | None:
    """Why rows cannot be transformed and quantized here, or None where they can."""
    n = shape[-1]
    refusal = _triton.refusal(n, dtype)
    if refusal is not None:
        return refusal
    target = _triton.generation() or "sm_80"
    if grid == "fp8" and target == "sm_80":
        return "these tensor cores have no 8-bit floating point"
    if len(_gpu_plan.plan(n, dtype, target)) > 1:
        return f"the length {n} does not fit one pass"
    if 1 << 31 < math.prod(shape) <= 1 << 32:
        return "Pallas counts 2 to 4 GiB of codes in 32 bits with a sign"
    return None


def ungroup_refusal() -> str | None:
    """Why groups of packed codes cannot be transformed here, or None where they can."""
    return _triton.refusal(_fused.GROUP, jnp.bfloat16)


def quantize(
    x: Array,
    signs: Array | None = None,
    *,
    grid: _fused.Grid,
    passes: Sequence[Pass] | None = None,
    interpret: bool = False,
) -> list[Array]:
    """The codes and the scales of the rows of H D x / sqrt(n)."""
    n = x.shape[-1]
    (one,) = _triton.passes_of(n, x.dtype) if passes is None else passes
    if passes is None and _triton.generation() == "sm_80" and n >= _CROWDED:
        one = dataclasses.replace(one, warps=8)
    share = 2 if grid == "int4" else 1  # codes a byte
    kind = {"int8": jnp.int8, "int4": jnp.uint8, "fp8": jnp.float8_e4m3fn}[grid]
    codes, scales = _triton.launch(
        functools.partial(_quantize, pieces=_triton.pieces_of(x.dtype), grid=grid, n=n),
        x.reshape(-1, one.used, one.length),
        signs,
        one,
        [
            _triton.Result((one.left, one.width // share), (one.used, one.length // share), kind),
            _triton.Result((1, 1), (1, 1), jnp.float32),
        ],
        interpret=interpret,
    )
    return [codes.reshape(*x.shape[:-1], n // share), scales.reshape(*x.shape[:-1], 1)]


def _quantize(
    x_ref: Any,
    *refs: Any,
    one: Pass,
    count: int,
    signed: bool,
    pieces: int,
    grid: _fused.Grid,
    n: int,
) -> None:
    """The program of one block of rows."""
    *operands, codes_ref, scales_ref = refs
    signs_ref = operands.pop(0) if signed else None
    y = _triton.transformed(x_ref, signs_ref, operands, one, count, pieces)
    # Over two axes of a matrix: with three axes Triton spills the whole block.
    lines = jnp.max(jnp.abs(y).reshape(one.rows * one.left, one.width), axis=1)
    peak = jnp.max(lines.reshape(one.rows, one.left), axis=1).reshape(one.rows, 1, 1)
    codes, scale = _fused.encode(y, peak, grid, n)
    if grid == "int4":
        codes = _fused.pack_pairs(codes)
    triton.store(codes_ref, codes, mask=_triton.mask(one, count, codes.shape[-1]))
    triton.store(scales_ref, scale, mask=_triton.row_mask(one, count, (one.rows, 1, 1)))


def ungroup(
    planes: Array, scales: Array, *, bits: int, dtype: DTypeLike, interpret: bool = False
) -> list[Array]:
    """The inverse transforms of groups of packed codes."""
    count = scales.size
    matrix = jnp.asarray(_hadamard_orders.hadamard_matrix(_SIDE), jnp.bfloat16)
    (values,) = _triton.call(
        functools.partial(_ungroup, bits=bits, count=count),
        [planes.reshape(count, bits, _fused.WORDS), scales.reshape(count), matrix],
        [
            pl.BlockSpec((_GROUPS, bits, _fused.WORDS), lambda i: (i, 0, 0)),
            pl.BlockSpec((_GROUPS,), lambda i: (i,)),
            pl.BlockSpec((_SIDE, _SIDE), lambda i: (0, 0)),
        ],
        [((count, _fused.GROUP), dtype)],
        [pl.BlockSpec((_GROUPS, _fused.GROUP), lambda i: (i, 0))],
        programs=-(-count // _GROUPS),
        warps=4,
        interpret=interpret,
    )
    return [values.reshape(*scales.shape[:-1], -1)]


def _ungroup(
    planes_ref: Any, scales_ref: Any, matrix_ref: Any, values_ref: Any, *, bits: int, count: int
) -> None:
    """The program of some groups: integers, exact in bfloat16, up to the scale."""
    inside = (
        pl.program_id(0) * _GROUPS + lax.broadcasted_iota(jnp.int32, (_GROUPS, 1, 1), 0) < count
    )
    place = lax.broadcasted_iota(jnp.uint32, (_GROUPS, _fused.WORDS, 32), 2)
    codes = jnp.zeros(place.shape, jnp.uint32)
    for k in range(bits):
        words = triton.load(planes_ref.at[:, pl.ds(k, 1), :], mask=inside, other=0)
        words = lax.broadcast_in_dim(words.reshape(place.shape[:2]), place.shape, (0, 1))
        plane = (words >> place) & jnp.uint32(1)
        codes = codes | (plane << k)
    y = _fused.levels(codes, bits).reshape(_GROUPS * _SIDE, _SIDE)
    matrix = matrix_ref[...]
    for _ in range(2):  # at most 16 * 15 after the first product
        y = lax.dot_general(
            y.astype(jnp.bfloat16),
            matrix,
            (((1,), (0,)), ((), ())),
            preferred_element_type=jnp.dtype(jnp.float32),
        )
        y = y.reshape(_GROUPS, _SIDE, _SIDE).transpose(0, 2, 1).reshape(_GROUPS * _SIDE, _SIDE)
    scales = triton.load(scales_ref, mask=inside.reshape(_GROUPS), other=0.0)
    y = y.reshape(_GROUPS, _fused.GROUP) * _fused.step(scales).reshape(_GROUPS, 1)
    triton.store(values_ref, y.astype(values_ref.dtype), mask=inside.reshape(_GROUPS, 1))
