"""Syndromes of few ones, and back: BCH codes over the fields of 2^m elements."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax._typing import Array


class Code(NamedTuple):
    """The parities of n bits from which up to `degree` ones are found, and how.

    `parities` (L, n) are linearly independent; `combination` (t m, L) makes of them the m bits of
    each of the t odd syndromes S_1, S_3, ..., S_{2t-1}, S_j being the sum of a^{j q} over the ones
    q, for a primitive element a. `powers` (2 (2^m - 1),) and `logs` (2^m,) are tables of the field.
    """

    parities: np.ndarray
    combination: np.ndarray
    powers: np.ndarray
    logs: np.ndarray
    degree: int

    @property
    def order(self) -> int:
        """The number of elements but zero."""
        return len(self.logs) - 1

    def times(self, a: Array, b: Array) -> Array:
        """Products of elements of the field, by their logarithms."""
        logs = jnp.asarray(self.logs)
        product = jnp.asarray(self.powers)[logs[a] + logs[b]]
        return jnp.where((a == 0) | (b == 0), 0, product)


@functools.cache
def code(n: int, degree: int) -> Code:
    """The parities of the BCH code with so many errors, shortened to n bits."""
    m = max(2, n.bit_length())
    powers = _powers(m)
    logs = np.zeros(1 << m, np.int32)
    logs[powers] = np.arange(len(powers))
    odd = np.arange(1, 2 * degree, 2)
    syndromes = powers[np.outer(odd, np.arange(n)) % len(powers)]
    rows = syndromes[:, None] >> np.arange(m)[None, :, None] & 1
    chosen, combination = _independent(rows.reshape(-1, n))
    return Code(chosen, combination, np.concatenate([powers, powers]), logs, degree)


def found(code: Code, bits: Array) -> Array:
    """The n bits with these parities (L,), if at most `degree` of them are ones."""
    locator = _locator(code, _syndromes(code, bits))
    # Its roots are a^{-q} for all ones q.
    n = code.parities.shape[1]
    logs = -np.outer(np.arange(len(locator)), np.arange(n)) % code.order
    terms = code.times(locator[:, None], jnp.asarray(code.powers[logs]))
    return jnp.bitwise_xor.reduce(terms, axis=0) == 0


def _syndromes(code: Code, bits: Array) -> Array:
    """S_1, ..., S_2t: the squares of those before are the even ones."""
    ones = jnp.asarray(code.combination) & bits.astype(jnp.int32)[None]
    digits = jnp.bitwise_xor.reduce(ones, axis=1).reshape(code.degree, -1)
    weights = 1 << jnp.arange(digits.shape[1], dtype=jnp.int32)
    odd = jnp.sum(digits * weights[None], axis=1, dtype=jnp.int32)
    numbers = np.arange(1, 2 * code.degree + 1)
    square = numbers & -numbers
    root = odd[numbers // square // 2]
    logs = jnp.asarray(code.logs)[root] * jnp.asarray(square, jnp.int32) % code.order
    return jnp.where(root == 0, 0, jnp.asarray(code.powers)[logs])


def _locator(code: Code, syndromes: Array) -> Array:
    """Coefficients of the product of 1 - a^q x over the ones q, up to a factor.

    The algorithm of Berlekamp and Massey, without inversions.
    """
    size = code.degree + 1
    padded = jnp.pad(syndromes, (code.degree, 0))
    latest = np.arange(2 * code.degree)[:, None] + np.arange(size)[::-1]
    one = jnp.zeros(size, jnp.int32).at[0].set(1)

    def step(carry: tuple[Array, ...], window: Array) -> tuple[tuple[Array, ...], None]:
        locator, other, scale, excess = carry
        gap = jnp.bitwise_xor.reduce(code.times(locator, window))
        shifted = jnp.roll(other, 1).at[0].set(0)
        longer = (gap != 0) & (excess >= 0)
        return (
            code.times(scale, locator) ^ code.times(gap, shifted),
            jnp.where(longer, locator, shifted),
            jnp.where(longer, gap, scale),
            jnp.where(longer, -excess - 1, excess + 1),
        ), None

    start = (one, one, jnp.int32(1), jnp.int32(0))
    (locator, *_), _ = lax.scan(step, start, padded[latest])
    return locator


def _powers(m: int) -> np.ndarray:
    """The powers of a root of the least primitive polynomial of degree m."""
    cycles = (_cycle(polynomial) for polynomial in range((1 << m) + 1, 2 << m, 2))
    return next(np.array(cycle, np.int32) for cycle in cycles if len(cycle) == (1 << m) - 1)


def _cycle(polynomial: int) -> list[int]:
    """The powers of a root of a polynomial, until they repeat."""
    powers = [1]
    while len(powers) == 1 or powers[-1] != 1:
        power = powers[-1] << 1
        # The smaller one has no power of the root that the polynomial replaces.
        powers.append(min(power, power ^ polynomial))
    return powers[:-1]


def _independent(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that span all, over the field of two elements, and which of them add up to each."""
    basis: list[tuple[int, int]] = []
    chosen, members = [], []
    for i, row in enumerate(rows):
        left, used = int("".join(map(str, row)), 2), 0
        for known, parts in basis:
            if left ^ known < left:
                left, used = left ^ known, used ^ parts
        if left:
            basis.append((left, used | 1 << len(chosen)))
            used = 1 << len(chosen)
            chosen.append(i)
        members.append(used)
    combination = [[number >> i & 1 for i in range(len(chosen))] for number in members]
    return rows[chosen].astype(np.int8), np.array(combination, np.int32)
