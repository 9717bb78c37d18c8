"""Gaussian processes at any points, and fast algebra against dense at random hyper-parameters."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from hadax import qmc
from hadax.qmc import _words

KEY = jax.random.key(8)
NOISE = 0.01


def random_system(kind, seed):
    """A randomised lattice or net in three dimensions, and a kernel with random leaves."""
    keys = jax.random.split(jax.random.fold_in(KEY, seed), 5)
    weights = jnp.exp(jax.random.normal(keys[0], (3,), "float64") - 1)
    scale = jnp.exp(2 * jax.random.normal(keys[1], (), "float64"))
    if kind == "lattice":
        points = qmc.random_shift(keys[2], qmc.lattice(qmc.cbc(3, 1024)))
        kernel = qmc.shift_invariant_kernel(3, orders=(1, 2, 3), weights=weights, scale=scale)
    elif kind == "net":
        points = qmc.digital_shift(keys[2], qmc.linear_scramble(keys[3], qmc.sobol(3)))
        kernel = qmc.digital_kernel(3, orders=(1, 2, 3), weights=weights, scale=scale)
    else:
        points = qmc.linear_scramble(keys[3], qmc.sobol(3))
        rates = jnp.exp(jax.random.normal(keys[4], (3,), "float64"))
        kernel = qmc.adaptive_kernel(3, rates=rates, weights=weights, scale=scale)
    return kernel, points


@pytest.mark.parametrize("kind", ["lattice", "net", "adaptive"])
@pytest.mark.parametrize(("n", "seed"), [pytest.param(64, 0, marks=pytest.mark.slow), (1024, 1)])
def test_fast_is_dense(kind, n, seed, x64):
    kernel, points = random_system(kind, seed)
    word = points.words(1)[0]
    noise = 1e-3 * kernel(word, word)
    fast = qmc.gram(kernel, points, n, noise=noise)
    dense = qmc.gram(kernel, points.words(n), noise=noise)
    assert dense.n == n
    y = jnp.asarray(np.random.default_rng(seed).standard_normal((2, n)))
    scale = float(fast.eigenvalues.max())
    np.testing.assert_allclose(fast(y), dense(y), rtol=1e-9, atol=1e-11 * scale)
    np.testing.assert_allclose(fast.solve(y), dense.solve(y), rtol=1e-7, atol=1e-9 / noise)
    np.testing.assert_allclose(fast.quadratic(y), dense.quadratic(y), rtol=1e-8)
    np.testing.assert_allclose(fast.logdet(), dense.logdet(), rtol=1e-8)
    np.testing.assert_allclose(fast.inverse_trace(), dense.inverse_trace(), rtol=1e-7)
    np.testing.assert_allclose(fast.inverse_diagonal(), dense.inverse_diagonal(), rtol=1e-6)
    spectrum = np.asarray(qmc.gram(kernel, points, n).eigenvalues)
    assert (spectrum >= -1e-12 * spectrum.max()).all()
    np.testing.assert_allclose(spectrum.sum(), n * kernel(word, word), rtol=1e-12)


def values(x):
    """A smooth periodic function."""
    return jnp.prod(jnp.sin(jnp.pi * x) ** 2, axis=1)


@pytest.mark.parametrize(
    "kind",
    [
        "lattice",
        pytest.param("net", marks=pytest.mark.slow),
        pytest.param("adaptive", marks=pytest.mark.slow),
    ],
)
def test_posteriors_of_arrays_are_those_of_sequences(kind, x64):
    kernel, points = random_system(kind, 3)
    y = values(points(64))
    fast = qmc.condition(kernel, points, y, noise=NOISE)
    dense = qmc.condition(kernel, points.words(64), y, noise=NOISE)
    x, z = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 5, 3)))
    np.testing.assert_allclose(fast.mean(x), dense.mean(x), rtol=1e-8)
    np.testing.assert_allclose(fast.variance(x), dense.variance(x), rtol=1e-6)
    np.testing.assert_allclose(fast.covariance(x, z), dense.covariance(x, z), atol=1e-8)
    np.testing.assert_allclose(jnp.diagonal(fast.covariance(x, x)), fast.variance(x), rtol=1e-6)
    for one, other in zip(fast.integral(), dense.integral(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)
    for loss in ("likelihood", "gcv", "cv"):
        found = [
            qmc.regression_loss(kernel, p, y, noise=NOISE, loss=loss)
            for p in (points, points.words(64))
        ]
        np.testing.assert_allclose(*found, rtol=1e-8)


@pytest.mark.parametrize("kind", ["lattice", pytest.param("net", marks=pytest.mark.slow)])
def test_covariances_are_those_of_the_formula(kind, x64):
    kernel, points = random_system(kind, 4)
    words = points.words(64)
    found = qmc.condition(kernel, points, values(points(64)), noise=NOISE)
    x, z = jnp.asarray(np.random.default_rng(1).uniform(size=(2, 4, 3)))
    at_x, at_z = (_words.of_fractions(p, _words.word()) for p in (x, z))
    inverse = np.linalg.inv(kernel(words[:, None], words[None]) + NOISE * np.eye(64))
    rows, columns = kernel(at_x[:, None], words[None]), kernel(words[:, None], at_z[None])
    expected = kernel(at_x[:, None], at_z[None]) - rows @ inverse @ columns
    np.testing.assert_allclose(found.covariance(x, z), expected, atol=1e-8 * kernel.scale)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lattice", pytest.param("net", marks=pytest.mark.slow)])
def test_variances_after_points_to_come(kind, x64):
    """They are those of conditioning on as many, whatever the values will be."""
    kernel, points = random_system(kind, 5)
    now = qmc.condition(kernel, points, values(points(16)), noise=NOISE)
    later = qmc.condition(kernel, points, jnp.zeros(128), noise=NOISE)
    x, z = jnp.asarray(np.random.default_rng(1).uniform(size=(2, 4, 3)))
    np.testing.assert_array_equal(now.variance(x, n=128), later.variance(x))
    np.testing.assert_array_equal(now.covariance(x, z, n=128), later.covariance(x, z))
    np.testing.assert_array_equal(now.integral_variance(n=128), later.integral_variance())
    assert (now.variance(x, n=128) < now.variance(x)).all()


def test_points_without_structure(x64):
    """Halton's with a kernel of lattices, a nested net with one of nets; values are met."""
    nested = qmc.nested_scramble(KEY, qmc.sobol(2))
    halton = qmc.halton(2)(50, start=1)
    for kernel, points, x in [
        (qmc.shift_invariant_kernel(2), halton, halton),
        (qmc.digital_kernel(2, orders=1), nested.words(50), nested(50)),
    ]:
        y = values(x)
        found = qmc.condition(kernel, points, y, noise=1e-8)
        np.testing.assert_allclose(found.mean(x), y, atol=1e-4)
        assert (found.variance(x) < 1e-7).all()
        np.testing.assert_allclose(found.integral()[0], 0.25, atol=0.05)


def test_smooth_kernels_without_noise_have_factors(x64):
    """Round-off of the trace on the diagonal keeps what is singular to the last digit positive."""
    kernel = qmc.shift_invariant_kernel(1, orders=5)
    assert bool(jnp.isfinite(qmc.gram(kernel, qmc.lattice([1])(256)).logdet()))


def test_every_point_of_an_array_may_have_its_own_noise(x64):
    kernel, points = random_system("net", 6)
    words, y = points.words(16), values(points(16))
    noise = jnp.linspace(0.1, 1.0, 16)
    found = qmc.condition(kernel, words, y, noise=noise, prior_mean=0.0)
    matrix = np.asarray(kernel(words[:, None], words[None])) + np.diag(noise)
    np.testing.assert_allclose(found.coefficients, np.linalg.solve(matrix, y), rtol=1e-9)
    scale = float(kernel.scale)
    left = scale - scale**2 * np.linalg.solve(matrix, np.ones(16)).sum()
    np.testing.assert_allclose(found.integral()[1], left, rtol=1e-9)
    held = qmc.fit(kernel, words, y, optax.rprop(0.1), noise=noise, learn_noise=False, steps=2)
    right = qmc.regression_loss(held.kernel, words, y, noise=noise)
    np.testing.assert_allclose(held.loss, right, rtol=1e-9)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input():
    periodic, digital = qmc.shift_invariant_kernel(2), qmc.digital_kernel(2)
    x, y, line = jnp.zeros((3, 2)), jnp.zeros(3), qmc.lattice([1, 3])
    for call, error, text in [
        (lambda: qmc.gram(periodic, qmc.halton(2), 4), TypeError, "array that a call returns"),
        (lambda: qmc.gram(periodic, x, 3), ValueError, "`n` must be left out"),
        (lambda: qmc.gram(digital, x), TypeError, "must hold words"),
        (lambda: qmc.gram(periodic, jnp.zeros((3, 1))), ValueError, "the 1 dimensions"),
        (lambda: qmc.condition(periodic, x, y[:2]), ValueError, "each of 3 points, but has 2"),
        (lambda: qmc.condition(periodic, x, y).variance(x, n=4), TypeError, "does not go on"),
        (lambda: qmc.gram(periodic, line, 8, noise=jnp.ones(8)), ValueError, r"points.words\(n\)"),
        (lambda: qmc.gram(periodic, x, noise=jnp.ones(2)), ValueError, "each of 3 points"),
        (lambda: qmc.condition(periodic, x, y, noise=-0.5), ValueError, "must not be negative"),
        (lambda: qmc.gram(periodic, line, 8, noise=jnp.nan), ValueError, "must not be negative"),
    ]:
        with pytest.raises(error, match=text):
            call()
