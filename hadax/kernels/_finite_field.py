"""Squares in finite fields: the quadratic character of GF(q) and its difference matrix."""

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np


@functools.cache
def prime_power(q: int) -> tuple[int, int] | None:
    """(p, k) with q = p**k and p prime, or None where q is no prime power."""
    if q < 2:
        return None
    p = next((d for d in range(2, int(q**0.5) + 1) if q % d == 0), q)
    k = 0
    while q % p == 0:
        q //= p
        k += 1
    return (p, k) if q == 1 else None


def jacobsthal(q: int) -> np.ndarray:
    """Q (q, q), int8, with Q[i, j] = chi(a_i - a_j): 0, 1 for a square, -1 for a non-square.

    The elements of GF(q), q = p^k odd, are numbered by their digits to the base p.
    """
    field = prime_power(q)
    assert field is not None
    p, k = field
    element = np.arange(q)
    difference = np.zeros((q, q), np.int32)
    for place in p ** np.arange(k):
        digit = (element // place % p).astype(np.int32)
        difference += (digit[:, None] - digit[None, :]) % p * place.astype(np.int32)
    return _quadratic_character(p, k)[difference]


def _quadratic_character(p: int, k: int) -> np.ndarray:
    """chi (q,), int8, of every element: the even powers of a primitive element are the squares."""
    q = p**k
    # The lowest coefficient goes fastest: it decides the norm of x, which must be primitive too.
    for rest in itertools.product(range(p), repeat=k - 1):
        for lowest in range(1, p):
            powers = list(_powers_of_x(p, (lowest, *rest)))
            if len(powers) == q - 1:
                chi = np.zeros(q, np.int8)
                chi[powers[0::2]] = 1
                chi[powers[1::2]] = -1
                return chi
    raise AssertionError(f"GF({q}) has a primitive element")


def _powers_of_x(p: int, reduction: Sequence[int]) -> Iterator[int]:
    """The distinct powers 1, x, x^2, ... modulo p and x^k = sum_j reduction[j] x^j.

    There are p**k - 1 of them just when x generates the field, so that the polynomial needs no
    proof of its own. A non-zero reduction[0] makes x invertible, and the powers periodic.
    """
    k = len(reduction)
    one = (1,) + (0,) * (k - 1)
    power = one
    while True:
        yield sum(digit * p**j for j, digit in enumerate(power))
        carry = power[-1]
        power = tuple((a + carry * r) % p for a, r in zip((0, *power[:-1]), reduction, strict=True))
        if power == one:
            return
