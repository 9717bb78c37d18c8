"""How far from Gaussian, and how far from flat, an array is: what rotation is meant to mend."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.quantization import _quantization_checks


def kurtosis(x: ArrayLike, *, axis: int | Sequence[int] | None = None) -> Array:
    """Fourth standardized moment, E[(x - m)^4] / E[(x - m)^2]^2, with m = E[x].

    3 for a Gaussian, 1.8 for a uniform distribution; large where few entries are far out. NaN
    where `x` is constant.

    Args:
        x: array, real.
        axis: axis or axes to reduce; None reduces all.

    Returns:
        Array without the reduced axes, of the dtype of `x`. Half-precision inputs are computed in
        float32, and every scale of x gives the same.

    Raises:
        TypeError: `x` is not real floating point, or `axis` no integers.
        ValueError: `axis` is out of range or repeated, or has no points.

    Cost:
        O(size of x).

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import kurtosis
        >>> kurtosis(jnp.array([1.0, -1.0, 1.0, -1.0]))
        Array(1., dtype=float32)

    See Also:
        `scipy.stats.kurtosis(x, axis=None, fisher=False)`: the same number.
    """
    scaled, axes, dtype = _scaled(x, axis)
    square = jnp.square(scaled - jnp.mean(scaled, axis=axes, keepdims=True))
    fourth = jnp.mean(jnp.square(square), axis=axes)
    return (fourth / jnp.square(jnp.mean(square, axis=axes))).astype(dtype)


def incoherence(x: ArrayLike, *, axis: int | Sequence[int] | None = None) -> Array:
    """Largest magnitude over root mean square, max|x| / sqrt(E[x^2]).

    1 for a flat array, sqrt(n) for n entries of which one is not zero, about sqrt(2 log n) for a
    Gaussian one. A uniform quantizer's relative error grows with it. NaN where `x` is zero.

    Args:
        x: array, real.
        axis: axis or axes to reduce; None reduces all, which for a matrix is its incoherence
            max|w| sqrt(m n) / ||W||_F.

    Returns:
        Array without the reduced axes, of the dtype of `x`. Half-precision inputs are computed in
        float32, and every scale of x gives the same.

    Raises:
        TypeError: `x` is not real floating point, or `axis` no integers.
        ValueError: `axis` is out of range or repeated, or has no points.

    Cost:
        O(size of x).

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import incoherence
        >>> incoherence(jnp.array([[1.0, -1.0, 1.0, 1.0], [0.0, 2.0, 0.0, 0.0]]), axis=-1)
        Array([1., 2.], dtype=float32)

    See Also:
        `kurtosis`, which one large entry among many moves less.

    References:
        Chee et al. (2023), key `chee2023`.
    """
    scaled, axes, dtype = _scaled(x, axis)
    root_mean_square = jnp.sqrt(jnp.mean(jnp.square(scaled), axis=axes))
    return (jnp.max(jnp.abs(scaled), axis=axes) / root_mean_square).astype(dtype)


def _scaled(
    x: ArrayLike, axis: int | Sequence[int] | None
) -> tuple[Array, tuple[int, ...], DTypeLike]:
    """`x` over its largest magnitude, so that no power overflows; the axes; the dtype of `x`."""
    x = _checks.real_float("x", x)
    axes = _quantization_checks.axes(x, axis)
    wide = x.astype(_dtypes.accumulator(x.dtype))
    # What is made of it does not depend on the scale, and so neither does the derivative.
    peak = jax.lax.stop_gradient(jnp.max(jnp.abs(wide), axis=axes, keepdims=True))
    return wide / peak, axes, x.dtype
