"""Owen's nested scrambling of words: every bit flips by a random bit of its own for each prefix.

Nothing is kept of the tree of flips: they are hashes of the prefix, so that any point can be
scrambled at any time, and equal prefixes flip alike.
"""

import functools
import math
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array
from hadax.qmc import _words

Hash: TypeAlias = Literal["threefry", "multiply"]

# A call of Threefry gives 64 bits, and a tree of six levels has 63 flips.
_LEVELS = 6
# Of the twenty rounds that are usual its authors know of no flaw with thirteen or more.
_ROUNDS = 13
# The first so many bits tell Sobol's points apart, 2^32 at most: what follows needs no tree.
_NESTED = 32
# The length that a row of words needs, for the vectors of a CPU, and the steps of a loop.
_LANES, _BLOCKS = 16, 4
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
# Multipliers of a hash in which bits depend on lower ones only, by Laine, Karras and Burley.
_MULTIPLIERS = (0x6C50B47C, 0xB82F1E52, 0xC7AFE638, 0x8D22F6E6)


@functools.partial(jax.jit, static_argnames=("hash", "depth"))
def scrambled(words: Array, seeds: Array, hash: Hash, depth: int) -> Array:
    """Words (n, d) scrambled by seeds (d, 2) of 32 bits: right in their first `depth` bits."""
    if hash == "multiply":
        return _by_multiplication(words, seeds)
    n, d = words.shape
    if d >= _LANES:
        return _by_threefry(words, seeds, depth)
    # Short rows do not fill a CPU's vectors: several points make a row. XLA would fuse the hash
    # with what parts them again, and go by short rows, but for a loop: three times as fast.
    group = math.lcm(d, _LANES) // d
    rows = -(-n // (_BLOCKS * group)) * _BLOCKS
    blocks = jnp.pad(words, ((0, rows * group - n), (0, 0))).reshape(_BLOCKS, -1, group * d)
    repeated = jnp.tile(seeds, (group, 1))
    found = jax.lax.map(lambda block: _by_threefry(block, repeated, depth), blocks)
    return found.reshape(-1, d)[:n]


def _by_threefry(words: Array, seeds: Array, depth: int) -> Array:
    """Words (n, d) whose flips are all independent, as far as Threefry's output is random.

    Of words of 64 bits those after the first 36 are drawn at once for each prefix of these: points
    that agree so far, as only other sequences have them, stay as far apart as they are.
    """
    bits = _words.width(words)
    result = words
    for top in range(0, min(depth, _NESTED), _LEVELS):
        low, high = _random_pairs(words, top, seeds)
        count = min(_LEVELS, bits - top)
        here = _leading(words << top if top else words, count).astype(jnp.uint32)
        # Prefixes within the subtree, with a one before them, number its flips: those of the first
        # five levels are bits 1 to 31 of one number, those of the sixth all bits of the other.
        marked, flips = here | np.uint32(1 << count), jnp.zeros_like(here)
        for level in range(count):
            left = count - level
            source = low >> (marked >> left) if level < 5 else high >> (here >> left)
            flips = flips | ((source & np.uint32(1)) << (left - 1))
        result = result ^ (flips.astype(words.dtype) << (bits - top - count))
    top = -(-_NESTED // _LEVELS) * _LEVELS
    if depth > top:
        low, high = (half.astype(words.dtype) for half in _random_pairs(words, top, seeds))
        result = result ^ (((high << 32) | low) >> top)
    return result


def _leading(words: Array, count: int) -> Array:
    """The first bits of words, as integers."""
    return words >> (_words.width(words) - count) if count else jnp.zeros_like(words)


def _random_pairs(words: Array, top: int, seeds: Array) -> tuple[Array, Array]:
    """64 random bits, as two numbers, for each prefix of `top` bits and each dimension."""
    # Without a prefix they are the same for all words, and drawn once.
    prefix = _leading(words if top else words[:1], top)
    low = prefix.astype(jnp.uint32)
    high = (prefix >> 32).astype(jnp.uint32) if _words.width(words) > 32 else jnp.zeros_like(low)
    first, second = (jnp.broadcast_to(seeds[None, :, i], prefix.shape) for i in range(2))
    # A prefix of 60 bits leaves room for its length.
    return threefry(first, second, low, high ^ np.uint32(top << 26), rounds=_ROUNDS)


def threefry(
    k0: Array, k1: Array, x0: Array, x1: Array, *, rounds: int = 20
) -> tuple[Array, Array]:
    """Threefry-2x32; of twenty rounds what JAX's own primitive gives, three times as fast on a CPU,
    where that one is a loop that nothing is fused into."""
    keys = (k0, k1, k0 ^ k1 ^ np.uint32(_PARITY))
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for i in range(rounds):
        distance = _ROTATIONS[i // 4 % 2][i % 4]
        x0 = x0 + x1
        x1 = ((x1 << distance) | (x1 >> (32 - distance))) ^ x0
        if i % 4 == 3:
            block = i // 4
            x0 = x0 + keys[(block + 1) % 3]
            x1 = x1 + keys[(block + 2) % 3] + np.uint32(block + 1)
    return x0, x1


def _by_multiplication(words: Array, seeds: Array) -> Array:
    """A few multiplications in all: flips of different bits are less than independent."""
    mixed = _words.reversed_bits(words) + seeds[None, :, 0].astype(words.dtype)
    for multiplier in _MULTIPLIERS:
        mixed = mixed ^ (mixed * np.array(multiplier, words.dtype))
    return _words.reversed_bits(mixed)
