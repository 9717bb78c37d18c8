"""Index permutations made of bits: bit reversal, Gray code and the orders of Walsh functions."""

import functools

import numpy as np

from hadax._typing import Order


def is_power_of_two(n: int) -> bool:
    """Whether `n` is 1, 2, 4, 8, ..."""
    return n > 0 and n & (n - 1) == 0


@functools.lru_cache(maxsize=64)
def bit_reversal(n: int) -> np.ndarray:
    """`r` with r[i] = the log2(n) bits of i read backwards; n a power of two."""
    reversal = np.zeros(1, np.int32)
    while len(reversal) < n:
        reversal = np.concatenate([2 * reversal, 2 * reversal + 1])
    reversal.setflags(write=False)
    return reversal


@functools.lru_cache(maxsize=64)
def walsh_order(n: int, order: Order) -> np.ndarray | None:
    """`p` with (row k in `order`) = (natural row p[k]), or None where nothing moves."""
    if order == "natural" or n == 1:
        return None
    if order == "dyadic":
        return bit_reversal(n)
    k = np.arange(n, dtype=np.int32)
    gray = k ^ (k >> 1)
    return bit_reversal(n)[gray]
