"""Hadamard matrices of every order that an implemented construction reaches.

The matrix of order n = m * 2^k is H_m (x) H_2 (x) ... (x) H_2 with the smallest base order m that
has a construction: the fast transform pays m multiplications a point for H_m and one addition for
each H_2. Powers of two have m = 1 (Sylvester). A base order is a multiple of 4 and its matrix comes
from the first construction of `CONSTRUCTIONS` that reaches it; no table of signs anywhere.

Up to 1000 no construction here reaches 4 w for w = 47, 59, 67, 93, 103, 107, 127, 133, 151, 163,
183, 191, 209, 213, 219, 235, 239, 245, 247, 249, and not always 2^k * 4 w (188 and 376 are missing,
752 is Paley's); 668, 716 and 892 are unknown to mathematics.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hadax import _checks
from hadax.kernels import _paley, _williamson
from hadax.kernels._finite_field import prime_power

# A base factor is dense: one of order 4096 is 16 MiB of int8 and takes a second to build.
MAX_BASE_ORDER = 4096


@functools.lru_cache(maxsize=4096)
def decompose(n: int) -> tuple[int, int]:
    """(m, k) with n = m * 2^k and m the smallest base order, 1 for a power of two."""
    found = _decompose(n)
    if found is None:
        _checks.hadamard_order(n, *nearest_supported(n))
    return found


def check_length(length: int, *, shape: Sequence[Any], axis: int) -> None:
    """Refuse an array whose `axis` has a length that `decompose` does not accept."""
    if not is_supported(length):
        _checks.hadamard_length(shape, axis, *nearest_supported(length))


def is_supported(n: int) -> bool:
    """Whether `decompose` accepts n."""
    return _decompose(n) is not None


def nearest_supported(n: int) -> tuple[int, int]:
    """(largest supported length <= n, smallest supported length >= n), for n >= 1."""
    n = _checks.integer("n", n, minimum=1)
    # Beyond MAX_BASE_ORDER every supported length is a multiple of a power of two: step by it.
    step = 1
    while (step * 2) * MAX_BASE_ORDER <= n // 2:
        step *= 2
    lower = n - n % step
    while not is_supported(lower):
        lower -= step
    higher = n + -n % step
    while not is_supported(higher):
        higher += step
    return lower, higher


def hadamard_matrix(n: int) -> np.ndarray:
    """H (n, n), int8, with H H^T = n I."""
    m, k = decompose(n)
    matrix = base_matrix(m)
    for _ in range(k):
        matrix = np.kron(matrix, np.array([[1, 1], [1, -1]], np.int8))
    return matrix


@functools.lru_cache(maxsize=32)
def base_matrix(m: int) -> np.ndarray:
    """H_m (m, m), int8, read-only, of a base order m."""
    if decompose(m) != (m, 0):
        _checks.base_order(m, decompose(m)[0])
    build = _construction(m)
    matrix = (np.ones((1, 1)) if build is None else build(m)).astype(np.int8)
    matrix.setflags(write=False)
    return matrix


def _decompose(n: int) -> tuple[int, int] | None:
    """`decompose`, with None where no construction reaches."""
    if n < 1:
        return None
    twos = (n & -n).bit_length() - 1
    odd = n >> twos
    if odd == 1:
        return 1, twos
    for j in range(2, twos + 1):
        m = odd << j
        if m > MAX_BASE_ORDER:
            return None
        if _construction(m) is not None:
            return m, twos - j
    return None


@functools.cache
def _construction(m: int) -> Callable[[int], np.ndarray] | None:
    """What builds the base matrix of order m."""
    return next((build for reaches, build in CONSTRUCTIONS if reaches(m)), None)


def _paley_1(m: int) -> np.ndarray:
    """From the field of q = m - 1 elements."""
    return _paley.paley_1(m - 1)


def _paley_2(m: int) -> np.ndarray:
    """From the field of q = m / 2 - 1 elements."""
    return _paley.paley_2(m // 2 - 1)


def _miyamoto(m: int) -> np.ndarray:
    """From the field of q = m / 4 elements."""
    return _paley.miyamoto(m // 4, hadamard_matrix(m // 4 - 1))


def _williamson_array(m: int) -> np.ndarray:
    """Four symmetric circulants in Williamson's array."""
    return _williamson.williamson_matrix(m // 4)


def _cooper_wallis(m: int) -> np.ndarray:
    """T-matrices and four symmetric circulants in the array of Goethals and Seidel."""
    return _williamson.cooper_wallis_matrix(*_cooper_wallis_orders(m)[0])


def _cooper_wallis_orders(m: int) -> list[tuple[int, int]]:
    """The (t, w) with m = 4 t w, smallest t first."""
    splits = [(t, m // (4 * t)) for t in _williamson.T_ORDERS if m % (4 * t) == 0]
    return [(t, w) for t, w in splits if w in _williamson.MULTIPLIERS]


def _paley_1_reaches(m: int) -> bool:
    """m = q + 1 is a multiple of 4."""
    return m % 4 == 0 and prime_power(m - 1) is not None


def _paley_2_reaches(m: int) -> bool:
    """m = 2 (q + 1) is 4 modulo 8."""
    return m % 8 == 4 and prime_power(m // 2 - 1) is not None


def _williamson_reaches(m: int) -> bool:
    """m = 4 w with a quadruple of order w."""
    return m % 4 == 0 and m // 4 in _williamson.MULTIPLIERS


def _miyamoto_reaches(m: int) -> bool:
    """m = 4 q, q = 1 modulo 4, and K exists."""
    q = m // 4
    return m % 16 == 4 and prime_power(q) is not None and is_supported(q - 1)


def _cooper_wallis_reaches(m: int) -> bool:
    """m = 4 t w with T-matrices of order t and a quadruple of order w."""
    return bool(_cooper_wallis_orders(m))


CONSTRUCTIONS = (
    (_paley_1_reaches, _paley_1),
    (_paley_2_reaches, _paley_2),
    (_williamson_reaches, _williamson_array),
    (_miyamoto_reaches, _miyamoto),
    (_cooper_wallis_reaches, _cooper_wallis),
)
