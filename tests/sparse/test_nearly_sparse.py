"""Functions with a long tail of small coefficients, too many large ones, and sets of pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import sparse
from hadax.sparse.bits import reduced

KEY = jax.random.key(3)


def power_law(n, decay, seed):
    """All 2^n coefficients, of random signs and in random order: the j-th largest is j^-decay."""
    rng = np.random.default_rng(seed)
    sizes = np.arange(1, 2**n + 1.0) ** -decay
    return rng.permutation(sizes * rng.choice([-1, 1], 2**n)).astype(np.float32)


@pytest.mark.parametrize(
    ("n", "decay", "decoder"),
    [
        (14, 1.0, "nso"),
        (14, 2.0, "noiseless"),
        pytest.param(14, 2.0, "nso", marks=pytest.mark.slow),
        pytest.param(16, 1.0, "coded", marks=pytest.mark.slow),
        pytest.param(18, 1.0, "nso", marks=pytest.mark.slow),
    ],
)
def test_the_largest_coefficients_of_a_power_law(n, decay, decoder):
    """The error's energy is about that of the best 50 terms; the tail is no success."""
    count = 50
    dense = power_law(n, decay, n)
    f = hadax.fwht(jnp.asarray(dense), norm="backward")
    found = sparse.sparse_fwht(f, n, count, KEY, decoder=decoder)
    largest = np.argsort(-np.abs(dense))
    assert set(largest[: count // 2]) <= set(found.to_dict())
    best = np.sum(np.square(dense[largest[count:]]))
    assert np.sum(np.square(found.to_dense() - dense)) < 1.2 * best
    assert not found.success
    assert "NOT RECOVERED" in str(found)


def test_of_more_coefficients_than_there_is_room_for_the_largest_are_kept():
    """And what they are is not blurred by the others, as these were found too."""
    n, count = 20, 60
    k = np.random.default_rng(0).choice(2**n, count, replace=False)
    values = np.repeat(np.arange(1.0, 7.0, dtype=np.float32), count // 6)
    asked = sparse.queries(n, 20, KEY, bins=64)
    found = spectrum_of(asked, k, values)
    assert not found.success
    assert int(found.count) == 33
    assert int(found.dropped) == count - 33
    assert "27 more were found, none larger" in str(found)
    known = dict(zip(k.tolist(), values, strict=True))
    assert found.to_dict() == {i: pytest.approx(known[i], rel=1e-5) for i in found.to_dict()}
    assert sorted(known[i] for i in found.to_dict()) == sorted(values)[-33:]


def words_of(k):
    """Packed indices (m, 1) of integers."""
    return jnp.asarray(k, jnp.uint32)[:, None]


def kernels(asked):
    """Which of all indices but zero are in bin 0 of each group: (C, 2^n - 1)."""
    every = jnp.arange(1, 2**asked.n, dtype=jnp.uint32)[:, None]
    return np.asarray(asked.subsampling.bin_of(every)) == 0


def spectrum_of(asked, k, values):
    """What is recovered of the function with these coefficients."""
    odd = sparse.parity(asked.points().reshape(-1, 1, 1), words_of(k)[None])
    f = (1 - 2 * odd.astype(jnp.float32)) @ jnp.asarray(values)
    return sparse.recover(asked, f.reshape(asked.shape))


@pytest.mark.parametrize("values", [[1.0, -1.0, 1.0, 1.0], [1.0, 2.0, -4.0, 8.0]])
def test_four_that_pair_up_in_every_group_are_split(values):
    """Of one size, or of several."""
    asked = sparse.queries(10, 4, KEY, bins=16)
    first, second, third = kernels(asked)
    x, y = 1 + np.argmax(first), 1 + np.argmax(second & third)
    k = 700 ^ np.array([0, x, y, x ^ y])
    assert all(np.unique(row).size == 2 for row in asked.subsampling.bin_of(words_of(k)))
    found = spectrum_of(asked, k, values)
    assert found.success
    assert found.to_dict() == {
        int(i): pytest.approx(value) for i, value in zip(k, values, strict=True)
    }


@pytest.mark.parametrize(("other", "told"), [(1.0, False), (-1.0, False), (2.0, True)])
def test_two_that_share_all_bins_are_told_apart_by_their_sizes_only(other, told):
    asked = sparse.queries(14, 4, KEY, bins=16)
    k = [9000, 9000 ^ int(1 + np.argmax(kernels(asked).all(axis=0)))]
    found = spectrum_of(asked, k, [1.0, other])
    assert bool(found.success) == told
    if told:
        assert found.to_dict() == {k[0]: pytest.approx(1.0), k[1]: pytest.approx(other)}


def test_elimination_leaves_one_unknown_in_each_row():
    rows = jnp.array([[0b0111], [0b0110], [0b1100], [0b1101]], jnp.uint32)
    found = np.asarray(reduced(rows))[:, 0]
    assert found.tolist() == [0b0001, 0b1010, 0b1100, 0]
