"""Uniform symmetric quantization, round to nearest, simulated in floating point."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization import _quantization_checks


def fake_quantize(
    x: ArrayLike, *, bits: int, axis: int | Sequence[int] | None = -1, clip: ArrayLike = 1.0
) -> Array:
    r"""Round to the nearest point of a b-bit grid and return to floating point.

    $s = c \max|x| / (2^{b-1} - 1)$ over `axis`; the result is $s q$ with
    $q = \operatorname{round}(x / s)$ clamped to $[-2^{b-1}, 2^{b-1} - 1]$. Where all of x is zero,
    s = 1; else s is at least the smallest normal number. The derivative is straight-through: that
    of the identity.

    Args:
        x: array (..., n), real.
        bits: width b of the grid's integers, 2 to 16.
        axis: axis or axes whose entries share one scale; None shares it among all. For kernels
            W[in, out], -2 gives a scale an output channel; for activations, -1 a scale a token.
        clip: share c of the largest magnitude that the grid reaches, above 0 and at most 1; an
            array of them must broadcast to the shape of x with `axis` reduced to length 1. Under
            `jax.jit` the range of a traced one is not checked.

    Returns:
        Array of the shape and dtype of `x`. Half-precision inputs are computed in float32.

    Raises:
        TypeError: x or clip is not real floating point, or bits or axis no integer.
        ValueError: bits, axis or clip outside its range, an axis without points, or a clip of
            another shape.

    Cost:
        O(size of x); two passes.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import fake_quantize
        >>> fake_quantize(jnp.array([-7.0, 0.4, 0.6, 2.2]), bits=4)
        Array([-7.,  0.,  1.,  2.], dtype=float32)

    See Also:
        `best_clip`, to choose clip; `qwix.quantize`, which returns integers and scales.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    x = _checks.real_float("x", x)
    bits = _checks.integer("bits", bits, minimum=2)
    _checks.at_most("bits", bits, 16, what="limit")
    axes = _quantization_checks.axes(x, axis)
    wide = x.astype(_dtypes.accumulator(x.dtype))
    reduced = tuple(1 if i in axes else length for i, length in enumerate(x.shape))
    share = _quantization_checks.clip(clip, reduced, wide.dtype)
    return _straight_through(wide, share, bits, axes).astype(x.dtype)


def best_clip(x: ArrayLike, *, bits: int, axis: int | Sequence[int] | None = -1) -> Array:
    r"""The share of the largest magnitude at which clipping costs least.

    $\arg\min_c \sum (x - Q_c(x))^2$ over `axis`, with $Q_c$ = `fake_quantize` and c among 1, 0.98,
    ..., 0.4.

    Args:
        x: array (..., n), real; usually weights.
        bits: width of the grid's integers, 2 to 16.
        axis: axis or axes whose entries share one scale; None shares it among all.

    Returns:
        Array of the rank of x, of length 1 along `axis`: the `clip` of `fake_quantize`.

    Raises:
        TypeError: x is not real floating point, or bits or axis no integer.
        ValueError: bits or axis outside its range, or an axis without points.

    Cost:
        31 times that of `fake_quantize`; one copy of x at a time.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import best_clip
        >>> x = jnp.array([[0.6, -0.6, 0.6, 1.0], [1.0, -1.0, 1.0, 1.0]])
        >>> best_clip(x, bits=2).round(2)
        Array([[0.7],
               [1. ]], dtype=float32)

    See Also:
        `fake_quantize`.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    x = _checks.real_float("x", x)
    axes = _quantization_checks.axes(x, axis)
    wide = x.astype(_dtypes.accumulator(x.dtype))
    peak = jnp.max(jnp.abs(wide), axis=axes, keepdims=True)
    scaled = wide / jnp.where(peak > 0, peak, jnp.ones_like(peak))  # so that no square overflows
    shares = jnp.linspace(1.0, 0.4, _SHARES)

    def error(share: Array) -> Array:
        rounded = fake_quantize(scaled, bits=bits, axis=axes, clip=share)
        return jnp.sum(jnp.square(scaled - rounded), axis=axes, keepdims=True)

    return shares[jnp.argmin(jax.lax.map(error, shares), axis=0)]


_SHARES = 31


@partial(jax.custom_jvp, nondiff_argnums=(2, 3))
def _straight_through(x: Array, clip: Array, bits: int, axis: tuple[int, ...]) -> Array:
    """The quantizer proper."""
    top = 2 ** (bits - 1) - 1
    reach = clip * jnp.max(jnp.abs(x), axis=axis, keepdims=True)
    # A subnormal scale is zero on many devices, and 0 / 0 no number.
    least = jnp.asarray(jnp.finfo(x.dtype).tiny, x.dtype)
    scale = jnp.where(reach > 0, jnp.maximum(reach / top, least), jnp.ones_like(reach))
    return scale * jnp.clip(jnp.round(x / scale), -top - 1, top)


@_straight_through.defjvp
def _identity_jvp(bits, axis, primals, tangents):
    """The derivative of the identity."""
    return _straight_through(*primals, bits, axis), tangents[0]
