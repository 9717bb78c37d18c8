"""Joint laws. Statistical tests: fixed keys, 1 % false alarms each."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.discrepancy import (
    kolmogorov_exact,
    ks_band,
    ks_two_band,
    linf_law,
    max_sliced,
    overlap_law,
    pair_dependence,
)

D = 256
E1, TWO, PLANE = (np.array([1] * n + [0] * (D - n)) for n in (1, 2, 4))


@pytest.mark.parametrize(
    ("x", "distances"), [(E1, (0.5, 0.342, 0.0249)), (TWO, (0.5, 0.253, 0.0352))], ids=["e1", "two"]
)
def test_direction_of_a_row(x, distances):
    for blocks, distance in enumerate(distances, start=1):
        assert max_sliced(x, blocks=blocks) == pytest.approx(distance, abs=4e-3)


def test_direction_of_a_row_is_the_law_of_that_direction():
    rotate = jax.vmap(lambda key: hadax.randomized_hadamard(key, D)(jnp.asarray(PLANE, "float32")))
    y = rotate(jax.random.split(jax.random.key(0), 4000))
    row = hadax.fwht(y)[:, 5] / 2
    band = ks_band(np.round(math.sqrt(D) * np.asarray(row, float), 5), D)
    assert band.low < max_sliced(PLANE) < band.high


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_pairs_take_any_scale(scale):
    x = jnp.array([0.0, 1.0, 0.0, 1.0])
    np.testing.assert_allclose(pair_dependence(scale * x), [1, 0, 1, 0], atol=1e-6)


def test_a_fresh_permutation_repairs_overlaps_and_the_largest_coordinate():
    """Reference table at d = 256, two blocks: overlap .271 and .030, largest .349 and .115."""
    key = jax.random.key(3)
    uniform = linf_law(key, TWO, blocks=0, draws=4000)
    for permute, overlap, largest in (("none", 0.271, 0.349), ("fresh", 0.030, 0.115)):
        drawn = overlap_law(jax.random.key(4), TWO, permute=permute, draws=4000)
        band = ks_band(np.round(np.asarray(drawn, float), 5), D)
        assert band.low < overlap < band.high
        band = ks_two_band(linf_law(jax.random.key(5), TWO, permute=permute, draws=4000), uniform)
        assert band.low < largest < band.high


def test_one_block_keeps_the_entries():
    """The flat vector's are +-1, as a coordinate of one block on e_1."""
    expected = kolmogorov_exact(E1, blocks=1)
    assert max_sliced(np.ones(D, int), blocks=1) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("x", "distance"), [(E1, 0.028), (TWO, 0.269), (PLANE, 0.128)], ids=["e1", "two", "plane"]
)
def test_overlap_of_two_blocks(x, distance):
    band = ks_band(overlap_law(jax.random.key(1), x, draws=8000), D)
    assert band.low - 0.006 < distance < band.high + 0.006  # the reference has a band too


def test_three_blocks_repair_the_overlap():
    assert ks_band(overlap_law(jax.random.key(2), TWO, blocks=3, draws=8000), D).low == 0.0


def test_largest_coordinate():
    uniform = linf_law(jax.random.key(3), E1, blocks=0, draws=8000)
    band = ks_two_band(linf_law(jax.random.key(4), TWO, draws=8000), uniform)
    assert band.low < 0.351 < band.high
    assert float(uniform.mean()) == pytest.approx(3.047, abs=0.03)
    np.testing.assert_allclose(linf_law(jax.random.key(5), E1, blocks=1, draws=3), 1, rtol=1e-6)


@pytest.mark.parametrize("name", ["two", "random"])
def test_pair_dependence_is_the_mean_square_correlation(name):
    d = 8
    x = np.random.default_rng(0).normal(size=d) if name == "random" else TWO[:d].astype(float)
    x /= np.linalg.norm(x)
    signs = 1 - 2 * ((np.arange(2**d)[:, None] >> np.arange(d)) & 1)
    products = signs * x
    j = np.arange(d)
    expected = [np.mean(np.sum(products * products[:, j ^ s], axis=1) ** 2) for s in j]
    found = pair_dependence(jnp.asarray(np.stack([x, 3 * x]), "float32"))
    np.testing.assert_allclose(found, [expected] * 2, atol=1e-6)


def test_pair_dependence_is_differentiable():
    gradient = jax.grad(lambda x: jnp.max(pair_dependence(x)[1:]))(jnp.arange(1.0, 9.0))
    assert bool(jnp.all(jnp.isfinite(gradient)))
    assert abs(float(gradient @ jnp.arange(1.0, 9.0))) < 1e-5  # the length does not matter


def test_two_samples_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=500), rng.normal(size=700) + 0.3
    assert ks_two_band(a, b).value == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: max_sliced(E1, blocks=4), ValueError, "must be 1, 2 or 3, but is 4"),
        (lambda: max_sliced(E1 / 2), TypeError, "must hold integers"),
        (lambda: max_sliced(np.ones(64, int), blocks=3), ValueError, "kolmogorov_sampled"),
        (lambda: overlap_law(jax.random.key(0), E1[:3]), ValueError, "power-of-two length"),
        (lambda: overlap_law(0, E1), TypeError, "new-style key"),
        (lambda: overlap_law(jax.random.key(0), E1, blocks=0), ValueError, "at least 1"),
        (lambda: linf_law(jax.random.key(0), E1, blocks=-1), ValueError, "at least 1"),
        (lambda: linf_law(jax.random.key(0), E1, draws=0), ValueError, "at least 1"),
        (lambda: linf_law(jax.random.key(0), 0 * E1), ValueError, "not zero"),
        (lambda: pair_dependence(E1), TypeError, "real floating point"),
        (lambda: pair_dependence(jnp.ones(3)), ValueError, "power-of-two length"),
        (lambda: ks_two_band([], [1.0]), ValueError, "`samples`"),
        (lambda: ks_two_band([1.0], [1.0], confidence=2.0), ValueError, "between 0 and 1"),
    ],
)
def test_bad_input(call, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        call()
