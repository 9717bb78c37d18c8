"""Queries, expensive functions asked in batches that are kept, and several functions at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

from hadax import sparse

KEY = jax.random.key(5)


def two_terms(x):
    """1 - 2 (-1)^(x_0 + x_39), by NumPy."""
    return 1.0 - 2.0 * (1 - 2.0 * (x[:, 0] ^ x[:, 39]))


WANTED = {0: 1.0, 2**0 + 2**39: -2.0}


class Counting:
    """A function that counts how often it is asked, and fails when it is told to."""

    def __init__(self, fails_at=None):
        self.asked = 0
        self.fails_at = fails_at

    def __call__(self, x):
        if self.asked == self.fails_at:
            raise KeyboardInterrupt
        self.asked += 1
        return two_terms(x)


def test_points_are_those_of_groups_and_offsets():
    asked = sparse.queries(40, 4, KEY, bins=8, decoder="nso", repetitions=2)
    groups, numbers, bins = asked.shape
    assert (groups, numbers, bins) == (3, 82, 8)
    assert asked.count == groups * numbers * bins
    points, of_groups, shifts = asked.points(), asked.subsampling.points(), asked.offsets.words()
    for c, p, i in [(0, 0, 0), (1, 40, 3), (2, 81, 7)]:
        np.testing.assert_array_equal(points[c, p, i], of_groups[c, i] ^ shifts[p])


def test_samples_in_batches_are_those_of_one_batch():
    asked = sparse.queries(40, 2, KEY, bins=4)
    at_once = sparse.sample(two_terms, asked)
    assert at_once.shape == asked.shape
    np.testing.assert_array_equal(sparse.sample(two_terms, asked, batch_size=100), at_once)

    def of_words(words):
        return two_terms(np.asarray(sparse.unpack_bits(words, 40)))

    np.testing.assert_array_equal(sparse.sample(of_words, asked, packed=True), at_once)
    assert sparse.recover(asked, at_once).to_dict() == pytest.approx(WANTED, rel=1e-6)


def test_what_was_asked_is_kept(tmp_path):
    asked = sparse.queries(40, 2, KEY, bins=4)
    seen = []

    def progress(batches):
        seen.append(len(batches))
        return batches

    stopped = Counting(fails_at=2)
    with pytest.raises(KeyboardInterrupt):
        sparse.sample(stopped, asked, tmp_path / "kept", batch_size=100)
    again = Counting()
    values = sparse.sample(again, asked, tmp_path / "kept", batch_size=100, progress=progress)
    assert again.asked == -(-asked.count // 100) - 2
    assert seen == [-(-asked.count // 100)]
    np.testing.assert_array_equal(values, sparse.sample(two_terms, asked))
    third = Counting()
    sparse.sample(third, asked, tmp_path / "kept", batch_size=100)
    assert third.asked == 0
    assert not list((tmp_path / "kept").glob("*.part"))


def test_a_folder_of_something_else_is_refused(tmp_path):
    asked = sparse.queries(40, 2, KEY, bins=4)
    sparse.sample(two_terms, asked, tmp_path / "kept")
    other = sparse.queries(40, 2, jax.random.key(6), bins=4)
    with pytest.raises(ValueError, match="of the same queries"):
        sparse.sample(two_terms, other, tmp_path / "kept")
    with pytest.raises(ValueError, match="of the same queries"):
        sparse.sample(two_terms, asked, tmp_path / "kept", batch_size=7)
    with pytest.raises(ValueError, match="of the same queries"):
        sparse.sample(two_terms, asked, tmp_path / "kept", tag="another")
    (tmp_path / "mine").write_text("")
    with pytest.raises(ValueError, match="must be empty"):
        sparse.sample(two_terms, asked, tmp_path)
    file = tmp_path / "kept" / "values-000000.npy"
    for content in (file.read_bytes()[:-5], file.read_bytes()[:5], b""):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="Delete it"):
            sparse.sample(two_terms, asked, tmp_path / "kept")
    np.save(file, np.zeros(asked.count, np.complex64))
    with pytest.raises(ValueError, match="Delete it"):
        sparse.sample(two_terms, asked, tmp_path / "kept")
    np.save(file, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="Delete it"):
        sparse.sample(two_terms, asked, tmp_path / "kept")


@pytest.mark.usefixtures("without_shape_checks")
def test_complex_values_are_kept(tmp_path):
    asked = sparse.queries(12, 2, KEY, base=3)

    def turning(x):
        return np.exp(2j * np.pi * (x[:, 0] + x[:, 5]) / 3)

    first = sparse.sample(turning, asked, tmp_path)
    np.testing.assert_array_equal(sparse.sample(None, asked, tmp_path), first)
    assert np.iscomplexobj(first)


@pytest.mark.usefixtures("without_shape_checks")
def test_what_was_kept_in_double_precision_goes_on_in_single(tmp_path):
    asked = sparse.queries(40, 2, KEY, bins=4)
    with jax.enable_x64(True):
        first = sparse.sample(two_terms, asked, tmp_path)
    assert first.dtype == np.float64
    second = sparse.sample(None, asked, tmp_path)
    assert second.dtype == np.float32
    np.testing.assert_array_equal(second, first.astype(np.float32))


def test_what_a_crash_has_left_is_in_nobodys_way(tmp_path):
    (tmp_path / "queries.7.part").write_text("half")
    asked = sparse.queries(40, 2, KEY, bins=4)
    values = sparse.sample(two_terms, asked, tmp_path)
    np.testing.assert_array_equal(values, sparse.sample(two_terms, asked))


@pytest.mark.parametrize(
    ("f", "error", "words"),
    [
        (lambda x: x, ValueError, "a value for each point"),
        (lambda x: x[:, 0] / np.zeros(len(x)), ValueError, "finite values"),
        (lambda x: x[:, 0] * 1j, TypeError, "two functions"),
        (lambda x: np.array(["a"] * len(x)), TypeError, "real numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_values(f, error, words):
    with pytest.raises(error, match=words):
        sparse.sample(f, sparse.queries(40, 2, KEY, bins=4))


def test_values_of_another_shape_are_refused():
    asked = sparse.queries(40, 2, KEY, bins=4)
    with pytest.raises(ValueError, match="the shape of the queries"):
        sparse.recover(asked, jnp.zeros(asked.shape[:2]))
    with pytest.raises(TypeError, match="real floating point"):
        sparse.recover(asked, jnp.zeros(asked.shape, complex))
    with pytest.raises(ValueError, match="`packed` must be False at base=3"):
        sparse.sample(two_terms, sparse.queries(20, 2, KEY, base=3), packed=True)
    assert sparse.recover(asked, jnp.zeros(asked.shape, int)).success


def of_parameter(scale, x):
    """A function that has a parameter, traced."""
    return scale * (1 - 2 * x[:, 3]).astype(jnp.float32) + 1.0


def test_several_functions_at_once():
    """Values with a leading axis, and functions that are pytrees, under vmap."""
    asked = sparse.queries(40, 2, KEY, bins=4)
    x = sparse.unpack_bits(asked.points(), 40)
    scales = jnp.array([1.0, -2.0, 3.0])
    flat = x.reshape(-1, 40)
    values = jnp.stack([of_parameter(s, flat).reshape(asked.shape) for s in scales])
    found = sparse.recover(asked, values)
    assert found.success.tolist() == [True] * 3
    np.testing.assert_allclose(found.coefficients[:, 1], scales, rtol=1e-6)

    def run(scale):
        return sparse.sparse_fwht(Partial(of_parameter, scale), 40, 2, KEY, bins=4)

    mapped = jax.vmap(run)(scales)
    np.testing.assert_allclose(mapped.coefficients, found.coefficients, rtol=1e-6)
    assert str(mapped) == "3 spectra of functions of 40 bits, 3 recovered"


def test_a_second_call_compiles_nothing():
    traces = []

    def f(x):
        traces.append(1)
        return (1 - 2 * x[:, 0]).astype(jnp.float32)

    for seed in range(3):
        sparse.sparse_fwht(f, 40, 2, jax.random.key(seed), bins=4)
    assert len(traces) == 1
