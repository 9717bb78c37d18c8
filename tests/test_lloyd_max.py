"""Lloyd-Max codebooks: their fixed point, their distortion, tables, closed-form moments."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from hadax import _lloyd_max

DIMENSIONS = (None, 3, 4, 16, 255, 256, 4096, 1 << 20)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("d", DIMENSIONS)
def test_levels_are_the_means_of_their_cells(bits, d):
    levels = _lloyd_max.codebook(bits, d)
    assert levels.shape == (2**bits,)
    assert (np.diff(levels) > 0).all()
    np.testing.assert_array_equal(levels, -levels[::-1])
    law = _lloyd_max.law(d)
    edges = np.append(_lloyd_max.thresholds(levels)[2 ** (bits - 1) - 1 :], 2 * levels[-1] + 60)
    mass, first = (-np.diff(np.append(f(edges[:-1]), 0.0)) for f in (law.mass, law.first))
    np.testing.assert_allclose(first / mass, levels[2 ** (bits - 1) :], rtol=0, atol=1e-12)


@pytest.mark.parametrize("d", [None, 3, 16, 300])
@pytest.mark.parametrize("t", [0.0, 0.4, 1.5])
def test_partial_moments_are_integrals_of_the_density(d, t):
    law = _lloyd_max.law(d)
    top = 12 if d is None else math.sqrt(d)
    for power, moment in enumerate((law.mass, law.first, law.second)):
        found, _ = integrate.quad(lambda s, p=power: s**p * law.density(np.array([s]))[0], t, top)
        assert moment(np.array([t]))[0] == pytest.approx(found, abs=1e-10)


def test_density_of_the_normal_law_and_of_archimedes():
    t = np.linspace(-1.7, 1.7, 7)
    np.testing.assert_allclose(_lloyd_max.law(None).density(t), stats.norm.pdf(t), rtol=1e-14)
    np.testing.assert_allclose(_lloyd_max.law(3).density(t), 1 / math.sqrt(12), rtol=1e-14)


@pytest.mark.parametrize("d", [128, 255, 256, 1024])
def test_one_bit_is_the_mean_magnitude(d):
    mean = math.sqrt(d / math.pi) * math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2))
    assert _lloyd_max.codebook(1, d)[1] == pytest.approx(mean, rel=1e-11)


@pytest.mark.parametrize("d", [2, 3, 254, 255, 256, 257, 1000, 1 << 20])
def test_mean_magnitude_to_round_off(d):
    """Wallis: the mean magnitudes of d and d + 1 multiply to a closed form."""
    product = _lloyd_max.mean_magnitude(d) * _lloyd_max.mean_magnitude(d + 1)
    assert product == pytest.approx(2 / math.pi * math.sqrt((d + 1) / d), rel=4e-15)


def test_the_uniform_law_has_equal_cells():
    expected = math.sqrt(3) * (np.arange(8) - 3.5) / 4
    np.testing.assert_allclose(_lloyd_max.codebook(3, 3), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("bits", "levels", "error"),
    [
        (1, [0.79788], 0.36338),
        (2, [0.45278, 1.51042], 0.11748),
        (3, [0.24509, 0.75601, 1.34391, 2.15195], 0.03455),
        (4, None, 0.00950),
        (5, None, 0.00250),
        (6, None, 0.00064),
    ],
)
def test_tables_of_the_normal_law(bits, levels, error):
    """Digits as the tables print them that began with Max (1960)."""
    found = _lloyd_max.codebook(bits)
    if levels is not None:
        np.testing.assert_allclose(found[len(found) // 2 :], levels, atol=6e-6)
    assert _lloyd_max.distortion(found, _lloyd_max.law(None)) == pytest.approx(error, abs=6e-6)


@pytest.mark.parametrize("d", [None, 64])
@pytest.mark.parametrize("bits", [1, 3])
def test_distortion_of_optimal_levels_is_what_their_variance_lacks(bits, d):
    levels, law = _lloyd_max.codebook(bits, d), _lloyd_max.law(d)
    edges = np.concatenate([[0.0], _lloyd_max.thresholds(levels)[2 ** (bits - 1) :]])
    mass = -np.diff(np.append(law.mass(edges), 0.0))
    expected = 1 - 2 * mass @ np.square(levels[2 ** (bits - 1) :])
    assert _lloyd_max.distortion(levels, law) == pytest.approx(expected, abs=1e-14)


def test_no_other_codebook_is_better():
    law, best = _lloyd_max.law(64), _lloyd_max.codebook(2, 64)
    normal = _lloyd_max.distortion(_lloyd_max.codebook(2), law)
    assert _lloyd_max.distortion(best, law) < normal
    for shift in (-0.01, 0.01):
        moved = best + shift * np.sign(best)
        assert _lloyd_max.distortion(moved, law) > _lloyd_max.distortion(best, law)


def test_the_codebook_is_shared_and_cannot_be_written_to():
    assert _lloyd_max.codebook(2) is _lloyd_max.codebook(2)
    with pytest.raises(ValueError, match="read-only"):
        _lloyd_max.codebook(2)[0] = 0.0
