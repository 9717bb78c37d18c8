"""The transform on GPUs by Pallas-Triton; only `_triton_fused` imports that besides.

A block of x stays in registers while tensor cores multiply it by small matrices of +1 and -1, which
bfloat16 holds exactly. A float32 number is the sum of three bfloat16 pieces, so that a product by
pieces is as good as one in float32, and exact on integers; the products of 16-bit numbers are exact
at first, and two pieces carry their sums to the next factor.

JAX deprecates this backend since 0.11 and still has it in 0.12. In 0.10 it masks nothing by itself:
a block that reaches over the edge of its array has a mask of its own here.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

STATUS = "compiled and interpreted; Pallas-Triton, which JAX deprecates since 0.11"


@dataclass(frozen=True)
class Result:
    """An array (count, *shape) that a pass writes in blocks (rows, *block)."""

    block: tuple[int, int]
    shape: tuple[int, int]
    dtype: DTypeLike


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
    passes: Sequence[Pass] | None = None,
    interpret: bool = False,
) -> Array:
    """scale * H D x with D the diagonal of the int8 `signs`, or scale * D H x if `after`.

    The passes are by default those of the table for the GPU that is being compiled for.
    """
    shape, dtype = x.shape, x.dtype
    passes = passes_of(shape[-1], dtype) if passes is None else passes
    if after:  # so that the pass with the signs still sees whole vectors
        passes = passes[::-1]
    for i, one in enumerate(passes):
        is_last = i == len(passes) - 1
        (x,) = launch(
            functools.partial(
                _kernel, after=after, pieces=pieces_of(dtype), scale=scale if is_last else 1.0
            ),
            x.reshape(-1, one.used, one.length),
            signs if (is_last if after else i == 0) else None,
            one,
            [
                Result(
                    (one.left, one.width),
                    (one.used, one.length),
                    dtype if is_last else jnp.dtype(jnp.float32),
                )
            ],
            transpose=transpose,
            interpret=interpret,
        )
    return x.reshape(shape)


def generation() -> Generation | None:
    """The tensor cores that a program is being compiled for, or None for no such GPU."""
    capability = getattr(jax.devices()[0], "compute_capability", None)
    device = jax.sharding.get_abstract_mesh().abstract_device
    if device is not None and device.platform in ("gpu", "cuda"):
        kind = device.device_kind
        found: list[Generation] = [own for word, own in _OF_KIND.items() if word in kind]
        if found or capability is None:
            return found[0] if found else _OLDEST
    return None if capability is None else _OF_MAJOR.get(capability.partition(".")[0])


_OLDEST: Generation = "sm_80"
# The workstation cards of 2025 (12.x) have tensor cores like those of sm_80.
_OF_MAJOR: dict[str, Generation] = {"8": _OLDEST, "9": "sm_90", "10": "sm_100", "12": _OLDEST}
_OF_KIND: dict[str, Generation] = {
    "H100": "sm_90",
    "H20": "sm_90",  # and H200
    "B200": "sm_100",
    "B300": "sm_100",
}


def passes_of(n: int, dtype: DTypeLike) -> tuple[Pass, ...]:
    """The passes for the GPU that is being compiled for."""
    passes = _gpu_plan.plan(n, dtype, generation() or _OLDEST)
    if isinstance(passes, str):
        raise NotImplementedError(passes)
    return passes


def pieces_of(dtype: DTypeLike) -> int:
    """The number of bfloat16 pieces that carry a float32 sum in a transform of `dtype`."""
    return 3 if jnp.dtype(dtype) == jnp.float32 else 2


def launch(
    kernel: Callable[..., None],
    x: Array,
    signs: Array | None,
    one: Pass,
    results: Sequence[Result],
    *,
    transpose: bool = False,
    interpret: bool = False,
) -> list[Array]:
    """Run a pass's programs over x (count, used, length).

    A program gets references to a block of x, to the signs if there are any, to the matrices of the
    factors, and to its blocks of the results.
    """
    count = x.shape[0]
    chunks = one.length // one.width
    operands, specs = [x], [_spec(one.rows, one.left, one.width, chunks)]
    if signs is not None:
        operands.append(signs.reshape(1, one.used, one.length))
        signs_block = (1, one.left, one.width)
        specs.append(pl.BlockSpec(signs_block, lambda i: (0, 0, i % chunks)))
    for matrix in _factors(one, x.dtype, transpose):
        operands.append(matrix)
        specs.append(pl.BlockSpec(matrix.shape, lambda i: (0, 0)))
    return call(
        functools.partial(kernel, one=one, count=count, signed=signs is not None),
        operands,
        specs,
        [((count, *r.shape), r.dtype) for r in results],
        [_spec(one.rows, *r.block, chunks) for r in results],
        programs=-(-count // one.rows) * chunks,
        warps=one.warps,
        interpret=interpret,
    )


def call(
    kernel: Callable[..., None],
    operands: Sequence[Array],
    specs: Sequence[pl.BlockSpec],
    results: Sequence[tuple[tuple[int, ...], DTypeLike]],
    result_specs: Sequence[pl.BlockSpec],
    *,
    programs: int,
    warps: int,
    interpret: bool,
) -> list[Array]:
    """A `pallas_call`, also where the first operand differs over the axes of a manual mesh."""
    varying = jax.typeof(operands[0]).manual_axis_type
    wanted = frozenset(varying.varying)
    aligned = [
        lax.pcast(a, tuple(wanted - jax.typeof(a).manual_axis_type.varying), to="varying")
        for a in operands
    ]
    program = pl.pallas_call(
        kernel,
        out_shape=[
            jax.ShapeDtypeStruct(shape, dtype, manual_axis_type=varying) for shape, dtype in results
        ],
        grid=(programs,),
        in_specs=specs,
        out_specs=result_specs,
        compiler_params=triton.CompilerParams(num_warps=warps, num_stages=1),
        interpret=interpret,
        name="hadax",
    )
    return list(program(*aligned))


def _spec(rows: int, left: int, width: int, chunks: int) -> pl.BlockSpec:
    """Program i works on the chunk i % chunks of its rows."""
    return pl.BlockSpec((rows, left, width), lambda i: (i // chunks, 0, i % chunks))


def _kernel(
    x_ref: Any,
    *refs: Any,
    one: Pass,
    count: int,
    signed: bool,
    after: bool,
    pieces: int,
    scale: float,
) -> None:
    """The program of one block."""
    *operands, out_ref = refs
    signs_ref = operands.pop(0) if signed else None
    y = transformed(x_ref, None if after else signs_ref, operands, one, count, pieces)
    if signs_ref is not None and after:
        y = y * _load_signs(signs_ref, one, y.dtype)
    if scale != 1.0:
        y = y * scale
    triton.store(out_ref, y.astype(out_ref.dtype), mask=mask(one, count, one.width))


def transformed(
    x_ref: Any, signs_ref: Any, matrices: Sequence[Any], one: Pass, count: int, pieces: int
) -> Array:
    """The unscaled transform of a block, after its signs, (rows, left, width) in float32."""
    inside = mask(one, count, one.width)
    x = triton.load(x_ref, mask=inside, other=None if inside is None else 0.0)
    if signs_ref is not None:
        x = x * _load_signs(signs_ref, one, x.dtype)
    return _apply_factors(x, [ref[...] for ref in matrices], one, pieces)


def mask(one: Pass, count: int, width: int) -> Array | None:
    """Where a block (rows, left, width) has data, or None where it has everywhere."""
    shape = (one.rows, one.left, width)
    found = row_mask(one, count, shape)
    if one.used < one.left:
        has_data = lax.broadcasted_iota(jnp.int32, shape, 1) < one.used
        found = has_data if found is None else found & has_data
    return found


def row_mask(one: Pass, count: int, shape: Sequence[int]) -> Array | None:
    """Where a block (rows, ...) has rows, or None where it has all of them."""
    if count % one.rows == 0:
        return None
    first = pl.program_id(0) // (one.length // one.width) * one.rows
    return first + lax.broadcasted_iota(jnp.int32, tuple(shape), 0) < count


def _load_signs(ref: Any, one: Pass, dtype: DTypeLike) -> Array:
    """The signs of a block, as numbers (1, left, width)."""
    shape = (1, one.left, one.width)
    inside = None
    if one.used < one.left:
        inside = lax.broadcasted_iota(jnp.int32, shape, 1) < one.used
    return triton.load(ref, mask=inside, other=None if inside is None else 0).astype(dtype)


def _apply_factors(x: Array, matrices: Sequence[Array], one: Pass, pieces: int) -> Array:
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
    """a @ b in float32, the one of the two that is float32 being taken apart."""
    if b.dtype == jnp.float32:
        pairs = [(a, piece) for piece in _pieces(b, pieces)]
    else:
        pairs = [(piece, b) for piece in _pieces(a, pieces)]
    wide = jnp.dtype(jnp.float32)
    axes = (((1,), (0,)), ((), ()))
    return functools.reduce(
        jnp.add, [lax.dot_general(p, q, axes, preferred_element_type=wide) for p, q in pairs]
    )


def _pieces(x: Array, count: int) -> list[Array]:
    """16-bit arrays that sum to x: itself, or bfloat16 pieces, of which three are exact."""
    if x.dtype != jnp.float32:
        return [x]
    found = [x.astype(jnp.bfloat16)]
    while len(found) < count:
        x = x - found[-1].astype(jnp.float32)
        found.append(x.astype(jnp.bfloat16))
    return found


def _factors(one: Pass, dtype: DTypeLike, transpose: bool) -> list[Array]:
    """The matrices of a pass over an array of `dtype`."""
    found = []
    kind = jnp.dtype(dtype) if jnp.dtype(dtype).itemsize == 2 else jnp.dtype(jnp.bfloat16)
    for order, side in one.orders_and_sides:
        found.append(jnp.asarray(_matrix(order, side, transpose), kind))
        kind = jnp.dtype(jnp.bfloat16)  # all factors but the first multiply pieces of sums
    return found


@functools.lru_cache(maxsize=64)
def _matrix(order: int, side: int, transpose: bool) -> np.ndarray:
    """H of an order, or its transpose, with zeros around it up to `side`."""
    matrix = np.zeros((side, side), np.float32)
    filled = _hadamard_orders.hadamard_matrix(order)
    matrix[:order, :order] = filled.T if transpose else filled
    return matrix
