"""Sums over subsets modulo two, of 32 numbers in a word at once."""

import jax
import jax.numpy as jnp
from jax import lax

from hadax._typing import Array

_WORD = 32
# Half of each block of 2, 4, 8, 16 and 32 bits: the lower one, which the upper one has added.
_LOWER = {1: 0x55555555, 2: 0x33333333, 4: 0x0F0F0F0F, 8: 0x00FF00FF, 16: 0x0000FFFF}


@jax.jit
def reed_muller(bits: Array) -> Array:
    """XOR over subsets along the last axis, of zeros and ones, uint32."""
    n, ndim = bits.shape[-1], bits.ndim
    width = min(n, _WORD)
    places = jnp.arange(width, dtype=jnp.uint32).reshape((1,) * ndim + (width,))
    grouped = bits.reshape(*bits.shape[:-1], n // width, width)
    words = jnp.sum(grouped << places, axis=-1, dtype=jnp.uint32)
    for shift, lower in _LOWER.items():
        if shift < width:
            words ^= (words & jnp.uint32(lower)) << shift
    if n > width:
        steps = (n // width).bit_length() - 1
        words = lax.scan(_last_bit, words, length=steps)[0]
    return ((words[..., None] >> places) & jnp.uint32(1)).reshape(bits.shape)


def _last_bit(words: Array, _: None) -> tuple[Array, None]:
    """The sum at the last bit of the index of a word, which becomes the first."""
    n, last = words.shape[-1], words.ndim - 1
    even = lax.slice_in_dim(words, 0, n, 2, axis=last)
    odd = lax.slice_in_dim(words, 1, n, 2, axis=last)
    return lax.concatenate([even, even ^ odd], last), None
