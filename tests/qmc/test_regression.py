"""Gaussian processes on lattices and nets: against dense algebra, and against what they are for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import qmc
from hadax.qmc import _words

KEY = jax.random.key(3)
N, NOISE = 64, 0.01


def systems():
    """A lattice and a net in two dimensions, with kernels of their own."""
    first, second, third = jax.random.split(KEY, 3)
    gammas = jnp.asarray([0.9, 0.4])
    lattice = qmc.random_shift(first, qmc.lattice(qmc.cbc(2, N)))
    net = qmc.digital_shift(second, qmc.linear_scramble(third, qmc.sobol(2)))
    return {
        "lattice": (qmc.shift_invariant_kernel(2, weights=gammas, scale=2.0), lattice),
        "net": (qmc.digital_kernel(2, weights=gammas, scale=2.0), net),
    }


def values(points, n=N):
    """A smooth periodic function of integral 1 / 4."""
    x = points(n)
    return jnp.prod(jnp.sin(jnp.pi * x) ** 2, axis=1)


def dense(kind, x):
    """The kernel at new points and the known ones, and the kernel's matrix with noise."""
    kernel, points = systems()[kind]
    words = points.words(N)
    matrix = kernel(words[:, None], words[None]) + NOISE * jnp.eye(N)
    new = x[:, None] if kind == "lattice" else _words.of_fractions(x, _words.word())[:, None]
    known = points(N)[None] if kind == "lattice" else words[None]
    return np.asarray(kernel(new, known)), np.asarray(matrix)


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_posteriors_are_those_of_dense_algebra(kind, x64):
    kernel, points = systems()[kind]
    y = values(points)
    found = qmc.condition(kernel, points, y, noise=NOISE)
    x = jnp.asarray(np.random.default_rng(0).uniform(size=(5, 2)))
    rows, matrix = dense(kind, x)
    mean = y.mean() + rows @ np.linalg.solve(matrix, y - y.mean())
    np.testing.assert_allclose(found.mean(x), mean, rtol=1e-9)
    prior = float(kernel(points.words(1)[0], points.words(1)[0]))
    variance = prior - np.einsum("qn,nq->q", rows, np.linalg.solve(matrix, rows.T))
    np.testing.assert_allclose(found.variance(x), variance, rtol=1e-7, atol=1e-10)
    low, high = found.interval(x)
    # 2.576 standard deviations to either side, as 99 % of a Gaussian take.
    np.testing.assert_allclose(high - low, 2 * 2.5758293 * np.sqrt(variance), rtol=1e-6)


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_integrals_are_those_of_dense_algebra(kind, x64):
    """Every point has the integral S, and so has the cube twice over."""
    kernel, points = systems()[kind]
    y = values(points)
    mean, variance = qmc.condition(kernel, points, y, noise=NOISE).integral()
    _, matrix = dense(kind, points(1))
    c = np.linalg.solve(matrix, y - y.mean())
    np.testing.assert_allclose(mean, y.mean() + 2.0 * c.sum(), rtol=1e-12)
    expected = 2.0 - 4.0 * np.linalg.solve(matrix, np.ones(N)).sum()
    np.testing.assert_allclose(variance, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["lattice", pytest.param("net", marks=pytest.mark.slow)])
def test_integrals_keep_their_digits_in_single_precision(kind):
    """With little noise the coefficients are large and cancel; the integral does not lose by it."""
    kernel, points = systems()[kind]
    n = 4096
    found, _ = qmc.condition(kernel, points, values(points, n), noise=1e-4).integral()
    np.testing.assert_allclose(found, values(points, n).mean(), rtol=2e-6)


def test_words_of_another_width_are_those_of_the_points():
    """A net made in single precision, asked in double precision."""
    kernel = qmc.digital_kernel(2)
    net = qmc.digital_shift(jax.random.key(1), qmc.sobol(2))
    y = values(net, 64)
    x = np.random.default_rng(1).uniform(size=(3, 2)).astype("float32")
    right = qmc.condition(kernel, net, y, noise=0.1).mean(jnp.asarray(x))
    with jax.enable_x64(True):
        found = qmc.condition(kernel, net, y, noise=0.1).mean(jnp.asarray(x, "float64"))
    np.testing.assert_allclose(found, right, rtol=1e-4)


@pytest.mark.parametrize("kind", ["lattice", "net"])
@pytest.mark.parametrize("loss", ["likelihood", "gcv", "cv"])
def test_losses_are_those_of_dense_algebra(kind, loss, x64):
    kernel, points = systems()[kind]
    y = values(points)
    _, matrix = dense(kind, points(1))
    gaps = np.asarray(y - y.mean())
    inverse = np.linalg.inv(matrix)
    c = inverse @ gaps
    expected = {
        "likelihood": (gaps @ c + np.linalg.slogdet(matrix)[1] + N * np.log(2 * np.pi)) / 2,
        "gcv": (c @ c) / (np.trace(inverse) / N) ** 2,
        "cv": np.sum((c / np.diag(inverse)) ** 2),
    }[loss]
    found = qmc.regression_loss(kernel, points, y, noise=NOISE, loss=loss)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["lattice", pytest.param("net", marks=pytest.mark.slow)])
def test_a_smooth_function_is_learned(kind, x64):
    """Means at new points come close, those of a net as close as constant pieces can, and 99 %
    intervals hold them."""
    kernel, points = systems()[kind]
    y = values(points, 256)
    x = jnp.asarray(np.random.default_rng(1).uniform(size=(100, 2)))
    truth = jnp.prod(jnp.sin(jnp.pi * x) ** 2, axis=1)
    found = qmc.condition(kernel, points, y, noise=1e-6)
    error = jnp.sqrt(jnp.mean((found.mean(x) - truth) ** 2))
    assert error < (1e-3 if kind == "lattice" else 0.3) * jnp.std(truth)
    low, high = found.interval(x)
    assert jnp.mean((low <= truth) & (truth <= high)) > 0.95
    mean, _ = found.integral()
    assert abs(mean - 0.25) < 1e-3


def test_means_on_a_lattice_have_derivatives(x64):
    kernel, points = systems()["lattice"]
    found = qmc.condition(kernel, points, values(points), noise=1e-4)
    x = jnp.asarray([0.3, 0.7])
    gradient = jax.grad(lambda x: found.mean(x[None])[0])(x)
    step = 1e-6
    for i, unit in enumerate(np.eye(2)):
        slope = (
            (found.mean((x + step * unit)[None]) - found.mean((x - step * unit)[None])) / 2 / step
        )
        np.testing.assert_allclose(gradient[i], slope[0], rtol=1e-6)


def test_an_ensemble_of_values_is_a_vmap():
    points = qmc.lattice(qmc.cbc(2, N))
    kernel = qmc.shift_invariant_kernel(2)
    y = jnp.stack([values(points), 2 * values(points)])
    integrals = jax.vmap(lambda y: qmc.condition(kernel, points, y, noise=0.1).integral()[0])(y)
    np.testing.assert_allclose(integrals[1], 2 * integrals[0], rtol=1e-5)


@pytest.mark.parametrize("kind", ["lattice", "net"])
@pytest.mark.parametrize("prior_mean", [None, 0.3])
def test_points_are_added_by_doubling(kind, prior_mean, x64):
    """Twice; it is what conditioning on all values gives, and so is its next extension."""
    kernel, points = systems()[kind]
    y = values(points, 256)
    settings = {"noise": NOISE, "prior_mean": prior_mean}
    grown = qmc.condition(kernel, points, y[:64], **settings)
    grown = jax.jit(lambda one, y: one.extend(y, prior_mean=prior_mean))(grown, y[64:128])
    grown = grown.extend(y[128:], prior_mean=prior_mean)
    anew = qmc.condition(kernel, points, y, **settings)
    for one, other in zip(jax.tree.leaves(grown), jax.tree.leaves(anew), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-11)


def test_intervals_are_finite_however_sure():
    points, kernel = qmc.lattice([1]), qmc.shift_invariant_kernel(1)
    found, x = qmc.condition(kernel, points, jnp.ones(4), noise=0.1), jnp.full((1, 1), 0.3)
    for confidence, deviations in [(1 - 1e-9, 6.109410), (1 - 2**-53, 8.292361)]:
        low, high = found.interval(x, confidence=confidence)
        right = 2 * deviations * jnp.sqrt(found.variance(x))
        np.testing.assert_allclose(high - low, right, rtol=1e-5)


@pytest.mark.usefixtures("without_shape_checks")
def test_lists_are_arrays():
    points, kernel = qmc.lattice([1]), qmc.shift_invariant_kernel(1)
    listed = [1.0, 2.0, 1.5, 0.0]
    y = jnp.asarray(listed)
    for matrix in (qmc.gram(kernel, points, 4), qmc.gram(kernel, points(4))):
        np.testing.assert_array_equal(matrix.solve(listed), matrix.solve(y))
    found = qmc.condition(kernel, points, listed, noise=0.1)
    np.testing.assert_array_equal(found.mean([[0.3]]), found.mean(jnp.asarray([[0.3]])))


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input():
    points, kernel = qmc.lattice([1]), qmc.shift_invariant_kernel(1)
    four, K = jnp.ones(4), qmc.gram(kernel, points, 4)
    dense = qmc.gram(kernel, points(4))
    found = qmc.condition(kernel, points, four)
    of_array = qmc.condition(kernel, points(4), four)
    of_net = qmc.condition(qmc.digital_kernel(1), qmc.sobol(1), four)
    for call, error, words in [
        (lambda: qmc.condition(kernel, points, jnp.ones(12)), ValueError, "power of two"),
        (lambda: qmc.condition(kernel, points, jnp.ones((2, 2))), ValueError, "must have 1 axes"),
        (lambda: qmc.condition(kernel, points, jnp.ones(4, int)), TypeError, "real floating"),
        (lambda: qmc.regression_loss(kernel, points, four, loss="mle"), ValueError, "`loss`"),
        (lambda: found.interval(four[:1, None], confidence=1.0), ValueError, "between 0 and 1"),
        (lambda: found.extend(jnp.ones(8)), ValueError, "next 4 points"),
        (lambda: found.mean(jnp.ones((2, 3)) / 4), ValueError, r"the shape \(q, 1\), but has x.sh"),
        (lambda: found.variance(four[:1] / 4), ValueError, r"pass x\[None\]"),
        (lambda: found.covariance([[0.5]], [[0.5, 0.5]]), ValueError, "has z.shape=\\(1, 2\\)"),
        (lambda: found.mean([[1j]]), TypeError, "`x` must be real floating"),
        (lambda: of_net.mean([[jnp.nan]]), ValueError, r"must lie in \[0, 1\), .* has nan"),
        (lambda: of_net.variance([[1.0]]), ValueError, r"must lie in \[0, 1\), .* has 1"),
        (lambda: K.solve(jnp.ones(1)), ValueError, "for each of 4 points"),
        (lambda: dense.quadratic(jnp.ones((4, 1))), ValueError, "for each of 4 points"),
        (lambda: K(jnp.full(4, 1j)), TypeError, "`y` must be real floating"),
        (lambda: dense.solve(jnp.full(4, 1j)), TypeError, "`y` must be real floating"),
        (lambda: qmc.condition(kernel, points, four, prior_mean=four), ValueError, "be one number"),
        (lambda: of_array.extend(four), TypeError, "an array of points"),
    ]:
        with pytest.raises(error, match=words):
            call()
