"""The transform on Hopper GPUs by Pallas Mosaic GPU, on request: the only file that imports it.

Y = (H_a X) H_b for each vector, seen as a matrix X (a, b). The copy engine brings X to shared
memory, the tensor cores multiply it there, and the sums come back as an operand in registers. They
are taken apart into two bfloat16 pieces, as in `_triton`.

It is written for the tensor cores of sm_90: those of other generations have other instructions, and
JAX 0.12 ends the process that compiles it for them. Hence the refusal before anything is lowered.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu

from hadax._typing import Array, DTypeLike
from hadax.kernels import _hadamard_orders, _triton

STATUS = "compiled and interpreted; on request only"

# length -> (a, b): 64 rows at least for a product in shared memory, 16 columns for a swizzle.
_FACTORS = {1024: (64, 16), 2048: (64, 32), 4096: (64, 64), 8192: (64, 128), 16384: (128, 128)}
_DTYPES = ("bfloat16", "float16")


def refusal(n: int, dtype: DTypeLike) -> str | None:
    """Why a transform cannot run here, or None where it can."""
    if _triton.generation() != "sm_90":
        return "it runs on Hopper GPUs only (compute capability 9.0)"
    if jnp.dtype(dtype).name not in _DTYPES:
        return f"there is no kernel for {jnp.dtype(dtype).name}, only for {', '.join(_DTYPES)}"
    if n not in _FACTORS:
        return f"there is no kernel for the length {n}, only for {', '.join(map(str, _FACTORS))}"
    return None


def hadamard(
    x: Array,
    signs: Array | None = None,
    *,
    after: bool = False,
    scale: float = 1.0,
    transpose: bool = False,
    in_registers: bool = True,
    interpret: Any = None,
) -> Array:
    """scale * H D x with D the diagonal of the int8 `signs`, or scale * D H x if `after`.

    H is symmetric at these lengths. The second product takes its operand from registers, or else
    from shared memory, which is slower, and which the interpreter knows.
    """
    del transpose
    spread = None if signs is None else _spread(signs, x)
    if spread is not None and not after:
        x = x * spread
    a, b = _FACTORS[x.shape[-1]]
    rows = x.reshape(-1, b)
    body = functools.partial(_kernel, a=a, scale=scale, in_registers=in_registers)
    swizzle = min(128, 2 * a, 2 * b)
    narrow = jnp.dtype(jnp.bfloat16)
    y = mosaic_gpu.kernel(
        body,
        out_type=jax.ShapeDtypeStruct(
            rows.shape, x.dtype, manual_axis_type=jax.typeof(x).manual_axis_type
        ),
        grid=(len(rows) // a,),
        grid_names=("vector",),
        scratch_types=[
            _shared((a, b), x.dtype, swizzle),
            _shared((a, a), x.dtype, swizzle),
            _shared((b, b), narrow, swizzle),
            _shared((a, b), x.dtype, swizzle),
            mosaic_gpu.Barrier(num_arrivals=3),
        ],
        **({} if interpret is None else {"interpret": interpret}),
    )(rows, _matrix(a, x.dtype), _matrix(b, narrow)).reshape(x.shape)
    return y * spread if spread is not None and after else y


def _kernel(
    x_global: Any,
    left_global: Any,
    right_global: Any,
    y_global: Any,
    x: Any,
    left: Any,
    right: Any,
    y: Any,
    arrived: Any,
    *,
    a: int,
    scale: float,
    in_registers: bool,
) -> None:
    """The program of one vector."""
    rows = pl.ds(lax.axis_index("vector") * a, a)
    mosaic_gpu.copy_gmem_to_smem(x_global.at[rows], x, arrived)
    mosaic_gpu.copy_gmem_to_smem(left_global, left, arrived)
    mosaic_gpu.copy_gmem_to_smem(right_global, right, arrived)
    mosaic_gpu.barrier_wait(arrived)

    def from_the_left(sums: Any) -> Array:
        mosaic_gpu.wgmma(sums, left, x)
        return sums[...]

    def from_the_right(sums: Any) -> Array:
        high = z.astype(jnp.bfloat16)
        low = (z - high.astype(jnp.float32)).astype(jnp.bfloat16)
        if in_registers:
            mosaic_gpu.wgmma(sums, high, right)
            mosaic_gpu.wgmma_wait(0)  # before the registers are used again
            mosaic_gpu.wgmma(sums, low, right)
        else:
            x[...] = high
            y[...] = low
            mosaic_gpu.commit_smem()
            mosaic_gpu.wgmma(sums, x, right)
            mosaic_gpu.wgmma(sums, y, right)
        return sums[...]

    accumulator = mosaic_gpu.ACC(x.shape, jnp.float32)  # pyright: ignore[reportPrivateImportUsage]
    z = pl.run_scoped(from_the_left, accumulator)
    y[...] = (pl.run_scoped(from_the_right, accumulator) * scale).astype(y.dtype)
    mosaic_gpu.commit_smem()
    mosaic_gpu.copy_smem_to_gmem(y, y_global.at[rows])
    mosaic_gpu.wait_smem_to_gmem(0)


def _shared(shape: tuple[int, int], dtype: DTypeLike, swizzle: int) -> Any:
    """Shared memory in the layout of an operand of the tensor cores."""
    columns = swizzle // jnp.dtype(dtype).itemsize
    layout = (mosaic_gpu.TilingTransform((8, columns)), mosaic_gpu.SwizzleTransform(swizzle))
    return mosaic_gpu.SMEM(shape, dtype, transforms=layout)


def _matrix(side: int, dtype: DTypeLike) -> Array:
    """Sylvester's matrix as an operand."""
    return jnp.asarray(_hadamard_orders.hadamard_matrix(side), dtype)


def _spread(signs: Array, x: Array) -> Array:
    """Signs as numbers that multiply the rows of x."""
    return signs.astype(x.dtype).reshape((1,) * (x.ndim - 1) + signs.shape)
