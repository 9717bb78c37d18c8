"""Independent draws of a statistic of a rotated vector."""

import functools
from collections.abc import Callable, Hashable

import jax
import jax.numpy as jnp
from jax import lax

from hadax import _checks
from hadax._typing import Array, KeyArray
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._unit import unit_float64

# Values of one chunk of draws: 1 MB in float32, which stays in the cache.
_CHUNK = 1 << 18


def unit_vector(x: object) -> Array:
    """The vector over its length, float32."""
    direction = _discrepancy_checks.direction("x", x)
    _checks.power_of_two(direction.size, why="the Walsh-Hadamard rotation")
    return jnp.asarray(unit_float64(direction), "float32")


def simulate(
    function: Callable[..., Array], key: KeyArray, draws: int, x: Array, *options: Hashable
) -> Array:
    """``function(key, x, *options)`` for so many keys, as one array.

    `function` lives in a module: a second call with the same options and shapes is not traced.
    """
    batch = max(1, _CHUNK // x.size)
    return _mapped(function, options, batch, jax.random.split(key, draws), x)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _mapped(
    function: Callable[..., Array],
    options: tuple[Hashable, ...],
    batch: int,
    keys: Array,
    x: Array,
) -> Array:
    """`function` over the keys, so many of them side by side."""
    return lax.map(lambda key: function(key, x, *options), keys, batch_size=batch)
