"""The functions of one coordinate that kernels multiply, and their product."""

import math
from fractions import Fraction
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array
from hadax.qmc import _words


@jax.jit
def product_minus_one(parts: Array) -> Array:
    """prod_j (1 + p_j) - 1 of parts (..., d), by v <- v (1 + p) + p from v = 0."""

    def step(value: Array, part: Array) -> tuple[Array, None]:
        return value * (1 + part) + part, None

    along = jnp.moveaxis(parts, -1, 0)
    return jax.lax.scan(step, jnp.zeros_like(along[0]), along)[0]


def weighted(weights: Array, factors: Array) -> Array:
    """gamma_j k_j for weights (d,) and factors (..., d)."""
    return weights.reshape((1,) * (factors.ndim - 1) + weights.shape) * factors


def lattice_gap(x: Array, z: Array, dtype: jnp.dtype) -> Array:
    """{x - z}; exact for words, which may be far longer than the floats that come of them."""
    if jnp.issubdtype(x.dtype, jnp.unsignedinteger):
        return _words.fractions(x - z, dtype)
    return (x - z) % 1


def bernoulli(u: Array, order: int, differentiated: int = 0) -> Array:
    """k_order or a derivative of it, at u in [0, 1): even or odd about the middle."""
    middle = u - 0.5
    square = jnp.square(middle)
    value = jnp.zeros_like(square)
    for coefficient in _coefficients(order, 2 * order - differentiated):
        value = value * square + coefficient
    return value * middle if differentiated % 2 else value


@cache
def _coefficients(order: int, degree: int) -> tuple[float, ...]:
    """(-1)^(a+1) (2 pi)^(2a) B_degree(1/2 + y) / degree! as a polynomial in y^2, highest first.

    Of an odd degree it is what y is multiplied by.
    """
    numbers = [Fraction(1)]
    for m in range(1, degree + 1):
        past = sum(math.comb(m + 1, j) * number for j, number in enumerate(numbers))
        numbers.append(-Fraction(past, m + 1))
    # B_n(1/2) = (2^(1-n) - 1) B_n, and B_m(1/2 + y) = sum over n of C(m, n) B_n(1/2) y^(m-n).
    at_half = [(Fraction(2, 2**n) - 1) * number for n, number in enumerate(numbers)]
    scale = (-1) ** (order + 1) * (2 * math.pi) ** (2 * order) / math.factorial(degree)
    return tuple(float(math.comb(degree, n) * at_half[n]) * scale for n in range(0, degree + 1, 2))


def places(gap: Array) -> Array:
    """-floor(log2) of the fractions that words stand for, from 1 on; 0 for 0."""
    return jnp.where(gap == 0, 0, jax.lax.clz(gap).astype(jnp.int32) + 1)


def walsh(gap: Array, order: int, dtype: jnp.dtype) -> Array:
    """k_order of words x ^ z; closed forms of the series by the place of the highest one."""
    bits, place = _words.width(gap), places(gap)
    b, u = place.astype(dtype), _words.fractions(gap, dtype)

    def power(rate: int) -> Array:
        """2^(-rate b), from a table; 0 at 0."""
        table = np.array([0.0, *(2.0 ** (-rate * k) for k in range(1, bits + 1))], dtype)
        return jnp.asarray(table)[place]

    if order == 1:
        return jnp.where(gap == 0, jnp.ones((), dtype), 1 - 3 * power(1))
    if order == 2:
        return -b * u + 2.5 * (1 - power(1)) - 1
    if order == 3:
        return b * u**2 - 5 * (1 - power(1)) * u + 43 / 18 * (1 - power(2)) - 1
    return (
        -2 / 3 * b * u**3
        + 5 * (1 - power(1)) * u**2
        - 43 / 9 * (1 - power(2)) * u
        + 701 / 294 * (1 - power(3))
        + b * (single_bits(gap, dtype) / 48 - 1 / 42)
        - 1
    )


def single_bits(gap: Array, dtype: jnp.dtype) -> Array:
    """The sum over places a of 2^(-3a) w_(2^a), Walsh functions of one bit, from the highest on."""
    bits = _words.width(gap)
    found = jnp.zeros(gap.shape, dtype)
    for at in range(bits):
        bit = (gap >> (bits - 1 - at)) & np.array(1, gap.dtype)
        found = found + (1 - 2 * bit.astype(dtype)) * 2.0 ** (-3 * at)
    return found


def adaptive_walsh(place: Array, rates: Array) -> Array:
    """nu - (nu + 1) 2^(-alpha (b - 1)) for places b (..., d) and rates alpha (d,); nu at 0."""
    rates = rates.reshape((1,) * (place.ndim - 1) + rates.shape)
    top = 1 / (1 - 2**-rates)
    fall = (top + 1) * 2 ** (-rates * (place - 1).astype(rates.dtype))
    return top - jnp.where(place == 0, jnp.zeros_like(fall), fall)
