"""Rounding to a number format: nearest, stochastic, and with a derivative that passes.

`Format.round` is the plain one, to the nearest number. All act on entries in units of their scale.
"""

from hadax import _checks
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.quantization import _format_checks, _rounding
from hadax.quantization.formats import Format


def round_stochastic(key: KeyArray, x: ArrayLike, format: Format) -> Array:
    r"""Round to one of the two numbers around x, so that the mean over keys is x.

    Up with probability $(x - l) / (u - l)$, for l and u the numbers below and above. What lies
    beyond the range goes to its end, which is biased: choose scales that leave nothing there.

    Args:
        key: a new-style PRNG key, for all entries.
        x: array (...), real, in units of the scale.
        format: the numbers.

    Returns:
        Array of the shape and dtype of x. Half-precision inputs draw in their own precision.

    Raises:
        TypeError: key is no new-style key, x not real floating point, format no format.

    Cost:
        One uniform draw an entry.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.quantization import FloatFormat, round_stochastic
        >>> x = jnp.full(1000, 2.25)
        >>> found = round_stochastic(jax.random.key(0), x, FloatFormat("e2m1"))
        >>> jnp.unique(found), bool(abs(found.mean() - 2.25) < 0.05)
        (Array([2., 3.], dtype=float32), True)

    See Also:
        `Format.round`, to the nearest; `quantize`, whose `key` rounds this way.

    References:
        Gupta et al. (2015), key `gupta2015`.
    """
    x = _checks.real_float("x", x)
    _format_checks.format("format", format, Format)
    return format.decode(_rounding.codes(x, format, None, _checks.key(key)), dtype=x.dtype)


def straight_through(x: ArrayLike, format: Format) -> Array:
    """Round to the nearest number, with the derivative of a clamp: 1 in the range, 0 beyond.

    Args:
        x: array (...), real, in units of the scale.
        format: the numbers.

    Returns:
        Array of the shape and dtype of x.

    Raises:
        TypeError: x is not real floating point, or format no format.

    Cost:
        One pass.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, straight_through
        >>> x, ones = jnp.array([0.6, 5.0]), jnp.ones(2)
        >>> jax.jvp(lambda x: straight_through(x, IntFormat(3)), (x,), (ones,))
        (Array([1., 3.], dtype=float32), Array([1., 0.], dtype=float32))

    See Also:
        `simulate`, whose `gradient` may be this or that of the identity.

    References:
        Bengio et al. (2013), key `bengio2013`.
    """
    x = _checks.real_float("x", x)
    _format_checks.format("format", format, Format)
    return _rounding.through(x, format, None, None)
