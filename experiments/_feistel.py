"""A cheap pseudo-random permutation."""

import jax
import jax.numpy as jnp

_ROUNDS = 4


def feistel(key: jax.Array, d: int) -> jax.Array:
    """A permutation of 0 ... d-1 from a Feistel network on the bits of the indices, d = 2^m.

    Each round adds a random function of one part of the bits to the other part, modulo 2: four
    tables of about sqrt(d) random numbers stand for the d log d of a shuffle.
    """
    low_bits = (d.bit_length() - 1) // 2
    sizes = (1 << low_bits, d >> low_bits)
    index = jnp.arange(d)
    parts = [index % sizes[0], index // sizes[0]]
    for i, key_round in enumerate(jax.random.split(key, _ROUNDS)):
        read, write = i % 2, 1 - i % 2
        table = jax.random.randint(key_round, (sizes[read],), 0, sizes[write])
        parts[write] = parts[write] ^ table[parts[read]]
    return parts[0] + sizes[0] * parts[1]
