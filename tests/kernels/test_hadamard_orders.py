"""Every base matrix is a Hadamard matrix, exactly, and the arithmetic of orders is consistent."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from hadax.kernels import _hadamard_orders as orders
from hadax.kernels import _williamson

BASE_ORDERS = [
    m for m in range(4, 401, 4) if orders.is_supported(m) and orders.decompose(m)[1] == 0
]

# Widths of language models, and what their transforms are made of.
WIDTHS = {
    576: (36, 4),
    1408: (44, 5),
    1536: (12, 7),
    2560: (20, 7),
    3072: (12, 8),
    4544: (284, 4),
    4864: (76, 6),
    5120: (20, 8),
    9728: (76, 7),
    10944: (684, 4),
    11008: (172, 6),
    13824: (108, 7),
    14336: (28, 9),
    18944: (148, 7),
}

MISSING = [188, 236, 268, 372, 376, 412, 428, 472, 508, 532, 536, 604, 652, 668, 716, 732, 764, 836]
MISSING += [852, 856, 876, 892, 940, 944, 956, 980, 988, 996]


def assert_hadamard(matrix: np.ndarray) -> None:
    """Entries +1 and -1, and rows orthogonal, in integers."""
    n = len(matrix)
    assert matrix.shape == (n, n)
    assert matrix.dtype == np.int8
    assert set(np.unique(matrix)) <= {-1, 1}
    wide = matrix.astype(np.int32)
    np.testing.assert_array_equal(wide @ wide.T, n * np.eye(n, dtype=np.int32))


def test_assert_hadamard_can_fail():
    flipped = orders.base_matrix(12).copy()
    flipped[3, 4] *= -1
    with pytest.raises(AssertionError):
        assert_hadamard(flipped)


@pytest.mark.parametrize("m", [*BASE_ORDERS, 684])
def test_base_matrix_is_hadamard(m):
    assert_hadamard(orders.base_matrix(m))


@pytest.mark.parametrize("m", [452, 476, 612, 692, 752, 932])
def test_larger_base_matrix_is_hadamard(m):
    assert_hadamard(orders.base_matrix(m))


@pytest.mark.parametrize(("reaches", "build"), orders.CONSTRUCTIONS)
def test_each_construction_is_right_wherever_it_reaches(reaches, build):
    reached = [m for m in range(4, 313, 4) if reaches(m)]
    assert reached
    for m in reached:
        assert_hadamard(build(m).astype(np.int8))


@pytest.mark.parametrize("w", _williamson.MULTIPLIERS)
def test_quadruples_are_symmetric_and_cancel(w):
    rows = _williamson._quadruple(w).astype(int)
    np.testing.assert_array_equal(rows[:, 1:], rows[:, :0:-1])
    np.testing.assert_allclose((np.fft.fft(rows).real ** 2).sum(axis=0), 4 * w)


def test_width_decomposition():
    assert {n: orders.decompose(n) for n in WIDTHS} == WIDTHS


def test_supported_orders_up_to_1000():
    multiples = range(4, 1001, 4)
    assert [n for n in multiples if not orders.is_supported(n)] == MISSING
    assert [n for n in range(-4, 1001) if orders.is_supported(n) and n % 4] == [1, 2]


@pytest.mark.parametrize("n", [1, 2, 4, 8, 64])
def test_powers_of_two_are_sylvester(n):
    np.testing.assert_array_equal(orders.hadamard_matrix(n), scipy.linalg.hadamard(n))


@pytest.mark.parametrize("n", [24, 40, 144, 208])
def test_other_orders_are_kronecker_products(n):
    m, k = orders.decompose(n)
    assert k > 0
    expected = np.kron(orders.base_matrix(m), scipy.linalg.hadamard(2**k))
    np.testing.assert_array_equal(orders.hadamard_matrix(n), expected)
    assert_hadamard(orders.hadamard_matrix(n))


def test_symmetry_is_what_the_constructions_say():
    symmetric = {m for m in BASE_ORDERS if (orders.base_matrix(m) == orders.base_matrix(m).T).all()}
    paley_1, paley_2 = (reaches for reaches, _ in orders.CONSTRUCTIONS[:2])
    assert {12, 20, 44, 60, 92, 172}.isdisjoint(symmetric)
    assert symmetric >= {m for m in BASE_ORDERS if paley_2(m) and not paley_1(m)} >= {36, 52, 76}


def test_base_matrix_is_cached_and_read_only():
    assert orders.base_matrix(12) is orders.base_matrix(12)
    with pytest.raises(ValueError, match="read-only"):
        orders.base_matrix(12)[0, 0] = 0


@pytest.mark.parametrize("m", [2, 8, 24, 40])
def test_base_matrix_refuses_a_product(m):
    with pytest.raises(ValueError, match=f"Argument `m` must be a base order, but is {m}"):
        orders.base_matrix(m)


@pytest.mark.parametrize(
    ("n", "lower", "higher"), [(3, 2, 4), (6, 4, 8), (188, 184, 192), (668, 664, 672)]
)
def test_an_unsupported_order_names_its_neighbours(n, lower, higher):
    with pytest.raises(
        ValueError, match=f"but is {n}. The nearest such orders are {lower} and {higher}."
    ):
        orders.decompose(n)


def test_orders_below_one_are_refused():
    for query in (orders.decompose, orders.nearest_supported):
        with pytest.raises(ValueError, match="Argument `n` must be at least 1, but is 0"):
            query(0)


@given(st.integers(1, 10**7))
def test_decompose(n):
    lower, higher = orders.nearest_supported(n)
    assert lower <= n <= higher
    assert orders.is_supported(n) == (lower == n) == (higher == n)
    m, k = orders.decompose(higher)
    assert higher == m * 2**k
    assert m == 1 or (m % 4 == 0 and m <= orders.MAX_BASE_ORDER)
    assert orders.decompose(m) == (m, 0)
    assert orders.decompose(2 * higher) == (m, k + 1)
    if m > 4:
        assert m % 8 == 4 or not orders.is_supported(m // 2)


@pytest.mark.parametrize("start", [1, 180, 8150, 65500])
def test_nearest_supported_skips_nothing(start):
    supported = [n for n in range(1, 4 * start + 60) if orders.is_supported(n)]
    for n in range(start, start + 60):
        expected = max(s for s in supported if s <= n), min(s for s in supported if s >= n)
        assert orders.nearest_supported(n) == expected


def test_check_length_says_how_to_go_on():
    orders.check_length(12, shape=(3, 12), axis=-1)
    text = r"along axis=1, but has x.shape=\(3, 6\)\. Pass n=8 to pad, or n=4 to truncate\."
    with pytest.raises(ValueError, match=text):
        orders.check_length(6, shape=(3, 6), axis=1)
