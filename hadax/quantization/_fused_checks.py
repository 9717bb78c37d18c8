"""Error texts of the rotations fused with quantization; others are in `hadax._checks`."""

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.kernels import _fused

_FLOATS = ("float32", "bfloat16", "float16")


def fused_float(value: ArrayLike) -> Array:
    """`value` as an array of a dtype that the kernels take."""
    x = _checks.real_float("x", value)
    if x.dtype.name not in _FLOATS:
        raise TypeError(
            f"Argument `x` must be of dtype {', '.join(_FLOATS)}, but is {x.dtype}. Cast it."
        )
    return x


def last_length(x: Array) -> int:
    """The length of the last axis."""
    return x.shape[_checks.axis(x, -1)]


def even(n: int) -> None:
    """Refuse an odd length."""
    if n % 2:
        raise ValueError(
            "Argument `x` must have an even length along axis=-1 for grid='int4', but the length "
            f"is {n}. Pass grid='int8'."
        )


def signs(value: ArrayLike, n: int) -> Array:
    """`value` as int8 signs of length n."""
    s = _checks.array("signs", value)
    if s.dtype != jnp.int8:
        raise TypeError(
            f"Argument `signs` must be int8, but has signs.dtype={s.dtype}. Cast it, for example "
            "with signs.astype('int8')."
        )
    if s.shape != (n,):
        raise ValueError(
            f"Argument `signs` must have shape ({n},), one sign a point, but has shape {s.shape}."
        )
    return s


def bits(value: object) -> int:
    """The width of a packed code."""
    number = _checks.integer("bits", value, minimum=1)
    _checks.at_most("bits", number, 4, what="limit")
    return number


def codes(value: ArrayLike) -> Array:
    """`value` as integers in groups."""
    c = _checks.array("codes", value)
    if not jnp.issubdtype(c.dtype, jnp.integer):
        raise TypeError(f"Argument `codes` must hold integers, but has codes.dtype={c.dtype}.")
    if c.ndim == 0 or c.shape[-1] % _fused.GROUP:
        raise ValueError(
            f"Argument `codes` must have a multiple of {_fused.GROUP} points along axis=-1, but "
            f"has codes.shape={c.shape}. Pad it."
        )
    return c


def planes(value: ArrayLike) -> Array:
    """`value` as packed bit planes."""
    p = _checks.array("planes", value)
    if p.dtype != jnp.uint32:
        raise TypeError(
            f"Argument `planes` must be uint32, but has planes.dtype={p.dtype}. Make it with "
            "`pack_planes`."
        )
    return p


def grouped(planes: Array, scales: Array, bits: int) -> None:
    """Refuse planes and scales of different numbers of groups."""
    words = _fused.WORDS * bits
    if scales.ndim == 0 or planes.shape != (*scales.shape[:-1], scales.shape[-1] * words):
        raise ValueError(
            f"Argument `planes` must have {words} words for each of the scales, with bits={bits}, "
            f"but has planes.shape={planes.shape} for scales.shape={scales.shape}."
        )


def result_dtype(value: DTypeLike) -> jnp.dtype:
    """`value` as a dtype that the kernels write."""
    dtype = jnp.dtype(value)
    if dtype.name not in _FLOATS:
        raise TypeError(f"Argument `dtype` must be one of {', '.join(_FLOATS)}, but is {dtype}.")
    return dtype
