"""The transform on GPUs by Pallas-Triton: the only file that imports it.

A block of x stays in registers while tensor cores multiply it by small matrices of +1 and -1, which
bfloat16 holds exactly. A float32 number is the sum of three bfloat16 pieces, so that a product by
pieces is as good as one in float32, and exact on integers; the products of 16-bit numbers are exact
at first, and two pieces carry their sums to the next factor.

JAX deprecates this backend since 0.11 and still has it in 0.12. In 0.10 it masks nothing by itself:
a block that reaches over the edge of its array has a mask of its own here.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from hadax._typing import Array, DTypeLike
from hadax.kernels import _gpu_plan, _hadamard_orders
from hadax.kernels._gpu_plan import Generation, Pass


def refusal(n: int, dtype: DTypeLike) -> str | None:
    """Why a transform cannot run here, or None where it can."""
    target = generation()
    if target is None:
        return "no GPU of compute capability 8.0 or later is at hand"
    passes = _gpu_plan.plan(n, dtype, target)
    return passes if isinstance(passes, str) else None


def hadamard(
    x: Array,
    signs: Array | None = None,
    *,
    after: bool = False,
    scale: float = 1.0,
    transpose: bool = False,
    target: Generation | None = None,
    interpret: bool = False,
) -> Array:
    """scale * H D x with D the diagonal of the int8 `signs`, or scale * D H x if `after`."""
    shape, dtype = x.shape, x.dtype
    passes = passes_of(shape[-1], dtype, target)
    if after:  # so that the pass with the signs still sees whole vectors
        passes = passes[::-1]
    for i, one in enumerate(passes):
        is_last = i == len(passes) - 1
        x = _run(
            x.reshape(-1, one.used, one.length),
            signs if (is_last if after else i == 0) else None,
            factors(one, x.dtype, transpose=transpose),
            one,
            dtype=dtype if is_last else jnp.dtype(jnp.float32),
            pieces=pieces_of(dtype),
            after=after,
            scale=scale if is_last else 1.0,
            interpret=interpret,
        )
    return x.reshape(shape)


def generation() -> Generation | None:
    """The tensor cores that a program is being compiled for, or None for no such GPU."""
    device = jax.sharding.get_abstract_mesh().abstract_device
    if device is not None and device.platform in ("gpu", "cuda"):
        return next((g for word, g in _GENERATION_OF_KIND if word in device.device_kind), "sm_80")
    capability = getattr(jax.devices()[0], "compute_capability", "0")
    return _GENERATION_OF_MAJOR.get(capability.partition(".")[0])


# Those of the workstation cards of 2025 (12.x) work as those of sm_80 do.
_GENERATION_OF_MAJOR: dict[str, Generation] = {
    "8": "sm_80", "9": "sm_90", "10": "sm_100", "12": "sm_80"
}  # fmt: skip
_GENERATION_OF_KIND: tuple[tuple[str, Generation], ...] = (
    ("H100", "sm_90"), ("H200", "sm_90"), ("B200", "sm_100"), ("B300", "sm_100")
)  # fmt: skip


def passes_of(n: int, dtype: DTypeLike, target: Generation | None) -> tuple[Pass, ...]:
    """The passes for a target, by default the one that is being compiled for."""
    passes = _gpu_plan.plan(n, dtype, target or generation() or "sm_80")
    if isinstance(passes, str):
        raise NotImplementedError(passes)
    return passes


def factors(one: Pass, dtype: DTypeLike, *, transpose: bool = False) -> list[Array]:
    """The matrices of a pass over an array of `dtype`."""
    found = []
    kind = jnp.dtype(dtype) if jnp.dtype(dtype).itemsize == 2 else jnp.dtype(jnp.bfloat16)
    for order, side in one.orders_and_sides:
        found.append(jnp.asarray(_matrix(order, side, transpose), kind))
        kind = jnp.dtype(jnp.bfloat16)  # all factors but the first multiply pieces of sums
    return found


def pieces_of(dtype: DTypeLike) -> int:
    """The number of bfloat16 pieces that carry a float32 sum in a transform of `dtype`."""
    return 3 if jnp.dtype(dtype) == jnp.float32 else 2


def _run(
    x: Array,
    signs: Array | None,
    matrices: Sequence[Array],
    one: Pass,
    *,
    dtype: DTypeLike,
    interpret: bool,
    **options: Any,
) -> Array:
    """One pass over x (count, used, length)."""
    count = x.shape[0]
    chunks = one.length // one.width
    block = pl.BlockSpec((one.rows, one.left, one.width), lambda i: (i // chunks, 0, i % chunks))
    operands, specs = [x], [block]
    if signs is not None:
        operands.append(signs.reshape(1, one.used, one.length))
        specs.append(pl.BlockSpec((1, one.left, one.width), lambda i: (0, 0, i % chunks)))
    for matrix in matrices:
        operands.append(matrix)
        specs.append(pl.BlockSpec(matrix.shape, lambda i: (0, 0)))
    call = pl.pallas_call(
        functools.partial(_kernel, one=one, count=count, signed=signs is not None, **options),
        out_shape=like(x, x.shape, dtype),
        grid=(-(-count // one.rows) * chunks,),
        in_specs=specs,
        out_specs=block,
        compiler_params=triton.CompilerParams(num_warps=one.warps, num_stages=1),
        interpret=interpret,
        name="hadax_wht",
    )
    return call(*varying_as(x, operands))


def _kernel(
    *refs: Any, one: Pass, count: int, signed: bool, after: bool, pieces: int, scale: float
) -> None:
    """The program of one block."""
    x_ref, *operands, out_ref = refs
    signs_ref = operands.pop(0) if signed else None
    inside = mask(one, count)
    x = triton.load(x_ref, mask=inside, other=None if inside is None else 0.0)
    if signs_ref is not None and not after:
        x = x * _load_signs(signs_ref, one, x.dtype)
    y = apply_factors(x, [ref[...] for ref in operands], one, pieces)
    if signs_ref is not None and after:
        y = y * _load_signs(signs_ref, one, y.dtype)
    if scale != 1.0:
        y = y * scale
    triton.store(out_ref, y.astype(out_ref.dtype), mask=inside)


def mask(one: Pass, count: int) -> Array | None:
    """Where the block (rows, left, width) has data, or None where it has everywhere."""
    shape = (one.rows, one.left, one.width)
    found = None
    if one.used < one.left:
        found = lax.broadcasted_iota(jnp.int32, shape, 1) < one.used
    if count % one.rows:
        first = pl.program_id(0) // (one.length // one.width) * one.rows
        is_row = first + lax.broadcasted_iota(jnp.int32, shape, 0) < count
        found = is_row if found is None else found & is_row
    return found


def _load_signs(ref: Any, one: Pass, dtype: DTypeLike) -> Array:
    """The signs of a block, as numbers (1, left, width)."""
    shape = (1, one.left, one.width)
    inside = None
    if one.used < one.left:
        inside = lax.broadcasted_iota(jnp.int32, shape, 1) < one.used
    return triton.load(ref, mask=inside, other=None if inside is None else 0).astype(dtype)


def apply_factors(x: Array, matrices: Sequence[Array], one: Pass, pieces: int) -> Array:
    """(H_left (x) H_middle (x) H_right) x for a block (rows, left, width), in float32."""
    left = iter(matrices)
    rows, a, b, c = one.rows, one.left, one.middle, one.right
    y = x
    if a > 1:
        # The left factor first: its sums are where the tensor cores want the next factor's rows.
        y = _swap(y.reshape(rows, a, one.width), rows).reshape(a, rows * one.width)
        y = _product(next(left), y, pieces)
        y = _swap(y.reshape(a, rows, one.width), rows)
    middle = next(left) if b > 1 else None
    if c > 1:
        y = _product(y.reshape(rows * a * b, c), next(left), pieces)
    if middle is not None:
        y = y.reshape(rows * a, b, c).transpose(0, 2, 1).reshape(rows * a * c, b)
        y = _product(y, middle, pieces)
        y = y.reshape(rows * a, c, b).transpose(0, 2, 1)
    return y.reshape(rows, a, one.width)


def _swap(x: Array, rows: int) -> Array:
    """The first two axes exchanged; nothing to do for one row."""
    return x if rows == 1 else x.transpose(1, 0, 2)


def _product(a: Array, b: Array, pieces: int) -> Array:
    """a @ b in float32, whichever of the two is a float32 being taken apart."""
    total = None
    for p, q in (
        [(a, piece) for piece in _pieces(b, pieces)]
        if b.dtype == jnp.float32
        else [(piece, b) for piece in _pieces(a, pieces)]
    ):
        part = lax.dot_general(
            p, q, (((1,), (0,)), ((), ())), preferred_element_type=jnp.dtype(jnp.float32)
        )
        total = part if total is None else total + part
    return total


def _pieces(x: Array, count: int) -> list[Array]:
    """16-bit arrays that sum to x: itself, or bfloat16 pieces, of which three are exact."""
    if x.dtype != jnp.float32:
        return [x]
    found = [x.astype(jnp.bfloat16)]
    while len(found) < count:
        x = x - found[-1].astype(jnp.float32)
        found.append(x.astype(jnp.bfloat16))
    return found


def like(x: Array, shape: Sequence[int], dtype: DTypeLike) -> jax.ShapeDtypeStruct:
    """A result that varies over the same axes of a manual mesh as x."""
    return jax.ShapeDtypeStruct(
        tuple(shape), dtype, manual_axis_type=jax.typeof(x).manual_axis_type
    )


def varying_as(x: Array, operands: Sequence[Array]) -> list[Array]:
    """The operands, made to vary over the same axes of a manual mesh as x."""
    wanted = _varying(x)
    return [lax.pcast(array, tuple(wanted - _varying(array)), to="varying") for array in operands]


def _varying(x: Array) -> frozenset[Any]:
    """The axes of a manual mesh over which x differs from device to device."""
    return frozenset(jax.typeof(x).manual_axis_type.varying)


@functools.lru_cache(maxsize=64)
def _matrix(order: int, side: int, transpose: bool) -> np.ndarray:
    """H of an order, or its transpose, with zeros around it up to `side`."""
    matrix = np.zeros((side, side), np.float32)
    filled = _hadamard_orders.hadamard_matrix(order)
    matrix[:order, :order] = filled.T if transpose else filled
    return matrix
