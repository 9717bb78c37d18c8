"""Vectors of digits 0, ..., q - 1: packed, as turns of a circle, and ranks of their matrices."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.sparse import bits


def width(n: int, base: int) -> int:
    """The words that n digits take."""
    return bits.width(n * _size(base))


def pack(digits: Array, base: int) -> Array:
    """Digits (..., n) in words of 32 bits, digit 0 lowest; in base 2 it is `pack_bits`."""
    ones = (digits.astype(jnp.int32)[..., None] >> _shifts(base, digits.ndim + 1)) & 1
    return bits.pack_bits(ones.reshape(*digits.shape[:-1], -1))


def unpack(words: Array, n: int, base: int) -> Array:
    """The n digits of packed vectors: (..., n) of int8."""
    ones = bits.unpack_bits(words, n * _size(base)).reshape(*words.shape[:-1], n, -1)
    found = jnp.sum(ones.astype(jnp.int32) << _shifts(base, ones.ndim), axis=-1, dtype=jnp.int32)
    return found.astype(jnp.int8)


def of_numbers(count: int, length: int, base: int) -> Array:
    """The digits of 0, ..., count - 1, the lowest first: (count, length) of int32."""
    powers = jnp.asarray(base ** np.arange(length), jnp.int32)
    return jnp.arange(count, dtype=jnp.int32)[:, None] // powers[None] % base


def numbers(digits: Array, base: int) -> Array:
    """The int32 numbers (...) of digits (..., length)."""
    powers = jnp.asarray(base ** np.arange(digits.shape[-1]), jnp.int32)
    return digits.astype(jnp.int32) @ powers


def products(a: Array, b: Array, base: int) -> Array:
    """Inner products modulo q of all vectors of a (r, n) with all of b (m, n): (r, m) of int32."""
    return a.astype(jnp.int32) @ b.astype(jnp.int32).T % base


def roots(base: int, dtype: DTypeLike) -> Array:
    """The q-th roots of unity, from 1 on and anticlockwise."""
    return jnp.asarray(np.exp(2j * np.pi / base * np.arange(base)), dtype)


def rank(rows: Array, prime: int) -> Array:
    """The rank of a matrix (m, n) of integers modulo a prime, by elimination: an int32."""
    inverses = jnp.asarray([0, *(pow(a, -1, prime) for a in range(1, prime))], jnp.int32)
    row_number = jnp.arange(rows.shape[0])

    def clear(i: ArrayLike, rows: Array) -> Array:
        pivot = jnp.argmax(rows[i] != 0)
        times = rows[:, pivot] * inverses[rows[i, pivot]]
        times = jnp.where(row_number == i, 0, times)
        return (rows - times[:, None] * rows[i][None]) % prime

    reduced = lax.fori_loop(0, rows.shape[0], clear, rows.astype(jnp.int32) % prime)
    return jnp.sum(jnp.any(reduced != 0, axis=-1), dtype=jnp.int32)


def primes(base: int) -> list[int]:
    """The primes that divide q."""
    divisors = [d for d in range(2, base + 1) if base % d == 0]
    return [d for d in divisors if all(d % e for e in divisors if e < d)]


def _size(base: int) -> int:
    """The bits that a digit takes."""
    return (base - 1).bit_length()


def _shifts(base: int, ndim: int) -> Array:
    """The places of a digit's bits along the last of ndim axes."""
    return jnp.arange(_size(base), dtype=jnp.int32).reshape(*(1,) * (ndim - 1), -1)
