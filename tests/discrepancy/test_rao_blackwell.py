"""Generic inputs by their characteristic function. Fixed keys, 1 % false alarms each."""

import jax
import numpy as np
import pytest

from hadax.discrepancy import (
    kolmogorov_rao_blackwell,
    kolmogorov_sampled,
    sphere_coordinate_cf,
)
from hadax.discrepancy.rao_blackwell import _far_integral, _walsh
from hadax.transforms.hadamard import hadamard_matrix


def test_agrees_with_the_lattice_law_of_a_fine_rounding():
    """Rounding to 1/1000 puts jumps of 2e-5 into the law: far below either band."""
    real = 1000 / np.arange(1.0, 33)
    band = kolmogorov_rao_blackwell(jax.random.key(0), real, draws=1000)
    lattice = kolmogorov_sampled(jax.random.key(1), np.rint(real).astype(int), draws=400)
    assert band.high - band.low < 2e-3
    assert max(band.low, lattice.low) < min(band.high, lattice.high)


def test_a_random_input_is_as_close_as_its_fourth_cumulant_says():
    """Up to higher orders: sup|He_3 phi|/24 times the difference of the fourth cumulants."""
    d = 32
    x = np.random.default_rng(1).normal(size=d)
    fourth = np.sum(x**4) / np.sum(x**2) ** 2
    expected = 0.02294 * abs(4 * fourth / d - 12 / (d * (d + 2)))
    band = kolmogorov_rao_blackwell(jax.random.key(2), x, draws=2000)
    assert expected / 2 < band.low < band.high < 3 * expected


def far_from_uniform(x, draws):
    """The distance within 0.02, where jumps are: with frequencies up to 1500, by fresh draws."""
    d = x.size
    signs = np.random.default_rng(5).choice([-1.0, 1.0], (draws, d))
    t = np.arange(0.1, 1500, 0.2)
    z = _walsh(signs * x / np.linalg.norm(x))
    gaps = np.mean([np.prod(np.cos(row[:, None] * t), axis=0) for row in z], axis=0)
    gaps -= sphere_coordinate_cf(t, d)
    s = np.linspace(0, 0.02, 101)
    return np.max(np.abs(np.sin(s[:, None] * t) @ (gaps / t))) * 0.2 / np.pi


def test_the_band_of_a_nearly_flat_input_holds_its_fine_jumps():
    """A lattice of span 4/d, blurred: the characteristic function comes back at t = pi d / 4."""
    x = 1 + 1e-3 * np.random.default_rng(0).normal(size=256)
    truth = far_from_uniform(x, draws=12)
    assert 0.003 < truth < 0.004
    band = kolmogorov_rao_blackwell(jax.random.key(0), x, draws=40)
    assert truth < band.high < 4 * truth
    assert band.low == 0.0


@pytest.mark.parametrize(
    "x", [np.ones(1024), np.random.default_rng(1).integers(1, 10, 256)], ids=["flat", "digits"]
)
def test_the_band_of_a_noisy_lattice_is_wide(x):
    """Jumps of span a, of 4/d and of that over the mean square, are a distance of 0.2 a."""
    band = kolmogorov_rao_blackwell(
        jax.random.key(0), x + 1e-4 * np.random.default_rng(0).normal(size=x.size), draws=40
    )
    assert band.high > 0.2 * 4 / x.size / np.sqrt(np.mean(x**2.0))


def test_frequencies_between_cutoff_and_window_widen_the_band():
    """At d = 64 the characteristic function of a nearly flat input comes back at t = 50."""
    x = 1 + 0.05 * np.random.default_rng(0).normal(size=64)
    band = kolmogorov_rao_blackwell(jax.random.key(0), x, draws=400)
    # To at most 0.05, 2 wide: more is refused. The bootstrap alone gives a fifth of this.
    assert 3e-4 < band.high < 0.05 * 2.5 / 50 / np.pi + 3e-4


def test_far_integral_is_that_of_the_characteristic_function():
    """Of two weights, where |cos(t a) cos(t b)| never decays: its mean is 4 / pi**2."""
    z = np.array([[1.0, np.sqrt(2)]] * 40)
    end = 60 + 2048.0
    expected = 4 / np.pi**2 * np.log(end / 60)
    assert _far_integral(z, end) == pytest.approx(expected * (1 + 3 / np.sqrt(40)), rel=0.01)


def test_the_length_does_not_matter():
    x = np.random.default_rng(2).normal(size=32)
    bands = [kolmogorov_rao_blackwell(jax.random.key(3), s * x, draws=40) for s in (1, 1e300)]
    assert bands[0] == pytest.approx(bands[1])


def test_transform_is_that_of_hadamard_matrices():
    x = np.random.default_rng(3).normal(size=(2, 16))
    np.testing.assert_allclose(_walsh(x), x @ np.asarray(hadamard_matrix(16)) / 4, atol=1e-14)


E1, GENERIC = np.eye(64)[0], np.random.default_rng(4).normal(size=64)


@pytest.mark.parametrize(
    ("x", "error", "words"),
    [
        (E1.astype(int), TypeError, r"Use kolmogorov_exact\(x\)"),
        (E1, ValueError, r"multiples of max\|x\| / 1,"),
        (np.arange(64.0) / 7, ValueError, r"multiples of max\|x\| / 63"),
        ((np.arange(64) / 7).astype("float32"), ValueError, r"multiples of max\|x\| / 63"),
        (np.cos(1) * E1 + np.sin(1) * np.roll(E1, 1), ValueError, "takes only 2 values on 64"),
        (GENERIC[:8], ValueError, "must have a law that is spread out"),
        (GENERIC[:63], ValueError, "power-of-two length"),
        (0 * E1, ValueError, "not zero"),
    ],
)
def test_refused_inputs(x, error, words):
    with pytest.raises(error, match=words):
        kolmogorov_rao_blackwell(jax.random.key(0), x)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: kolmogorov_rao_blackwell(0, GENERIC), TypeError, "new-style key"),
        (lambda: kolmogorov_rao_blackwell(jax.random.key(0), GENERIC, draws=3), ValueError, "draw"),
        (
            lambda: kolmogorov_rao_blackwell(jax.random.key(0), GENERIC, confidence=1),
            ValueError,
            "between 0 and 1",
        ),
    ],
)
def test_bad_arguments(call, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        call()
