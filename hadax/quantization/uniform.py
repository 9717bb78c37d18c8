"""Uniform symmetric quantization, round to nearest, simulated in floating point."""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike


def fake_quantize(
    x: ArrayLike, *, bits: int, axis: int | Sequence[int] | None = -1, clip: float = 1.0
) -> Array:
    """Round to the nearest point of a b-bit grid and return to floating point.

    s = clip * max|x| / (2^(b-1) - 1) over `axis`; the result is s * q with
    q = round(x / s) clamped to [-2^(b-1), 2^(b-1) - 1]. Where all of `x` is zero, s = 1.
    The derivative is straight-through: that of the identity.

    Args:
        x: array (..., n), real.
        bits: width b of the grid's integers, 2 to 16.
        axis: axis or axes whose entries share one scale; None shares it among all. For kernels
            W[in, out], -2 gives a scale an output channel; for activations, -1 a scale a token.
        clip: share of the largest magnitude that the grid reaches, in (0, 1].

    Returns:
        Array of the shape and dtype of `x`. Half-precision inputs are computed in float32.

    Raises:
        TypeError: `x` is not real floating point.
        ValueError: `bits` or `clip` outside its range.

    Cost:
        O(size of x); two passes.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import fake_quantize
        >>> fake_quantize(jnp.array([-7.0, 0.4, 0.6, 2.2]), bits=4)
        Array([-7.,  0.,  1.,  2.], dtype=float32)

    See Also:
        `qwix.quantize` returns the integers and scales themselves.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    x = _checks.real_float("x", x)
    _checks.integer("bits", bits, minimum=2)
    _checks.at_most("bits", bits, 16, what="limit")
    _checks.share("clip", clip)
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    return _straight_through(wide, bits, axis, clip).astype(x.dtype)


@partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3))
def _straight_through(x: Array, bits: int, axis: int | Sequence[int] | None, clip: float) -> Array:
    """The quantizer proper."""
    top = 2 ** (bits - 1) - 1
    axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
    reach = jnp.max(jnp.abs(x), axis=axis, keepdims=True)
    scale = jnp.where(reach > 0, clip * reach / top, 1.0)
    scale = jnp.broadcast_to(scale, x.shape)
    return scale * jnp.clip(jnp.round(x / scale), -top - 1, top)


@_straight_through.defjvp
def _identity_jvp(bits, axis, clip, primals, tangents):
    """The derivative of the identity."""
    (x,), (tangent,) = primals, tangents
    return _straight_through(x, bits, axis, clip), tangent
