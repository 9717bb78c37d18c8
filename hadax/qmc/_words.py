"""Coordinates of points as unsigned words: a word w of t bits stands for w / 2^t, in [0, 1).

Integers add, shift and xor exactly, so that what a stream of points says does not depend on how it
is cut into pieces. t is 32, or 64 under `jax.enable_x64`.
"""

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array, DTypeLike


def word() -> jnp.dtype:
    """The widest word there is."""
    return jax.dtypes.canonicalize_dtype(jnp.uint64)


def width(words: Array) -> int:
    """The bits of a word."""
    return jnp.iinfo(words.dtype).bits


def reversed_bits(words: Array) -> Array:
    """Words with their bits read backwards."""
    bits = width(words)
    for group in (1, 2, 4, 8, 16, 32):
        if group >= bits:
            break
        mask = np.array(_mask(group, bits), words.dtype)
        words = ((words >> group) & mask) | ((words & mask) << group)
    return words


def _mask(group: int, bits: int) -> int:
    """Every second group of bits, from the lowest on."""
    return sum(((1 << group) - 1) << at for at in range(0, bits, 2 * group))


def held(dtype: DTypeLike) -> int:
    """How many bits of a word a number of this dtype holds."""
    return jnp.finfo(dtype).nmant + 1


def fractions(words: Array, dtype: DTypeLike) -> Array:
    """w / 2^t, cut to the bits that a number of this dtype holds: never rounded up to 1."""
    bits, kept = width(words), held(dtype)
    if kept < bits:
        # Signed, as nothing is lost and the conversion is one instruction then.
        signed = jnp.int32 if bits == 32 else jnp.int64
        words, bits = (words >> (bits - kept)).astype(signed), kept
    return words.astype(dtype) * np.array(2.0**-bits, dtype)


def interlaced(words: Array, count: int) -> Array:
    """Words (..., count d), `count` neighbours woven into one: (..., d).

    Bit q of the result, from the highest, is bit q // count of word q mod count.
    """
    bits = width(words)
    groups = words.reshape(*words.shape[:-1], -1, count)
    result = jnp.zeros(groups.shape[:-1], words.dtype)
    for q in range(bits):
        bit = (groups[..., q % count] >> (bits - 1 - q // count)) & np.array(1, words.dtype)
        result = result | (bit << (bits - 1 - q))
    return result


def of_fractions(x: Array, kind: DTypeLike) -> Array:
    """The words of a dtype that numbers in [0, 1) stand for: exactly, or cut to their bits."""
    bits, kept = jnp.iinfo(kind).bits, held(x.dtype)
    whole = (x * np.array(2.0**kept, x.dtype)).astype(jnp.int32 if kept < 32 else jnp.int64)
    if kept > bits:
        return (whole >> (kept - bits)).astype(kind)
    return whole.astype(kind) << (bits - kept)


def inside(x: Array) -> Array:
    """Coordinates with those that are 0 or 1 to the last digit moved inwards by half of it."""
    last = jnp.finfo(x.dtype).eps / 2
    return jnp.clip(x, last / 2, 1 - last)
