import itertools
import math

import jax
import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

from hadax.discrepancy import (
    rademacher_lattice_pmf,
    sphere_coordinate_cdf,
    sphere_coordinate_cf,
    sphere_coordinate_pdf,
)


def test_sphere_coordinate_is_uniform_in_three_dimensions():
    t = np.linspace(-2, 2, 41)
    np.testing.assert_allclose(
        sphere_coordinate_cdf(t, 3), np.clip(0.5 + t / (2 * math.sqrt(3)), 0, 1), atol=1e-15
    )


def test_sphere_coordinate_is_arcsine_in_two_dimensions():
    t = np.linspace(-math.sqrt(2), math.sqrt(2), 41)
    np.testing.assert_allclose(
        sphere_coordinate_cdf(t, 2), 0.5 + np.arcsin(t / math.sqrt(2)) / math.pi, atol=1e-15
    )


@pytest.mark.parametrize("d", [2, 3, 5, 64, 2**14, 2**20])
def test_density_is_the_slope_of_the_distribution_function(d):
    t, step = np.linspace(-1.3, 1.3, 27), 1e-3
    left, right = sphere_coordinate_cdf(t - step, d), sphere_coordinate_cdf(t + step, d)
    np.testing.assert_allclose(sphere_coordinate_pdf(t, d), (right - left) / (2 * step), rtol=1e-4)
    assert sphere_coordinate_pdf([-math.sqrt(d) - 1e-6, math.sqrt(d) + 1e-6], d).max() == 0


def test_characteristic_function_has_its_closed_forms():
    theta = np.linspace(0.1, 30, 50)
    np.testing.assert_allclose(
        sphere_coordinate_cf(theta, 2), special.j0(math.sqrt(2) * theta), atol=1e-14
    )
    z = math.sqrt(3) * theta
    np.testing.assert_allclose(sphere_coordinate_cf(-theta, 3), np.sin(z) / z, atol=1e-14)


@pytest.mark.parametrize("d", [16, 256, 257, 400, 2**14, 2**20])
def test_characteristic_function_is_that_of_the_density(d):
    """By the trapezoidal rule, exact to round-off for so smooth a density."""
    t, step = np.linspace(-min(9, math.sqrt(d)), min(9, math.sqrt(d)), 2001, retstep=True)
    theta = np.linspace(0, 12, 30)
    integral = step * (np.cos(theta[:, None] * t) @ sphere_coordinate_pdf(t, d))
    tolerance = 1e-9 if d == 16 else 1e-11  # edges that are not smooth; round-off of the density
    np.testing.assert_allclose(sphere_coordinate_cf(theta, d), integral, atol=tolerance)


@pytest.mark.parametrize(("d", "scaled"), [(8, 0.1489), (64, 0.1390), (1024, 0.13773)])
def test_sphere_coordinate_tends_to_the_normal_law(d, scaled):
    t = np.linspace(-6, 6, 20_001)
    distance = np.max(np.abs(sphere_coordinate_cdf(t, d) - stats.norm.cdf(t)))
    assert d * distance == pytest.approx(scaled, abs=1e-4)


@pytest.mark.parametrize(("d", "scaled"), [(4, 0.16190), (8, 0.14892), (16, 0.14308)])
def test_small_dimensions_of_the_lemma_of_theorem_a(d, scaled):
    """The cases that docs/theory/rotations.md leaves to arithmetic, where the densities cross."""

    def log_ratio(t):
        log_scale = math.lgamma(d / 2) - math.lgamma((d - 1) / 2) + math.log(2 / d) / 2
        return log_scale + t * t / 2 + (d - 3) / 2 * math.log1p(-t * t / d)

    ends = (0.0, math.sqrt(3), math.sqrt(d) * (1 - 1e-15))
    crossings = [optimize.brentq(log_ratio, *pair) for pair in itertools.pairwise(ends)]
    distance = np.max(np.abs(sphere_coordinate_cdf(crossings, d) - stats.norm.cdf(crossings)))
    assert scaled - 1e-5 < d * distance <= scaled < 0.162


def test_numbers_of_the_lemma_of_theorem_a():
    """The integrals and extremes that its proof for d >= 32 rounds."""

    def moment(power, low, high):
        return integrate.quad(lambda t: t**power * stats.norm.pdf(t), low, high)[0]

    def hermite(square):
        t = math.sqrt(square)
        return abs(t**3 - 3 * t) * stats.norm.pdf(t) / 4

    below, above = [[moment(p, *ends) for p in (0, 2, 6)] for ends in ((0, 3**0.5), (3**0.5, 40))]
    first = 0.304 * below[0] + below[2] / 6 + 1.14 * below[1]
    second = 0.304 * above[0] + above[2] / 3 + 1.14 * above[1]
    assert first <= 0.63
    assert second <= 2.45
    assert hermite(3 - math.sqrt(6)) + first / 32 < 0.158
    assert hermite(3 + math.sqrt(6)) + second / 32 + 32 * stats.norm.sf(4) < 0.116


@pytest.mark.parametrize(
    "weights", [[1, 1, 2], [3], [0, 2, -2, 4], [1, 2, 3, 4, 5], [6, 6, 10]], ids=str
)
def test_lattice_pmf_is_that_of_all_signs(weights):
    sums = [
        sum(sign * weight for sign, weight in zip(signs, weights, strict=True))
        for signs in itertools.product((-1, 1), repeat=len(weights))
    ]
    expected = {value: sums.count(value) / len(sums) for value in set(sums)}
    atoms, probabilities = rademacher_lattice_pmf(weights)
    found = {int(atom): p for atom, p in zip(atoms, probabilities, strict=True) if p > 1e-14}
    assert found == pytest.approx(expected, abs=1e-14)


def test_lattice_pmf_of_the_least_int8():
    atoms, probabilities = rademacher_lattice_pmf(np.array([-128], np.int8))
    assert atoms.tolist() == [-128, 128]
    assert probabilities == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("n", [7, 4096])
def test_lattice_pmf_of_equal_weights_is_binomial(n):
    atoms, probabilities = rademacher_lattice_pmf(np.full(n, 3))
    np.testing.assert_allclose(
        probabilities, stats.binom.pmf((atoms // 3 + n) // 2, n, 0.5), atol=1e-14
    )
    assert probabilities.sum() == pytest.approx(1, abs=1e-13)


def test_lattice_pmf_of_few_heavy_weights_is_that_of_their_sums():
    """Their lattice would have 2**24 atoms."""
    atoms, probabilities = rademacher_lattice_pmf([2**24, 0, 1])
    assert atoms.tolist() == [-(2**24) - 1, 1 - 2**24, 2**24 - 1, 2**24 + 1]
    assert probabilities.tolist() == [0.25] * 4


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        ([1.5, 2.0], TypeError, "must hold integers, but has weights.dtype=float64"),
        ([0, 0], ValueError, "has no other entry than zero"),
        ([[1, 2]], ValueError, r"has weights.shape=\(1, 2\)"),
        ([2**24, *range(1, 40)], ValueError, "round to a coarser unit"),
        ([2**31], ValueError, r"sum to less than 2\*\*31"),
        ([-(2**63)], ValueError, "sum to 9223372036854775808"),
        (np.array([2**63], np.uint64), ValueError, "sum to 9223372036854775808"),
        ([2**62] * 4, ValueError, "sum to 18446744073709551616"),
    ],
)
def test_lattice_pmf_refuses(weights, error, words):
    with pytest.raises(error, match=words):
        rademacher_lattice_pmf(weights)


@pytest.mark.parametrize(
    ("d", "error"), [(1, ValueError), (2.0, TypeError), (True, TypeError)], ids=str
)
@pytest.mark.parametrize(
    "law", [sphere_coordinate_cdf, sphere_coordinate_pdf, sphere_coordinate_cf]
)
def test_sphere_coordinate_refuses(law, d, error, without_shape_checks):
    with pytest.raises(error, match="Argument `d` must be"):
        law(0.0, d)


@pytest.mark.parametrize(
    "law", [sphere_coordinate_cdf, sphere_coordinate_pdf, sphere_coordinate_cf]
)
def test_sphere_coordinate_refuses_traced_points(law):
    with pytest.raises(TypeError, match=r"must be known, .* but is traced\. Call it outside jit"):
        jax.jit(lambda t: law(t, 16))(1.0)
