"""One draw of a rotation: the empirical law of its coordinates."""

import math

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Num
from hadax.discrepancy.laws import sphere_coordinate_cdf

# The target is interpolated: with a table of this size its error is below 1e-6 from d = 4 on.
_TABLE = 1 << 14
_REACH = 9.0  # standard deviations
_BINS = 1 << 20  # between which long vectors are not told apart


def quenched_ks(y: Num[ArrayLike, "... d"]) -> Num[Array, "..."]:
    r"""Kolmogorov distance of the d coordinates of one unit vector from the uniform law.

    $\max_t |\#\{i : \sqrt d\,y_i \le t\}/d - F(t)|$ with F the `sphere_coordinate_cdf`. For a
    uniform vector it is about $0.87/\sqrt d$. The coordinates of one draw depend on each other, so
    this has no band of Dvoretzky, Kiefer and Wolfowitz: average it over draws. Coordinates that are
    equal but for round-off need no rounding: steps inside of such a jump are between its ends.

    Args:
        y: array (..., d), real floating point, unit vectors (their length is not looked at), d at
            least 4.

    Returns:
        Array (...), of the dtype of `y`, or float32 for 16-bit floats; exact to about 2e-6.

    Raises:
        TypeError: `y` is not real floating point.
        ValueError: `y` has no axis, or d is less than 4.

    Cost:
        One sort a vector: O(d log d). From d = 65536 on 2^20 counts instead: O(d).

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.discrepancy import quenched_ks
        >>> round(float(quenched_ks(jnp.eye(256)[0])), 3)  # all but one entry at 0
        0.5

    See Also:
        `ks_band`, for independent draws of one coordinate; `hadax.randomized_hadamard`.
    """
    y = _checks.real_float("y", y)
    _checks.axis(y, -1)
    d = _checks.integer("d", y.shape[-1], minimum=4)
    dtype = _dtypes.accumulator(y.dtype)
    reach = min(_REACH, math.sqrt(d))
    places = np.linspace(-reach, reach, _TABLE)
    table = jnp.asarray(sphere_coordinate_cdf(places, d), dtype)

    def target(t: Array) -> Array:
        place = jnp.clip((t + reach) * ((_TABLE - 1) / (2 * reach)), 0, _TABLE - 1)
        left = jnp.minimum(place.astype("int32"), _TABLE - 2)
        part = place - left.astype(dtype)
        return (1 - part) * table[left] + part * table[left + 1]

    def by_sorting(vector: Array) -> Array:
        expected = target(math.sqrt(d) * jnp.sort(vector))
        steps = jnp.arange(d + 1, dtype=dtype) / d
        return jnp.max(jnp.maximum(steps[1:] - expected, expected - steps[:-1]))

    def by_counting(vector: Array) -> Array:
        # XLA sorts a million numbers in a second on a CPU; counts in bins of equal expectation are
        # off by one bin's at most.
        expected = target(math.sqrt(d) * vector)
        bins = jnp.minimum((expected * _BINS).astype("int32"), _BINS - 1)
        reached = jnp.cumsum(jnp.zeros(_BINS, "int32").at[bins].add(1)).astype(dtype) / d
        distance = jnp.abs(reached - jnp.arange(1, _BINS + 1, dtype=dtype) / _BINS)
        return jnp.where(jnp.isnan(jnp.sum(expected)), jnp.nan, jnp.max(distance))

    if 16 * d < _BINS:
        return jnp.vectorize(by_sorting, signature="(d)->()")(y.astype(dtype))
    # One vector after the other: side by side their counts would not stay in the cache.
    return lax.map(by_counting, y.astype(dtype).reshape(-1, d)).reshape(y.shape[:-1])
