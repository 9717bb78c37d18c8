"""The pure-JAX transform of large arrays on CPUs: a block at a time, in place.

Page faults of temporaries cost more than the arithmetic there. A loop over blocks has temporaries
of the size of a block and overwrites the array, which it need not copy if it is donated. On other
platforms, and for arrays spread over devices, a loop would only wait.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from hadax import _dtypes
from hadax._bits import is_power_of_two
from hadax._linear_primitive import is_spread, traced
from hadax._typing import Array
from hadax.kernels import _xla

LARGE_BYTES = 32 << 20  # from where on the allocator asks the system for pages each time
_BLOCK = 1 << 16  # elements: a block and its temporaries stay in a core's cache
_COLUMNS = 4096  # of a panel of the four-step transform
_LOG_ROWS = 8


def lower_wht(
    ctx: Any,
    *args: Any,
    n: int,
    order: str = "natural",
    implementation: str | None = None,
    side: str | None = None,
    **words: Any,
) -> Sequence[Any] | None:
    """The lowering of the Walsh-Hadamard transform of a large array on one CPU, or None."""
    (aval, *_) = ctx.avals_in
    if implementation not in (None, "xla") or order != "natural" or side is not None:
        return None
    if not all(isinstance(d, int) for d in aval.shape) or is_spread(ctx):
        return None
    if aval.size * aval.dtype.itemsize < LARGE_BYTES:
        return None
    return traced(hadamard)(ctx, *args, **words)


def hadamard(x: Array, *, scale: float = 1.0, transpose: bool = False) -> Array:
    """scale * (H_m (x) H_2^k) x, or its transpose, along the last axis."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        parts = [hadamard(part, scale=scale, transpose=transpose) for part in (x.real, x.imag)]
        return lax.complex(*parts)
    n = x.shape[-1]
    whole = functools.partial(_xla.hadamard, scale=scale, transpose=transpose)
    if x.size == n and is_power_of_two(n) and n >= _COLUMNS << _LOG_ROWS:
        return _four_step(x, whole)
    return _blocks_of_rows(whole, x.reshape(-1, n), max(1, _BLOCK // n)).reshape(x.shape)


def _blocks_of_rows(transform: Callable[[Array], Array], x: Array, rows: int) -> Array:
    """`transform` of so many rows at a time, and of the rest."""
    rows = min(rows, x.shape[0])
    count = x.shape[0] // rows

    def step(i: Array, y: Array) -> Array:
        block = lax.dynamic_slice_in_dim(y, i * rows, rows)
        return lax.dynamic_update_slice_in_dim(y, transform(block), i * rows, axis=0)

    y = lax.fori_loop(0, count, step, x)
    if x.shape[0] % rows:
        last = lax.slice_in_dim(y, count * rows, x.shape[0])
        y = lax.dynamic_update_slice_in_dim(y, transform(last), count * rows, axis=0)
    return y


def _four_step(x: Array, rows_transform: Callable[[Array], Array]) -> Array:
    """One long vector as a matrix: its rows, then its columns, a panel of them at a time."""
    count = 1 << _LOG_ROWS
    y = x.astype(_dtypes.accumulator(x.dtype)).reshape(count, -1)
    width = y.shape[1]
    y = _blocks_of_rows(rows_transform, y, max(1, 4 * _BLOCK // width))

    def step(i: Array, y: Array) -> Array:
        panel = lax.dynamic_slice_in_dim(y, i * _COLUMNS, _COLUMNS, axis=1)
        done = _xla.walsh_at_stride(panel.reshape(-1), count, _COLUMNS).reshape(panel.shape)
        return lax.dynamic_update_slice_in_dim(y, done, i * _COLUMNS, axis=1)

    return lax.fori_loop(0, width // _COLUMNS, step, y).reshape(x.shape).astype(x.dtype)
