"""Entries, in units of their scale, to codes and back; one path for all that rounds."""

from functools import partial

import jax
import jax.numpy as jnp

from hadax._typing import Array, KeyArray
from hadax.quantization.formats import Format


def codes(x: Array, format: Format, zero: Array | None, key: KeyArray | None) -> Array:
    """The codes of x rounded to nearest, or stochastically if there is a key."""
    if key is None:
        return format.codes(x, zero)
    lower, upper = format.neighbours(x)
    gap = upper - lower
    share = (x - lower) / jnp.where(gap > 0, gap, jnp.ones_like(gap))
    goes_up = (gap > 0) & (jax.random.uniform(key, x.shape, x.dtype) < share)
    return format.codes(jnp.where(goes_up, upper, lower), zero)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def through(x: Array, format: Format, zero: Array | None, key: KeyArray | None) -> Array:
    """x rounded as by `codes`, with the derivative of a clamp."""
    return format.decode(codes(x, format, zero, key), zero, dtype=x.dtype)


@through.defjvp
def _clamp_jvp(format, primals, tangents):
    """Nothing passes beyond the ends."""
    x, zero, key = primals
    least, greatest = format.ends(zero)
    inside = (least <= x) & (x <= greatest)
    return through(x, format, zero, key), jnp.where(inside, tangents[0], 0)
