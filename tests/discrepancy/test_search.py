import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import hadamard

from hadax.discrepancy import (
    affine_classes,
    cf_discrepancy,
    kolmogorov_exact,
    search_worst,
    sphere_coordinate_cf,
    worst_supports,
)

EYE = np.eye(8, dtype="float32")


@pytest.mark.parametrize(("d", "classes"), [(4, 4), (8, 9), (16, 31)])
def test_number_of_affine_classes(d, classes):
    """Boolean functions of 2, 3 and 4 variables under affine maps, without the zero function."""
    found = affine_classes(d)
    assert found.shape == (classes, d)
    weights = found.sum(axis=1)
    assert np.all(np.diff(weights) >= 0)
    # A set and its complement are mapped alike: without the full set, weights w pair with d - w.
    assert sorted(weights[:-1]) == sorted(d - weights[:-1])


def test_the_law_is_that_of_the_class():
    """A random set of 6 of 16 indices has the distance of one of the classes of weight 6."""
    x = np.zeros(16, int)
    x[np.random.default_rng(0).choice(16, 6, replace=False)] = 1
    distances = [kolmogorov_exact(y) for y in affine_classes(16) if y.sum() == 6]
    assert min(abs(kolmogorov_exact(x) - distance) for distance in distances) < 1e-12


def test_worst_supports_in_sixteen_dimensions():
    found = [round(support.distance, 6) for support in worst_supports(16)]
    for reference in (0.142845, 0.136719, 0.116310, 0.109261, 0.100716, 0.098190, 0.072239):
        assert any(abs(distance - reference) < 2e-6 for distance in found)
    assert found == sorted(found, reverse=True)
    assert abs(found[0] - 0.142845) < 2e-6


def test_objective_of_the_library():
    """A separate program's sums over 64 points, of step 1/8."""
    library = jnp.stack([EYE[0], EYE[0] + EYE[1], EYE[:4].sum(0), EYE.sum(0)])
    np.testing.assert_allclose(
        8 * cf_discrepancy(library), [0.1957, 2.2124, 0.9336, 0.567], atol=6e-4
    )


def test_objective_is_the_mean_over_all_signs():
    x = np.random.default_rng(2).normal(size=8)
    signs = 1 - 2 * ((np.arange(256)[:, None] >> np.arange(8)) & 1)
    z = signs * x @ hadamard(8) / (math.sqrt(8) * np.linalg.norm(x))
    t = (np.arange(64) + 0.5) / 8
    gap = np.cos(t[:, None, None] * z).prod(-1).mean(1) - sphere_coordinate_cf(t, 8)
    expected = np.sum(gap**2 / (8 * t))
    assert float(cf_discrepancy(x.astype("float32"))) == pytest.approx(expected, rel=1e-3)


def test_objective_is_differentiable():
    x, v = np.random.default_rng(1).normal(size=(2, 4)).astype("float32")
    slope = jax.jvp(cf_discrepancy, (x,), (v,))[1]
    step = 1e-2
    difference = (cf_discrepancy(x + step * v) - cf_discrepancy(x - step * v)) / (2 * step)
    assert float(slope) == pytest.approx(float(difference), rel=2e-2)
    assert float(cf_discrepancy(7 * x)) == pytest.approx(float(cf_discrepancy(x)), rel=1e-3)


def test_ascent_ends_at_two_equal_entries():
    found = search_worst(jax.random.key(0), 8, starts=6, steps=60)
    assert found.vectors.shape == (6, 8)
    np.testing.assert_allclose(
        np.sort(np.abs(found.vectors[0]))[::-1], [0.5**0.5] * 2 + [0] * 6, atol=2e-2
    )
    assert np.all(np.diff(found.objective) <= 0)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(cf_discrepancy(found.vectors), found.objective, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_objective_takes_any_scale(scale):
    x = jnp.arange(1.0, 9.0)
    assert float(cf_discrepancy(scale * x)) == pytest.approx(float(cf_discrepancy(x)), rel=1e-4)


def test_search_is_the_same_in_float32_under_x64():
    plain = search_worst(jax.random.key(1), 8, starts=6, steps=5)
    with jax.enable_x64(True):
        wide = search_worst(jax.random.key(1), 8, starts=6, steps=5)
    assert wide.vectors.dtype == np.float32
    np.testing.assert_allclose(wide.objective, plain.objective, rtol=1e-3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: affine_classes(32), "dimension of"),
        (lambda: worst_supports(12), "dimension of"),
        (lambda: cf_discrepancy(jnp.ones(32)), "`x` must have a dimension of"),
        (lambda: search_worst(jax.random.key(0), 64), "dimension of"),
        (lambda: search_worst(jax.random.key(0), 8, starts=0), "at least 1"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()
