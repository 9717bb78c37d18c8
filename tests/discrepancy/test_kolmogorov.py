"""Exact and estimated Kolmogorov distances. Statistical tests: fixed keys, 1 % false alarms."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import hadamard

from hadax.discrepancy import (
    dkw_radius,
    kolmogorov_bound,
    kolmogorov_exact,
    kolmogorov_sampled,
    ks_band,
    ks_two_band,
    sphere_coordinate_cdf,
)
from hadax.discrepancy._bootstrap import bootstrap_radius

SUPPORTS = {
    "e1": [0],
    "two": [0, 1],
    "plane": [0, 1, 2, 3],
    "three-flat": range(8),
    "three independent": [1, 2, 4],
    "four independent": [1, 2, 4, 8],
}


def indicator(support, d):
    x = np.zeros(d, int)
    x[list(support)] = 1
    return x


@pytest.mark.parametrize(
    ("name", "d", "distance"),
    [
        ("e1", 16, 0.098190),
        ("e1", 1024, 0.012464),
        ("e1", 16384, 0.003117),
        ("two", 16, 0.136719),
        ("two", 1024, 0.017622),
        ("plane", 8, 0.193359),
        ("plane", 256, 0.037291),
        ("three-flat", 16, 0.109261),
        ("three-flat", 256, 0.028562),
        ("three independent", 64, 0.028527),
        ("four independent", 1024, 0.012459),
    ],
)
def test_reference_table(name, d, distance):
    """Values of a separate program, six digits."""
    assert kolmogorov_exact(indicator(SUPPORTS[name], d)) == pytest.approx(distance, abs=1e-6)


@pytest.mark.parametrize("x", [[1, 0, 0, 0], [3, 1, 0, 2], [1, 1, 1, 1]], ids=str)
@pytest.mark.parametrize("coordinate", [0, 3])
def test_exact_is_the_distance_over_all_signs(x, coordinate):
    d = len(x)
    H = hadamard(d) / math.sqrt(d)
    signs = 1 - 2 * ((np.arange(2**d)[:, None] >> np.arange(d)) & 1)
    first = (signs * np.array(x) / np.linalg.norm(x)) @ H
    values = np.einsum("ej,sj->es", signs * H[coordinate], first).ravel()
    atoms, counts = np.unique(np.round(math.sqrt(d) * values, 9), return_counts=True)
    after = np.cumsum(counts) / values.size
    target = sphere_coordinate_cdf(atoms, d)
    expected = max(np.max(after - target), np.max(target - (after - counts / values.size)))
    assert kolmogorov_exact(x) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("d", [4, 64, 1024])
def test_closed_form_of_one_entry(d):
    half_of_largest_atom = math.comb(d, d // 2) / 2**d / 2
    e1 = indicator([d - 1], d)
    assert kolmogorov_exact(e1) == pytest.approx(half_of_largest_atom, abs=1e-12)
    assert kolmogorov_exact(np.ones(d, int), blocks=1) == pytest.approx(
        half_of_largest_atom, abs=1e-12
    )


def test_one_block_leaves_one_entry_where_it_is():
    expected = float(sphere_coordinate_cdf(1.0, 256)) - 0.5
    assert kolmogorov_exact(indicator([7], 256), blocks=1) == pytest.approx(expected, abs=1e-12)


def test_signs_length_and_affine_index_maps_do_not_matter():
    x = np.array([2, 1, 1, 0, 1, 0, 0, 1])
    j = np.arange(8)
    mapped = ((j & 1) << 1) ^ (((j >> 1) & 1) * 5) ^ ((j >> 2) << 2) ^ 3
    assert sorted(mapped) == list(range(8))
    expected = kolmogorov_exact(x)
    assert kolmogorov_exact(-3 * x) == pytest.approx(expected, abs=1e-12)
    assert kolmogorov_exact(x[mapped]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["two", "plane"])
def test_drawn_first_blocks_agree_with_enumerated_ones(name):
    x = indicator(SUPPORTS[name], 64)
    band = kolmogorov_sampled(jax.random.key(1), x, draws=200)
    assert band.low <= kolmogorov_exact(x) <= band.high
    assert band.low <= band.value <= band.high


def test_dense_vectors_are_refused_before_their_table_of_signs_is_made():
    """Of length 2**20 that table would have 2**40 entries."""
    with pytest.raises(ValueError, match="1048576 nonzeros"):
        kolmogorov_exact(np.ones(1 << 20, int))


def test_ks_band_holds_a_law_of_known_distance():
    rng = np.random.default_rng(0)
    signs = rng.integers(0, 2, (4000, 64)) * 2 - 1
    band = ks_band(signs.sum(axis=1) / 8, 64)
    assert band.low <= kolmogorov_exact(indicator([0], 64)) <= band.high
    assert band.high - band.value == pytest.approx(dkw_radius(4000))


def test_ks_two_band_adds_the_radii_of_both_samples():
    """At half of the error probability each: 0.5 % of 1 %."""
    band = ks_two_band(np.arange(3000), np.arange(1000) + 1500.0)
    radius = sum(math.sqrt(math.log(2 / 0.005) / (2 * n)) for n in (3000, 1000))
    assert band.value == pytest.approx(0.5, abs=1e-3)
    assert band.high - band.value == pytest.approx(radius)
    assert band.value - band.low == pytest.approx(radius)


def test_bootstrap_radius_is_the_quantile_of_the_error_of_a_mean():
    """Of one normal number a batch: 2.576 standard errors. The tolerance is 6 of this mean."""
    rng = np.random.default_rng(0)
    sizes = np.full(40, 25)
    radii = [
        bootstrap_radius(jax.random.key(i), rng.normal(size=(40, 1)) / 5, sizes, 0.99)[1]
        for i in range(30)
    ]
    assert np.mean(radii) == pytest.approx(2.576 / math.sqrt(1000), rel=0.15)


def test_ks_band_of_one_sample():
    assert ks_band([0.0], 16).value == 0.5


@pytest.mark.parametrize("dtype", ["int8", "float16", "bfloat16", "float32"])
def test_ks_band_takes_real_numbers_of_every_width(dtype):
    assert ks_band(jnp.zeros(2, dtype), 16).value == 0.5


@pytest.mark.parametrize("count", [10_000, 1_000_000])
def test_dkw_radius(count):
    assert dkw_radius(count) == pytest.approx(1.6276 / math.sqrt(count), rel=1e-4)
    assert dkw_radius(count, confidence=0.5) < dkw_radius(count)


@pytest.mark.parametrize("d", [4, 64, 4096])
def test_known_inputs_are_below_the_bound(d):
    for support in ([0], [0, 1], [0, 1, 2, 3]):
        assert kolmogorov_exact(indicator(support, d)) < kolmogorov_bound(d)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: kolmogorov_exact([1, 0, 0]), ValueError, "power-of-two length"),
        (lambda: kolmogorov_exact([0.5, 0.5]), TypeError, "must hold integers"),
        (lambda: kolmogorov_exact([1, 0], blocks=3), ValueError, "must be 1 or 2, but is 3"),
        (lambda: kolmogorov_exact(np.ones(64, int)), ValueError, "kolmogorov_sampled"),
        (lambda: kolmogorov_sampled(jax.random.key(0), [1, 0], draws=3), ValueError, "`draws`"),
        (
            lambda: kolmogorov_sampled(jax.random.key(0), np.arange(1024)),
            ValueError,
            "round to a coarser unit",
        ),
        (lambda: kolmogorov_exact([2**24, 1]), ValueError, "round to a coarser unit"),
        (lambda: kolmogorov_sampled(0, [1, 0]), TypeError, "new-style key"),
        (lambda: kolmogorov_exact([1, 0], blocks=True), TypeError, "`blocks` must be an integer"),
        (lambda: kolmogorov_exact([1, 0], blocks=2.0), TypeError, "`blocks` must be an integer"),
        (lambda: ks_band([0.0, math.nan], 4), ValueError, r"samples\[1\] is nan"),
        (lambda: ks_band([0.0, -math.inf], 4), ValueError, r"samples\[1\] is -inf"),
        (lambda: ks_band([1j], 4), TypeError, "real numbers, but has dtype complex128"),
        (lambda: ks_band(["a"], 4), TypeError, "real numbers"),
        (lambda: ks_band([0.0], 4, confidence="x"), TypeError, "`confidence` must be a number"),
        (lambda: dkw_radius(4, confidence=True), TypeError, "`confidence` must be a number"),
        (lambda: ks_band([], 4), ValueError, "independent draws"),
        (lambda: ks_band([0.0], 4, confidence=1), ValueError, "between 0 and 1"),
        (lambda: dkw_radius(0), ValueError, "at least 1"),
        (lambda: kolmogorov_bound(2), ValueError, "at least 4"),
    ],
)
def test_bad_input(call, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        call()
