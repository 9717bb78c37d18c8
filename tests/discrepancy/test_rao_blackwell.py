"""Generic inputs by their characteristic function. Fixed keys, 1 % false alarms each."""

import jax
import numpy as np
import pytest

from hadax.discrepancy import kolmogorov_rao_blackwell, kolmogorov_sampled
from hadax.discrepancy.rao_blackwell import _walsh
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
