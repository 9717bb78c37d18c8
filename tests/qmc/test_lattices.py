"""Lattices: foreign points, exact integers, streams, shifts, and vectors that are the best."""

import itertools
import math
from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import qmc

GOLDEN = np.load(
    Path(__file__).parent.parent / "golden" / "qmc" / "lattice.npz", allow_pickle=False
)
VECTOR = GOLDEN["gen_vec_first16"][:5].astype(np.int64)
KEY = jax.random.key(5)


@pytest.mark.parametrize(
    ("order", "name"),
    [("natural", "pts_radical_64"), ("gray", "pts_gray_64"), ("linear", "pts_linear_64")],
)
def test_golden_points(order, name):
    np.testing.assert_array_equal(qmc.lattice(VECTOR)(64, order=order), GOLDEN[name])


def test_points_are_a_stream():
    points = qmc.lattice(VECTOR)
    np.testing.assert_array_equal(points(64, start=64), GOLDEN["pts_natural_64_128"])
    whole = qmc.random_shift(KEY, points).words(300)
    np.testing.assert_array_equal(
        qmc.random_shift(KEY, points).words(37, start=205), whole[205:242]
    )


def test_golden_shifts(x64):
    """A shift is held to 64 bits here, and to 32 of them otherwise."""
    points = qmc.lattice(VECTOR)
    for shift, expected in zip(GOLDEN["shift"], GOLDEN["pts_shifted_16"], strict=True):
        words = jnp.asarray([int(s * 2**53) << 11 for s in shift], jnp.uint64)
        found = qmc.Lattice(points.vector, words)(16)
        assert found.dtype == jnp.float64
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-16)


def test_multiples_are_exact_where_floats_are_not():
    """In 32-bit floats the last of 2^26 multiples of a vector near 2^25 would be noise."""
    vector, i = 33554393, (1 << 26) - 1
    word = int(qmc.lattice([vector]).words(1, start=i)[0, 0])
    reversed_i = int(f"{i:032b}"[::-1], 2)
    assert word == reversed_i * vector % 2**32


def test_points_stay_below_one():
    points = qmc.Lattice(jnp.array([1], jnp.uint32), jnp.array([2**32 - 1], jnp.uint32))
    assert float(points(1)[0, 0]) == 1 - 2.0**-24
    assert points(4).max() < 1


def test_shifts_move_all_points_alike_and_are_uniform():
    points = qmc.lattice(VECTOR)
    keys = jax.random.split(KEY, 4096)
    words = jax.jit(jax.vmap(lambda key: qmc.random_shift(key, points).words(2)))(keys)
    words = np.asarray(words)
    gaps = words[:, 1] - words[:, 0]
    assert (gaps == gaps[0]).all()
    counts = np.stack([np.bincount(w, minlength=64) for w in (words[:, 0] >> 26).T])
    # Chi-square of 63 degrees: above 136 with probability 1e-6, five dimensions.
    assert (np.square(counts - 64).sum(axis=1) / 64 < 136).all()


def test_the_same_vector_serves_numpy_lists_and_words_larger_than_a_word():
    assert (qmc.lattice([1, 3]).vector == qmc.lattice(np.array([1, 2**32 + 3])).vector).all()


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: qmc.lattice([1, -3]), ValueError, "`vector` must not be negative"),
        (lambda: qmc.lattice([1.5]), ValueError, "`vector` must hold an integer"),
        (lambda: qmc.lattice([[1]]), ValueError, r"shape \(1, 1\)"),
        (lambda: qmc.lattice([1])(0), ValueError, "`n` must be at least 1"),
        (lambda: qmc.lattice([1])(2, start=-1), ValueError, "`start` must be at least 0"),
        (lambda: qmc.lattice([1])(2**32 + 1), ValueError, "`n` must leave start"),
        (lambda: qmc.lattice([1])(3, order="linear"), ValueError, "all n = 2\\^m points"),
        (lambda: qmc.lattice([1])(4, order="odd"), ValueError, "`order` must be"),
        (lambda: qmc.lattice([1])(4, dtype="float16"), TypeError, "`dtype` must be float32"),
        (lambda: qmc.random_shift(0, qmc.lattice([1])), TypeError, "new-style key"),
        (lambda: qmc.cbc(2, 12), ValueError, "`n` must be a power of two, but is 12"),
        (lambda: qmc.cbc(0, 16), ValueError, "`dimensions` must be at least 1"),
        (lambda: qmc.cbc(2, 16, n_min=32), ValueError, "`n_min` must be at most n=16"),
        (lambda: qmc.cbc(2, 16, weights=[1.0, 0.0]), ValueError, "`weights` must be positive"),
        (lambda: qmc.lattice_error([1], 0), ValueError, "`n` must be at least 1"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def exhaustive(n, gammas):
    """The best component after those before it, by trying them all."""
    found = [1]
    for j in range(1, len(gammas)):
        errors = {
            z: qmc.lattice_error([*found, z], n, weights=gammas[: j + 1])
            for z in range(1, n // 2, 2)
        }
        least = min(errors.values())
        found.append(errors)
        found[-1] = next(z for z, error in errors.items() if error < least * (1 + 1e-9))
    return found, least


@pytest.mark.parametrize("n", [8, 64])
@pytest.mark.parametrize("gammas", [[1.0, 0.25, 0.1], [0.9, 0.9, 0.9]])
def test_components_are_the_best_of_all(n, gammas):
    """Equal weights leave ties, between which either choice is right."""
    _, least = exhaustive(n, gammas)
    vector = qmc.cbc(3, n, weights=gammas)
    assert vector[0] == 1
    assert (vector % 2 == 1).all()
    assert qmc.lattice_error(vector, n, weights=gammas) == pytest.approx(least, rel=1e-9)


def exact_parts(vector, n, weight):
    """The squared error of one weight in rational numbers: of single coordinates, and the rest."""
    factor = Fraction(weight * 2 * np.pi**2)
    x = [[Fraction(k * int(g) % n, n) for g in vector] for k in range(n)]
    parts = [[factor * (u * u - u + Fraction(1, 6)) for u in row] for row in x]
    whole = sum(math.prod(1 + part for part in row) for row in parts) / n - 1
    single = sum(sum(row) for row in parts) / n
    return single, whole - single


@pytest.mark.parametrize("weight", [1.0, 1e-6, 1e-12])
def test_small_weights_are_not_lost_beside_one(weight):
    """Against rational numbers; of the errors that of all coordinates at once is the same."""
    n, vector = 32, [1, 7, 11]
    single, mixed = exact_parts(vector, n, weight)
    found = qmc.lattice_error(vector, n, weights=weight)
    assert found == pytest.approx(math.sqrt(single + mixed), rel=1e-12)
    found = exact_parts(qmc.cbc(2, n, weights=weight), n, weight)[1]
    least = min(exact_parts([1, z], n, weight)[1] for z in range(1, n // 2, 2))
    assert float(found / least) == pytest.approx(1, rel=1e-9)


def test_errors_are_numbers_where_little_is_left():
    """Of one coordinate the root of pi^2 / 3 weights over n, however small."""
    for n in (2**10, 2**20):
        right = math.pi / math.sqrt(3) * 1e-5 / n
        assert qmc.lattice_error([3], n, weights=1e-10) == pytest.approx(right, rel=1e-12)


def test_the_error_is_the_sum_over_the_dual_lattice():
    """P_2 = sum over h != 0 with h.g = 0 mod n of prod gamma / h^2, one for h_j = 0; cut off."""
    vector, n, gammas, most = [1, 3], 8, [1.0, 0.5], 600
    h = np.arange(-most, most + 1)
    terms = [np.where(h == 0, 1, gamma / np.where(h == 0, 1, h) ** 2) for gamma in gammas]
    dual = (h[:, None] * vector[0] + h * vector[1]) % n == 0
    cut = np.sum(np.outer(*terms)[dual]) - 1
    assert qmc.lattice_error(vector, n, weights=gammas) ** 2 == pytest.approx(cut, rel=2e-2)
    assert qmc.lattice_error(vector, n, weights=gammas) ** 2 > cut


def test_numbers_of_the_specification():
    """The root of P_2 at d = 10, gamma = 1 / j^2, found by another program of ours."""
    for n, expected in ((2**8, 0.133), (2**10, 0.0508), (2**14, 0.00697)):
        assert qmc.lattice_error(qmc.cbc(10, n), n) == pytest.approx(expected, rel=2e-3)


def test_an_embedded_vector_is_good_at_every_size():
    vector = qmc.cbc(6, 2**12, n_min=2**6)
    for m in range(6, 13):
        best = qmc.lattice_error(qmc.cbc(6, 2**m), 2**m)
        assert qmc.lattice_error(vector, 2**m) < 1.4 * best


def test_it_integrates_smooth_periodic_functions_faster_than_monte_carlo():
    """With P_2 of about n^-2 the error at 2^12 is below 64 times that at 2^6, far below 8."""

    def integrand(x):
        return jnp.prod(1 + (x * (1 - x) - 1 / 6), axis=-1)

    points = qmc.lattice(qmc.cbc(4, 2**12, n_min=2**6))
    keys = jax.random.split(KEY, 16)

    def error(n):
        estimates = jax.vmap(lambda key: integrand(qmc.random_shift(key, points)(n)).mean())(keys)
        return float(jnp.sqrt(jnp.mean(jnp.square(estimates - 1))))

    assert error(2**12) < error(2**6) / 40


def test_it_is_a_pytree_that_compiles_once():
    traces = itertools.count()

    @jax.jit
    def mean(points):
        next(traces)
        return points(64).mean()

    for seed in range(3):
        mean(qmc.random_shift(jax.random.key(seed), qmc.lattice(VECTOR)))
    assert next(traces) == 1


@pytest.mark.parametrize("header", ["# lattice\n", "lattice\n", "# lattice  # of text\n\n", ""])
def test_vectors_are_read_from_files(tmp_path, header):
    path = tmp_path / "vector.txt"
    path.write_text(f"{header}# made for the test\n3 # dimensions\n1024\n1\n363 # second\n233\n")
    found = qmc.load_vector(path)
    np.testing.assert_array_equal(found, [1, 363, 233])
    assert qmc.lattice(found)(4).shape == (4, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must hold the number"),
        ("3\n1024\n1\n363\n", "as many components"),
        ("2\n1024\n1\n-3\n", "must hold the number"),
        ("2\n1024\n1\n0.5\n", "must hold the number"),
        ("1\n1024\n99999999999999999999999\n", "at most 19 digits"),
        ("1\n1024\n9999999999999999999\n", "below 2"),
        ("0\n1024\n", "must hold the number"),
    ],
)
def test_files_that_hold_no_vector_are_refused(tmp_path, text, message):
    path = tmp_path / "vector.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        qmc.load_vector(path)


def test_a_file_that_is_too_long_or_not_there(tmp_path):
    path = tmp_path / "vector.txt"
    with path.open("wb") as file:
        file.truncate((1 << 24) + 1)
    with pytest.raises(ValueError, match="at most 16777216 bytes"):
        qmc.load_vector(path)
    with pytest.raises(FileNotFoundError):
        qmc.load_vector(tmp_path / "none.txt")
