"""Sparse spectra of functions of digits: designs, the dense transform, noise, pairs, bad input."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import sparse
from hadax.sparse import _digits, _qary

KEY = jax.random.key(5)


def all_digits(n, base):
    """The digits of 0, ..., base^n - 1, the lowest first."""
    return np.array([x[::-1] for x in itertools.product(range(base), repeat=n)])


def function_of(digits, values, base, noise=0.0, key=KEY, *, real=False):
    """The function with this spectrum, or its real part, and noise that its point chooses."""

    def f(x):
        turns = x.astype(jnp.int32) @ digits.astype(jnp.int32).T % base
        roots = jnp.asarray(np.exp(2j * np.pi / base * np.arange(base)), jnp.complex64)
        clean = roots[turns] @ values.astype(jnp.complex64)
        if real:
            return clean.real + noise * jax.random.normal(seed_of(x), x.shape[:1])
        return clean + noise * jax.random.normal(seed_of(x), x.shape[:1], jnp.complex64)

    def seed_of(x):
        return jax.random.fold_in(key, jnp.sum(x[0] * jnp.arange(x.shape[1], dtype=jnp.int32)))

    return f


@pytest.mark.usefixtures("without_shape_checks")
def test_functions_of_numpy_are_told_where_to_go():
    with pytest.raises(TypeError, match="`sample`, `recover`"):
        sparse.sparse_fft(lambda x: np.asarray(x)[:, 0].astype(float), 20, 3, KEY, base=3)


def spectrum(key, n, count, base):
    """Random digits (count, n) and complex values of size one."""
    digits = jax.random.randint(key, (count, n), 0, base)
    angles = jax.random.uniform(jax.random.fold_in(key, 1), (count,), maxval=2 * jnp.pi)
    return digits, jax.lax.complex(jnp.cos(angles), jnp.sin(angles))


def index(digits, base):
    """Digits (..., n) as Python integers."""
    return np.asarray(digits).astype(object) @ (base ** np.arange(digits.shape[-1], dtype=object))


@pytest.mark.parametrize(("n", "base"), [(1, 3), (40, 3), (40, 4), (25, 7), (10, 64), (40, 2)])
def test_packed_digits_come_back_and_sort_like_their_numbers(n, base):
    digits = np.random.default_rng(n).integers(base, size=(5, n))
    words = _digits.pack(jnp.asarray(digits), base)
    assert words.shape == (5, _digits.width(n, base))
    np.testing.assert_array_equal(_digits.unpack(words, n, base), digits)
    packed = np.asarray(words).astype(object) @ (2 ** (32 * np.arange(words.shape[1], dtype="O")))
    np.testing.assert_array_equal(np.argsort(packed), np.argsort(index(digits, base)))


def test_bits_are_packed_as_ever():
    x = np.random.default_rng(0).integers(2, size=(4, 70))
    np.testing.assert_array_equal(_digits.pack(jnp.asarray(x), 2), sparse.pack_bits(x))


@pytest.mark.parametrize("prime", [2, 3, 7])
def test_rank_is_that_of_the_span(prime):
    """p^rank vectors are combinations of the rows."""
    rng = np.random.default_rng(prime)
    for r in range(4):
        rows = rng.integers(prime, size=(4, r)) @ rng.integers(prime, size=(r, 5)) % prime
        span = {tuple(x @ rows % prime) for x in all_digits(4, prime)}
        assert prime ** int(_digits.rank(jnp.asarray(rows), prime)) == len(span)


@pytest.mark.parametrize(("base", "n", "b"), [(3, 5, 2), (4, 4, 2), (6, 3, 1)])
def test_every_bin_sees_as_many_indices_and_no_two_share_all(base, n, b):
    """Whether q is prime or not."""
    words = _digits.pack(jnp.asarray(all_digits(n, base)), base)
    draw = jax.jit(lambda key: _qary.subsampling(key, n, b, 3, base).bin_of(words))
    for key in jax.random.split(KEY, 5):
        bins = np.asarray(draw(key))
        for group in bins:
            np.testing.assert_array_equal(np.bincount(group), [base ** (n - b)] * base**b)
        assert len({tuple(x) for x in bins.T}) == base**n


def test_rank_over_the_rationals_is_not_enough():
    """Twice the identity is invertible there, but over the integers modulo 4 it misses bins."""
    columns = 2 * jnp.eye(3, dtype=jnp.int8)[None, :2]
    matrices = _qary.DigitSubsampling(columns, 3, 4)
    words = _digits.pack(jnp.asarray(all_digits(3, 4)), 4)
    assert set(np.asarray(matrices.bin_of(words))[0]) == {0, 2, 8, 10}
    assert int(_digits.rank(columns[0], 2)) == 0


@pytest.mark.parametrize(("base", "design"), [(4, "random"), (6, "random"), (3, "identity")])
def test_a_coefficient_is_seen_in_its_bin_with_its_phase(base, design):
    asked = sparse.queries(
        12, 1, KEY, base=base, bins=base**2, decoder="nso", repetitions=2, design=design
    )
    digits = np.random.default_rng(2).integers(base, size=12)
    turns = np.asarray(asked.points()).astype(int) @ digits
    seen = asked.subsampling.transform(
        jnp.asarray(np.exp(2j * np.pi / base * turns), jnp.complex64)
    )
    k = _digits.pack(jnp.asarray(digits)[None], base)
    expected = np.zeros(asked.shape, complex)
    for c, j in enumerate(np.asarray(asked.subsampling.bin_of(k))[:, 0]):
        expected[c, :, j] = asked.offsets.signs(k, jnp.complex64)[0]
    np.testing.assert_allclose(seen, expected, atol=1e-6)
    alone = jnp.asarray((2 - 1j) * expected[:1].sum(axis=-1))
    np.testing.assert_array_equal(asked.offsets.decode(alone), k)


@pytest.mark.parametrize(("base", "n"), [(3, 6), pytest.param(4, 5, marks=pytest.mark.slow)])
def test_coefficients_are_those_of_the_dense_transform(base, n):
    rng = np.random.default_rng(base)
    dense = np.zeros(base**n, complex)
    support = np.sort(rng.choice(base**n, 4, replace=False))
    dense[support] = rng.normal(size=4) + 1j * rng.normal(size=4)
    table = jnp.asarray(np.fft.ifftn(dense.reshape((base,) * n), norm="forward"), jnp.complex64)
    found = sparse.sparse_fft(table.ravel(), n, 4, KEY, base=base)
    assert found.success
    np.testing.assert_allclose(
        found.to_dense(), jnp.fft.fftn(table, norm="forward").ravel(), atol=2e-6
    )
    np.testing.assert_array_equal(index(found.digits[:4], base), support)
    np.testing.assert_allclose([found.to_dict()[k] for k in support], dense[support], atol=2e-6)
    np.testing.assert_allclose(found(all_digits(n, base)[:50]), table.ravel()[:50], atol=2e-5)


@pytest.mark.parametrize("base", [pytest.param(3, marks=pytest.mark.slow), 4])
def test_functions_of_forty_digits(base):
    digits, values = spectrum(KEY, 40, 100, base)
    found = sparse.sparse_fft(function_of(digits, values, base), 40, 100, KEY, base=base)
    assert found.success
    wanted = dict(zip(index(digits, base), np.asarray(values), strict=True))
    assert found.to_dict() == pytest.approx(wanted, abs=1e-5)


def test_a_real_function_has_conjugate_pairs():
    """One of bits and pieces of DNA: each term is real."""
    rng = np.random.default_rng(4)
    pairs, constant = jnp.asarray(rng.integers(1, 4, size=(10, 20))), jnp.zeros((1, 20), int)
    values = jnp.asarray(rng.normal(size=10), jnp.float32)
    f = function_of(jnp.concatenate([pairs, constant]), jnp.append(values, 0.5), 4, real=True)
    found = sparse.sparse_fft(f, 20, 21, KEY, base=4)
    assert found.success
    known = found.to_dict()
    assert len(known) == 21
    assert known.pop(0) == pytest.approx(0.5, abs=1e-5)
    for digits, value in zip(np.asarray(pairs), np.asarray(values), strict=True):
        # The real part of F w^x is F / 2 at k and at -k.
        assert known[index(digits, 4)] == pytest.approx(value / 2, abs=1e-5)
        assert known[index(-digits % 4, 4)] == pytest.approx(value / 2, abs=1e-5)
    lines = str(found).splitlines()
    assert lines[0] == "21 coefficients of a function of 20 digits of base 4"


def by_hand(k, values, *, n, base):
    """A spectrum with these packed indices."""
    count = jnp.array(len(values))
    words, rest = jnp.asarray(k, jnp.uint32)[:, None], jnp.zeros(())
    return sparse.SparseSpectrum(
        words, jnp.asarray(values), count, count > 0, count, rest, rest, count, n, 100, base
    )


def test_a_spectrum_prints_digits():
    """And six digits of a complex number, without the round-off of the smaller part."""
    found = by_hand([0b10_00, 0b01_10], [1 + 1e-8j, -2.5j], n=2, base=4)
    assert str(found).splitlines()[:3] == [
        "2 coefficients of a function of 2 digits of base 4",
        "+0-2.5j  {0: 2, 1: 1}",
        "+1+0j  {1: 2}",
    ]
    two = jax.tree.map(lambda x: jnp.stack([x, x]), found)
    assert str(two) == "2 spectra of functions of 2 digits of base 4, 2 recovered"


def noisy(count, base, spread, *, real, **options):
    """For each of some runs: whether the support is exact, what is claimed, the largest error."""
    n, terms, bins = 20, 20, {3: 81, 4: 64}[base]

    def one(key):
        first, second, third = jax.random.split(key, 3)
        digits, values = spectrum(first, n, terms, base)
        if real:
            digits = jnp.concatenate([digits[:10], -digits[:10] % base])
            values = jnp.concatenate([values[:10], values[:10].conj()])
        words = _digits.pack(digits, base)
        order = jnp.lexsort(tuple(words.T))
        f = function_of(digits, values, base, spread, third, real=real)
        found = sparse.sparse_fft(
            f, n, terms, second, base=base, bins=bins, decoder="nso", **options
        )
        exact = (found.count == terms) & jnp.all(found.support[:terms] == words[order])
        error = jnp.max(jnp.abs(found.coefficients[:terms] - values[order]))
        return exact, found.success, error

    keys = jax.random.split(KEY, count)
    exact, success, error = jax.jit(lambda keys: jax.lax.map(one, keys))(keys)
    # What least squares leave of noise in a coefficient, in units of its deviation.
    return exact, success, error / (spread / np.sqrt(3 * bins * 63))


@pytest.mark.parametrize(
    ("base", "real"), [pytest.param(3, False, marks=pytest.mark.slow), (4, True)]
)
def test_noise(base, real):
    """Bins at 10 dB; an error of 5 deviations is one in a million coefficients."""
    exact, success, error = noisy(5, base, {3: 3.0, 4: 2.5}[base], real=real)
    assert exact.all()
    assert success.all()
    assert error.max() < 5


@pytest.mark.slow
def test_hopeless_noise_is_no_success():
    exact, success, _ = noisy(5, 4, 25.0, real=True)
    assert not exact.any()
    assert not success.any()


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("base", [3, 4])
def test_noise_in_a_hundred_runs(base, real, known):
    """Noise that is judged rightly is no success in one of a thousand.

    With three groups 2^-9 of the ten pairs k and -k at q = 4 share all bins, two in a hundred runs.
    """
    spread = {3: 3.0, 4: 2.5}[base]
    options = {"groups": 5 if real and base == 4 else 3, "noise": spread if known else None}
    exact, success, error = noisy(100, base, spread, real=real, **options)
    assert int(exact.sum()) >= 99
    assert int(success.sum()) >= 98
    assert error[exact].max() < 6


@pytest.mark.slow
def test_an_expensive_function_is_asked_once():
    digits, values = spectrum(KEY, 20, 3, 3)
    f = function_of(digits, values, 3)
    asked = sparse.queries(20, 3, KEY, base=3)
    found = sparse.recover(asked, sparse.sample(f, asked, batch_size=100))
    wanted = dict(zip(index(digits, 3), np.asarray(values), strict=True))
    assert found.to_dict() == pytest.approx(wanted, abs=1e-5)


@pytest.mark.slow
def test_double_precision_is_kept(x64):
    found = sparse.sparse_fft(
        lambda x: jnp.pi * jnp.cos(jnp.pi / 2 * x[:, 3].astype(float)), 9, 2, KEY, base=4
    )
    expected = {4**3: np.pi / 2, 3 * 4**3: np.pi / 2}
    assert found.to_dict() == pytest.approx(expected, rel=1e-13)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: by_hand([1], [1j], n=9, base=3).bits, ValueError, "Take its digits"),
        (lambda: run(base=2), ValueError, "sparse_fwht"),
        (lambda: run(base=65), ValueError, "`base` must be at most limit=64"),
        (lambda: run(jnp.ones(5)), ValueError, "`f` must have all 3\\^n=59049 values"),
        (lambda: run(jnp.ones(5), n=30), ValueError, "`n` must be at most 16"),
        (lambda: run(bins=8), ValueError, "`bins` must be a power of base=3"),
        (lambda: run(bins=3, sparsity=30), ValueError, "Take 27"),
        (lambda: run(n=3, sparsity=20), ValueError, "jax.numpy.fft.fftn"),
        (lambda: run(decoder="bch"), ValueError, "`decoder` must be one of 'noiseless', 'nso'"),
        (lambda: run(noise=1.0), ValueError, "decoder='nso'"),
        (lambda: by_hand([1], [1j], n=9, base=3)([[1]]), ValueError, r"\(q, 9\) of digits below 3"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def run(f=lambda x: x[:, 0].astype(float), n=10, sparsity=3, key=KEY, **options):
    """A transform of a function of one digit, with something else about it."""
    return sparse.sparse_fft(f, n, sparsity, key, **{"base": 3, **options})
