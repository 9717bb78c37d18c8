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
    np.testing.assert_array_equal(points(20, start=77), points(1000)[77:97])


def test_digits_at_every_place_are_permuted(x64):
    """Those of index 0, and one of each at the first places of the index."""
    points = qmc.permute_digits(KEY, qmc.halton([2, 11]))
    for base, x in zip(points.bases, np.asarray(points(121)).T, strict=True):
        places = int(np.ceil(53 / np.log2(base)))
        digits = np.floor(x[0] * float(base) ** np.arange(1, places)) % base
        assert len(set(digits)) > 1
        assert len(set((x[:base] * base).astype(int))) == base
        assert len(set((x[::base][:base] * base**2).astype(int) % base)) == base


@pytest.mark.parametrize("start", [0, 2**22 - 500, 2**32 - 1000])
def test_digits_of_large_indices(start):
    """In bases whose multiples lie on both sides of what float32 divides."""
    bases = (2, 3, 7, 1009, 65537)
    index = np.arange(start, start + 1000, dtype=np.uint64)
    expected = np.zeros((1000, len(bases)))
    for j, base in enumerate(bases):
        rest = index.copy()
        for place in range(33):
            expected[:, j] += (rest % np.uint64(base)) * float(base) ** -(place + 1)
            rest //= np.uint64(base)
    np.testing.assert_allclose(qmc.halton(bases)(1000, start=start), expected, rtol=0, atol=2e-7)


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
    largest = jnp.repeat(jnp.array([4, 6], jnp.uint32), jnp.array([5 * 11, 7 * 9]))
    x = qmc.Halton(largest, (5, 7), bits=24)(3)
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
