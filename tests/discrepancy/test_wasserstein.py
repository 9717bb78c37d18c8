"""Closed forms and bounds of W2. Statistical tests: fixed keys, at most 0.3 % false alarms each."""

import math

import jax
import numpy as np
import pytest
from scipy import special

from hadax.discrepancy import (
    w2_lower,
    w2_one_sparse,
    w2_sorted,
    w2_two_sparse,
    w2_upper,
    w2_upper_any,
)
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
    assert w2_upper_any(d) == pytest.approx(upper, abs=5.1e-7)
    assert w2_lower(d) == pytest.approx(lower, abs=5.1e-5)


def test_limits():
    assert w2_one_sparse(2**24) == pytest.approx(math.sqrt(2 - 2 * math.sqrt(2 / math.pi)), 1e-6)
    assert w2_upper_any(2**24) == pytest.approx(math.sqrt(2 - 2 / math.sqrt(math.pi)), 1e-6)
    for blocks, limit in ((1, 0.5176), (2, 0.2520), (3, 0.1252)):
        assert w2_lower(2**17, blocks) == pytest.approx(limit, abs=1e-4)


@pytest.mark.parametrize(("d", "value", "se"), [(4, 0.66419, 35e-5), (64, 0.88437, 9e-5)])
def test_two_sparse_reference(d, value, se):
    distance = w2_two_sparse(jax.random.key(2), d, samples=20_000)
    assert abs(distance.value - value) < 3 * math.hypot(se, distance.standard_error)


def test_upper_bound_of_an_input():
    """E|<sigma, x>| by hand: 1, .7071, .75 for sparse inputs, a binomial mean for the flat one."""
    c = 1 - w2_one_sparse(64) ** 2 / 2
    rows = np.eye(64, dtype=int)
    assert w2_upper(rows[0]) == pytest.approx(w2_one_sparse(64), rel=1e-12)
    assert w2_upper(rows[0] + rows[1]) == pytest.approx(w2_upper_any(64), rel=1e-12)
    assert w2_upper(rows[:4].sum(0)) == pytest.approx(math.sqrt(2 - 2 * c * 0.75), rel=1e-12)
    flat = math.sqrt(2 - 2 * c * 64 * math.comb(63, 31) / 2**63 / 8)
    assert w2_upper(np.ones(64, int)) == pytest.approx(flat, rel=1e-12)


def test_upper_bound_of_reals_is_that_of_integers_or_a_little_more():
    x = np.arange(-7, 9)  # 15 nonzeros: written out
    assert w2_upper(x / 3.0) == pytest.approx(w2_upper(x), rel=1e-12)
    many = np.arange(1, 65)  # by the integral
    assert 0 <= w2_upper(many / 7.0) - w2_upper(many) < 1e-4
    spiky = np.r_[100, np.ones(31, int)]
    assert 0 <= w2_upper(spiky / 7.0) - w2_upper(spiky) < 1e-4


def test_sorted_bound_where_it_is_exact():
    one = w2_sorted(jax.random.key(0), np.eye(64)[3], blocks=2, samples=4000)
    assert abs(one.value - w2_one_sparse(64)) < 4 * one.standard_error
    two = w2_sorted(jax.random.key(1), np.eye(64)[3] + np.eye(64)[9], blocks=2, samples=4000)
    assert abs(two.value - 0.4513) < 4 * math.hypot(two.standard_error, 3e-4)


def test_sorted_bound_takes_any_scale_and_any_number_of_blocks():
    x = np.arange(1.0, 17.0)
    one = w2_sorted(jax.random.key(0), x, blocks=1, samples=50)
    assert one == pytest.approx(w2_sorted(jax.random.key(0), 1e30 * x, blocks=1, samples=50))
    assert w2_sorted(jax.random.key(0), x, blocks=12, samples=50).value < one.value


def test_sorted_bound_of_a_uniform_vector_is_the_distance_of_sorted_samples():
    """Reference table, last column, .1317 at d = 64: k = 3 of a random input is near to it."""
    x = jax.random.normal(jax.random.key(5), (64,))
    found = w2_sorted(jax.random.key(0), np.asarray(x), samples=4000)
    assert abs(found.value - 0.1303) < 4 * math.hypot(found.standard_error, 5e-4)


@pytest.mark.parametrize("scale", [1e-200, 1e160, 1e300])
def test_upper_bound_takes_any_scale(scale):
    x = np.r_[1.0, 2.0, np.ones(30)]
    assert w2_upper(scale * x) == pytest.approx(w2_upper(x), rel=1e-12)


@pytest.mark.parametrize("estimate", ["sorted", "two"])
def test_standard_errors_are_the_spread_over_keys(estimate):
    """The spread of 64 keys is within 40 % of the stated error: 4.5 standard deviations of it."""

    def distance(seed):
        key = jax.random.key(seed)
        if estimate == "two":
            return w2_two_sparse(key, 16, samples=100)
        return w2_sorted(key, np.arange(16.0), samples=100)

    found = [distance(seed) for seed in range(64)]
    spread = np.std([each.value for each in found], ddof=1)
    stated = np.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert 0.6 < spread / stated < 1.4


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
    assert w2_upper_any(d) == pytest.approx(math.sqrt(2 - 2 / math.sqrt(math.pi)), rel=1e-8)


def test_two_sparse_is_between_the_bounds():
    distance = w2_two_sparse(jax.random.key(3), 1024, samples=500).value
    assert w2_lower(1024) < w2_one_sparse(1024) < distance < w2_upper_any(1024)


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
        (lambda: w2_upper_any(0), "`d` must be at least 2"),
        (lambda: w2_lower(16, 0), "`blocks` must be at least 1"),
        (lambda: w2_two_sparse(jax.random.key(0), 5), "`d` must be even"),
        (lambda: w2_two_sparse(jax.random.key(0), 4, samples=1), "`samples` must be at least 2"),
        (lambda: w2_upper([[1, 2]]), "`x` must be a vector"),
        (lambda: w2_upper([0.0, 0.0]), "`x` must be a vector of at least 2 entries that is not z"),
        (lambda: w2_upper([1.0]), "`x` must be a vector of at least 2 entries"),
        (lambda: w2_upper([1.0, math.nan]), r"`x` must hold finite numbers, but x\[1\] is nan"),
        (lambda: w2_sorted(jax.random.key(0), np.ones(6)), "must have a power-of-two length"),
        (lambda: w2_sorted(jax.random.key(0), np.ones(4), blocks=0), "`blocks` must be at least 1"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()
