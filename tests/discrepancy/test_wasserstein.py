"""Closed forms and bounds of W2. Statistical tests: fixed keys, at most 0.3 % false alarms each."""

import math

import jax
import pytest
from scipy import special

from hadax.discrepancy import w2_lower, w2_one_sparse, w2_two_sparse, w2_upper
from hadax.discrepancy.wasserstein import _log_cap


@pytest.mark.parametrize(
    ("d", "one", "upper", "lower"),
    [
        (4, 0.549861, 0.894191, 0.2582),
        (16, 0.615725, 0.924047, 0.2630),
        (256, 0.634564, 0.933016, 0.2540),
        (16384, 0.635772, 0.933597, 0.2521),
    ],
)
def test_reference_table(d, one, upper, lower):
    """Values of a separate program, digits as printed."""
    assert w2_one_sparse(d) == pytest.approx(one, abs=5.1e-7)
    assert w2_upper(d) == pytest.approx(upper, abs=5.1e-7)
    assert w2_lower(d) == pytest.approx(lower, abs=5.1e-5)


def test_limits():
    assert w2_one_sparse(2**24) == pytest.approx(math.sqrt(2 - 2 * math.sqrt(2 / math.pi)), 1e-6)
    assert w2_upper(2**24) == pytest.approx(math.sqrt(2 - 2 / math.sqrt(math.pi)), 1e-6)
    for blocks, limit in ((1, 0.5176), (2, 0.2520), (3, 0.1252)):
        assert w2_lower(2**17, blocks) == pytest.approx(limit, abs=1e-4)


@pytest.mark.parametrize(("d", "value", "se"), [(4, 0.66419, 35e-5), (64, 0.88437, 9e-5)])
def test_two_sparse_reference(d, value, se):
    distance = w2_two_sparse(jax.random.key(2), d, samples=20_000)
    assert abs(distance.value - value) < 3 * math.hypot(se, distance.standard_error)


@pytest.mark.parametrize("blocks", [24, 200, 900])
@pytest.mark.parametrize("d", [3, 64])
def test_lower_bound_of_many_blocks(d, blocks):
    """Every block halves it; at d = 3 a cap has the mass r / 4, which gives 2**-blocks."""
    expected = 2.0**-blocks if d == 3 else w2_lower(d, 20) * 2.0 ** (20 - blocks)
    assert w2_lower(d, blocks) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("d", [1023, 1024, 10**6])
def test_mean_coordinate_is_that_of_the_recursion(d):
    """c_(d+2) / c_d = sqrt((d + 2) / d) d / (d + 1), across the place where the series begins."""
    ratio = (2 - w2_one_sparse(d + 2) ** 2) / (2 - w2_one_sparse(d) ** 2)
    assert ratio == pytest.approx(math.sqrt((d + 2) / d) * d / (d + 1), rel=1e-12)


@pytest.mark.parametrize("d", [10**9, 10**12, 10**16, 10**30])
def test_huge_dimensions_have_the_limit(d):
    assert w2_one_sparse(d) == pytest.approx(math.sqrt(2 - 2 * math.sqrt(2 / math.pi)), rel=1e-8)
    assert w2_upper(d) == pytest.approx(math.sqrt(2 - 2 / math.sqrt(math.pi)), rel=1e-8)


def test_two_sparse_is_between_the_bounds():
    distance = w2_two_sparse(jax.random.key(3), 1024, samples=500).value
    assert w2_lower(1024) < w2_one_sparse(1024) < distance < w2_upper(1024)


@pytest.mark.parametrize("d", [3, 16, 129])
@pytest.mark.parametrize("r", [0.01, 0.3, 1.0])
def test_cap_is_that_of_the_beta_law(d, r):
    inner = 1 - r / 2
    expected = math.log(special.betainc((d - 1) / 2, 0.5, 1 - inner**2) / 2)
    assert _log_cap(math.log(r), d) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: w2_one_sparse(1), "`d` must be at least 2"),
        (lambda: w2_upper(0), "`d` must be at least 2"),
        (lambda: w2_lower(16, 0), "`blocks` must be at least 1"),
        (lambda: w2_two_sparse(jax.random.key(0), 5), "`d` must be even"),
        (lambda: w2_two_sparse(jax.random.key(0), 4, samples=1), "`samples` must be at least 2"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()
