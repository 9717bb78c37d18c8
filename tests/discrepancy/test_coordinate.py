"""Exact laws of a coordinate."""

import math

import numpy as np
import pytest

from hadax.discrepancy import coordinate_law, fourth_moment


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("support", [[0], [0, 1, 2, 3], [1, 2, 4, 8], [3, 5, 6, 7, 9, 14]], ids=str)
def test_moments(support, blocks):
    """Mass 1, variance 1, and the fourth moment that the recursion gives."""
    d = 64
    x = np.zeros(d, int)
    x[support] = 3
    atoms, probabilities = coordinate_law(x, blocks=blocks)
    assert np.all(np.diff(atoms) > 0)
    assert probabilities.sum() == pytest.approx(1, abs=1e-13)
    assert probabilities @ atoms**2 == pytest.approx(1, abs=1e-12)
    fourth = d * float(fourth_moment(np.asarray(x, np.float32), blocks=blocks))
    assert probabilities @ atoms**4 == pytest.approx(fourth, rel=1e-6)


def test_one_entry_is_binomial():
    atoms, probabilities = coordinate_law([0, 5, 0, 0])
    np.testing.assert_allclose(atoms, [-2, -1, 0, 1, 2])
    np.testing.assert_allclose(probabilities, np.array([1, 4, 6, 4, 1]) / 16, atol=1e-16)


def test_one_block_of_several_entries_is_their_sum():
    atoms, probabilities = coordinate_law([3, 1, 0, 0], blocks=1)
    np.testing.assert_allclose(atoms, np.array([-4, -2, 2, 4]) / math.sqrt(10))
    np.testing.assert_allclose(probabilities, [0.25] * 4)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: coordinate_law([1, 0, 1]), ValueError, "power-of-two length"),
        (lambda: coordinate_law([0.5, 0.5]), TypeError, "must hold integers"),
        (lambda: coordinate_law([0, 0]), ValueError, "no other entry than zero"),
        (lambda: coordinate_law([1, 0], blocks=3), ValueError, "must be 1 or 2, but is 3"),
        (lambda: coordinate_law(np.ones(64, int)), ValueError, "kolmogorov_sampled"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
