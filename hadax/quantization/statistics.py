"""How far from Gaussian, and how far from flat, an array is: what rotation is meant to mend."""

from collections.abc import Sequence

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike


def kurtosis(x: ArrayLike, *, axis: int | Sequence[int] | None = None) -> Array:
    """Fourth standardized moment, E[(x - m)^4] / E[(x - m)^2]^2, with m = E[x].

    3 for a Gaussian, 1.8 for a uniform distribution; large where few entries are far out. NaN
    where `x` is constant.

    Args:
        x: array, real.
        axis: axis or axes to reduce; None reduces all.

    Returns:
        Array without the reduced axes, of the dtype of `x`.

    Raises:
        TypeError: `x` is not real floating point.

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
    x = _checks.real_float("x", x)
    axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
    centred = x - jnp.broadcast_to(jnp.mean(x, axis=axis, keepdims=True), x.shape)
    square = jnp.square(centred)
    return jnp.mean(jnp.square(square), axis=axis) / jnp.square(jnp.mean(square, axis=axis))


def incoherence(x: ArrayLike, *, axis: int | Sequence[int] | None = None) -> Array:
    """Largest magnitude over root mean square, max|x| / sqrt(E[x^2]).

    1 for a flat array, sqrt(n) for n entries of which one is not zero, about sqrt(2 log n) for a
    Gaussian one. A uniform quantizer's relative error grows with it. NaN where `x` is zero.

    Args:
        x: array, real.
        axis: axis or axes to reduce; None reduces all, which for a matrix is its incoherence
            max|w| sqrt(m n) / ||W||_F.

    Returns:
        Array without the reduced axes, of the dtype of `x`.

    Raises:
        TypeError: `x` is not real floating point.

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
    x = _checks.real_float("x", x)
    axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
    return jnp.max(jnp.abs(x), axis=axis) / jnp.sqrt(jnp.mean(jnp.square(x), axis=axis))
