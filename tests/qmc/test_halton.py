"""The Halton sequence: foreign points, digits, streams, permutations."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import qmc

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "qmc" / "halton.npz", allow_pickle=False)
KEY = jax.random.key(9)


def test_golden_points():
    np.testing.assert_allclose(qmc.halton(6)(64), GOLDEN["plain_64x6"], rtol=0, atol=1e-7)


def test_golden_points_in_double_precision(x64):
    np.testing.assert_allclose(qmc.halton(6)(64), GOLDEN["scipy_halton"], rtol=0, atol=3e-16)


def test_points_are_a_stream():
    points = qmc.permute_digits(KEY, qmc.halton(4))
    np.testing.assert_array_equal(points(20, start=77), points(128)[77:97])


def test_permuted_points_are_one_in_each_cell():
    """The first 27 points of base 3, and the first 25 of base 5, however their digits stand."""
    x = np.asarray(qmc.permute_digits(KEY, qmc.halton([3, 5]))(27))
    assert sorted((x[:, 0] * 27).astype(int)) == list(range(27))
    assert sorted((x[:25, 1] * 25).astype(int)) == list(range(25))


def test_every_point_is_uniform():
    """Over keys; chi-square of 63 degrees, above 136 with probability 1e-6, eight numbers."""
    keys = jax.random.split(KEY, 4096)
    x = jax.jit(jax.vmap(lambda key: qmc.permute_digits(key, qmc.halton(2))(4)))(keys)
    for column in np.asarray(x).reshape(4096, -1).T:
        counts = np.bincount((column * 64).astype(int), minlength=64)
        assert np.square(counts - 64).sum() / 64 < 136


def test_points_stay_below_one():
    """All digits the largest: rounded sums would be one."""
    largest = jnp.full((2, 40, 7), 1, jnp.uint32) * jnp.array([[[4]], [[6]]], jnp.uint32)
    x = qmc.Halton(largest, (5, 7))(3)
    assert float(x.max()) == 1 - 2.0**-24


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: qmc.halton(0), ValueError, "`bases` must be at least 1"),
        (lambda: qmc.halton([2, 4]), ValueError, "no two have a common divisor"),
        (lambda: qmc.halton([1]), ValueError, "`bases` must be at least 2"),
        (lambda: qmc.halton([]), ValueError, "one or more integers"),
        (lambda: qmc.halton([2.5]), TypeError, "`bases` must be an integer"),
        (lambda: qmc.permute_digits(1, qmc.halton(1)), TypeError, "new-style key"),
        (lambda: qmc.halton(1)(0), ValueError, "`n` must be at least 1"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()
