"""Rotations fused with quantization: one pass over memory on a GPU, the same numbers elsewhere."""

from typing import get_args

import jax.numpy as jnp
from jax import lax

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.kernels import _fused, _hadamard_orders
from hadax.quantization import _fused_checks


def rotate_and_quantize(
    x: ArrayLike, signs: ArrayLike | None = None, *, grid: str = "int8"
) -> tuple[Array, Array]:
    r"""Rotate each vector by a randomized Hadamard matrix and round it to a grid of its own.

    $y = n^{-1/2} H D x$ with $D = \operatorname{diag}(\text{signs})$; the scale of a vector is
    $s = \max|y| / t$ with the grid's largest code t = 127, 7 or 448, and its codes are y / s
    rounded to nearest, half to even. No derivative passes: train with `fake_quantize` after the
    rotation.

    Args:
        x: array (..., n), float32, bfloat16 or float16; n a Hadamard length, even for "int4".
        signs: array (n,) of +1 and -1, int8, or None for no signs.
        grid: "int8", "int4" (two codes a byte, the first in its low half) or "fp8"
            (float8_e4m3fn).

    Returns:
        codes: array (..., n) of int8 or float8_e4m3fn, or (..., n / 2) of uint8 for "int4".
        scales: array (..., 1), float32.

    Raises:
        TypeError: x is not of those dtypes, or signs are no int8.
        ValueError: a length for which no Hadamard matrix is built, signs of another length, an
            unknown grid.

    Cost:
        On a GPU one pass up to the lengths of the table in `hadax.kernels._gpu_plan`: x is read and
        the codes are written. Elsewhere one transform and three passes.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import rotate_and_quantize
        >>> codes, scales = rotate_and_quantize(jnp.array([3.0, 1.0, 0.0, 0.0]))
        >>> codes, scales.round(4)
        (Array([127,  64, 127,  64], dtype=int8), Array([0.0157], dtype=float32))

    See Also:
        `fake_quantize`, which stays in floating point. QuaRot's kernels rotate and quantize in
        three passes.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    x = _fused_checks.fused_float(x)
    _checks.choice("grid", grid, get_args(_fused.Grid))
    n = _fused_checks.last_length(x)
    _hadamard_orders.check_length(n, shape=x.shape, axis=x.ndim - 1)
    if grid == "int4":
        _fused_checks.even(n)
    vectors = () if signs is None else (_fused_checks.signs(signs, n),)
    codes, scales = _fused.quantize(x[None] if x.ndim == 1 else x, *vectors, grid=grid)
    return (codes[0], scales[0]) if x.ndim == 1 else (codes, scales)


def pack_planes(codes: ArrayLike, *, bits: int) -> Array:
    r"""Pack codes of a few bits into bit planes, in groups of 256.

    Bit j of word w of plane p of a group is bit p of its code 32 w + j.

    Args:
        codes: array (..., 256 g) of integers 0 to $2^b - 1$; higher bits are dropped.
        bits: width b of a code, 1 to 4.

    Returns:
        Array (..., 8 b g), uint32: for each group its b planes of 8 words.

    Raises:
        TypeError: codes are no integers.
        ValueError: bits outside its range, or a length that is no multiple of 256.

    Cost:
        One pass.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import pack_planes
        >>> pack_planes(jnp.arange(256) % 4, bits=2)[:2]
        Array([2863311530, 2863311530], dtype=uint32)

    See Also:
        `grouped_ifwht`, which takes them.
    """
    codes = _fused_checks.codes(codes)
    bits = _fused_checks.bits(bits)
    *rows, length = codes.shape
    groups = length // _fused.GROUP
    words = codes.astype(jnp.uint32).reshape(*rows, groups, 1, _fused.WORDS, 32)
    shape = (*rows, groups, bits, _fused.WORDS, 32)
    plane = lax.broadcasted_iota(jnp.uint32, shape, len(shape) - 3)
    place = lax.broadcasted_iota(jnp.uint32, shape, len(shape) - 1)
    ones = (jnp.broadcast_to(words, shape) >> plane) & jnp.uint32(1)
    packed = jnp.sum(ones << place, axis=-1, dtype=jnp.uint32)
    return packed.reshape(*rows, groups * bits * _fused.WORDS)


def grouped_ifwht(
    planes: ArrayLike, scales: ArrayLike, *, bits: int, dtype: DTypeLike = jnp.float32
) -> Array:
    r"""Inverse Walsh-Hadamard transform of packed low-bit codes, in groups of 256.

    A group with codes c and scale s stands for $\frac{s}{2} \frac{1}{16} H (2 c - 2^b + 1)$, the
    transform of points of a symmetric grid of step s that has no zero. All is exact in integers up
    to the scale.

    Args:
        planes: array (..., 8 b g), uint32: what `pack_planes` returns.
        scales: array (..., g), real: the step of each group's grid.
        bits: width b of a code, 1 to 4.
        dtype: float32, bfloat16 or float16, of the result.

    Returns:
        Array (..., 256 g) of `dtype`.

    Raises:
        TypeError: planes are no uint32, scales or dtype not floating point.
        ValueError: bits outside its range, or shapes that do not fit.

    Cost:
        On a GPU one pass. Elsewhere one transform, and the codes in 32 bits.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import grouped_ifwht, pack_planes
        >>> planes = pack_planes(jnp.ones(256, int), bits=1)
        >>> grouped_ifwht(planes, jnp.ones(1), bits=1)[:3]
        Array([8., 0., 0.], dtype=float32)

    See Also:
        `ifwht`. Rotating activations instead, $(xH) q$, needs no inverse of the weights.
    """
    planes, scales = _fused_checks.planes(planes), _checks.real_float("scales", scales)
    bits = _fused_checks.bits(bits)
    _fused_checks.grouped(planes, scales, bits)
    dtype = _fused_checks.result_dtype(dtype)
    if planes.ndim == 1:
        return grouped_ifwht(planes[None], scales[None], bits=bits, dtype=dtype)[0]
    (values,) = _fused.ungroup(planes, scales, bits=bits, dtype=dtype)
    return values
