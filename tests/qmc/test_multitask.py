"""Gaussian processes of several tasks: against dense algebra of all points at once."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from hadax import qmc
from hadax.qmc import _words

KEY = jax.random.key(6)
KINDS = ("lattice", "net")
# Sizes that are equal, nested in both orders, and as small as one point.
SIZES = [(16, 16), (8, 32, 16), (1, 4), (2, 16)]


def system(kind, sizes):
    """Randomised copies of a lattice or net, a kernel, tasks and noise; in 64 bits."""
    keys = jax.random.split(KEY, len(sizes) + 1)
    weights = jnp.asarray([0.9, 0.4])
    if kind == "lattice":
        one = qmc.lattice(qmc.cbc(2, 64))
        points = tuple(qmc.random_shift(key, one) for key in keys[1:])
        kernel = qmc.shift_invariant_kernel(2, orders=(1, 2), weights=weights, scale=2.0)
    else:
        one = qmc.linear_scramble(keys[0], qmc.sobol(2))
        points = tuple(qmc.digital_shift(key, one) for key in keys[1:])
        kernel = qmc.digital_kernel(2, orders=(1, 2), weights=weights, scale=2.0)
    rng = np.random.default_rng(len(sizes))
    tasks = qmc.task_covariance(jnp.asarray(rng.standard_normal((len(sizes), 2))), 0.3)
    return kernel, points, tasks, jnp.asarray(rng.uniform(0.01, 0.1, len(sizes)))


def dense(kernel, points, sizes, tasks, noise):
    """The matrix of all points, all points, and the task of each."""
    words = jnp.concatenate([one.words(n) for one, n in zip(points, sizes, strict=True)])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    matrix = np.asarray(kernel(words[:, None], words[None])) * np.asarray(tasks)[owner][:, owner]
    return matrix + np.diag(np.asarray(noise)[owner]), words, owner


def draws(sizes, seed=0):
    """Random values of every task."""
    rng = np.random.default_rng(seed)
    return [jnp.asarray(rng.standard_normal(n)) for n in sizes]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", SIZES)
def test_matrices_are_dense_ones(kind, sizes, x64):
    kernel, points, tasks, noise = system(kind, sizes)
    fast = qmc.task_gram(kernel, points, sizes, tasks=tasks, noise=noise)
    matrix, _, _ = dense(kernel, points, sizes, tasks, noise)
    y = draws(sizes)
    joined = np.concatenate(y)
    np.testing.assert_allclose(jnp.concatenate(fast(y)), matrix @ joined, rtol=1e-10, atol=1e-10)
    solved = np.linalg.solve(matrix, joined)
    np.testing.assert_allclose(jnp.concatenate(fast.solve(y)), solved, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(fast.quadratic(y), joined @ solved, rtol=1e-9)
    np.testing.assert_allclose(fast.logdet(), np.linalg.slogdet(matrix)[1], rtol=1e-10)
    assert [one.shape for one in fast.solve(y)] == [(n,) for n in sizes]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(8, 32, 16)])
def test_posteriors_are_those_of_dense_algebra(kind, sizes, x64):
    kernel, points, tasks, noise = system(kind, sizes)
    y, means = draws(sizes, 1), jnp.asarray([0.5, -1.0, 2.0])
    found = qmc.condition_tasks(kernel, points, y, tasks=tasks, noise=noise, prior_means=means)
    matrix, words, owner = dense(kernel, points, sizes, tasks, noise)
    solved = np.linalg.solve(matrix, np.concatenate(y) - np.asarray(means)[owner])
    x = jnp.asarray(np.random.default_rng(2).uniform(size=(3, 2)))
    if kind == "lattice":
        known = jnp.concatenate([one(n) for one, n in zip(points, sizes, strict=True)])
        rows = np.asarray(kernel(x[:, None], known[None]))
    else:
        rows = np.asarray(kernel(_words.of_fractions(x, _words.word())[:, None], words[None]))
    prior = float(kernel(words[0], words[0]))
    for task in range(3):
        k = rows * np.asarray(tasks)[task, owner]
        np.testing.assert_allclose(found.mean(task, x), means[task] + k @ solved, rtol=1e-8)
        variance = tasks[task, task] * prior - np.sum(k.T * np.linalg.solve(matrix, k.T), axis=0)
        np.testing.assert_allclose(found.variance(task, x), variance, rtol=1e-8)
    low, high = found.interval(1, x, confidence=0.9)
    deviations = np.sqrt(found.variance(1, x))
    np.testing.assert_allclose((low + high) / 2, found.mean(1, x), rtol=1e-9)
    np.testing.assert_allclose((high - low) / 2, 1.6448536269514722 * deviations, rtol=1e-9)
    # Between two tasks, and of one with itself, whose diagonal is the variance.
    z = x[:2]
    first, second = (rows * np.asarray(tasks)[task, owner] for task in (0, 2))
    at = _words.of_fractions(x, _words.word()) if kind == "net" else x
    priors = np.asarray(kernel(at[:, None], at[None, :2]))
    expected = tasks[0, 2] * priors - first @ np.linalg.solve(matrix, second[:2].T)
    np.testing.assert_allclose(found.covariance(0, x, 2, z), expected, rtol=1e-8, atol=1e-10)
    diagonal = np.diag(found.covariance(1, x, 1, x))
    np.testing.assert_allclose(diagonal, found.variance(1, x), rtol=1e-8)
    integrals, covariance = found.integrals()
    k = 2.0 * np.asarray(tasks)[:, owner]
    np.testing.assert_allclose(integrals, means + k @ solved, rtol=1e-9)
    expected = 2.0 * tasks - k @ np.linalg.solve(matrix, k.T)
    np.testing.assert_allclose(covariance, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_one_task_is_the_posterior_of_one(kind, x64):
    kernel, points, _, _ = system(kind, (32, 32))
    (y,) = draws([32])
    alone = qmc.condition(kernel, points[0], y, noise=0.01)
    found = qmc.condition_tasks(kernel, points[:1], [y], tasks=jnp.ones((1, 1)), noise=0.01)
    x = jnp.asarray(np.random.default_rng(2).uniform(size=(3, 2)))
    np.testing.assert_allclose(found.mean(0, x), alone.mean(x), rtol=1e-9)
    np.testing.assert_allclose(found.variance(0, x), alone.variance(x), rtol=1e-7)
    mean, variance = alone.integral()
    means, covariance = found.integrals()
    np.testing.assert_allclose(means[0], mean, rtol=1e-10)
    np.testing.assert_allclose(covariance[0, 0], variance, rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_more_values_are_as_all_at_once(kind, x64):
    """Of the first task as many more, of the second none."""
    sizes = (4, 8)
    kernel, points, tasks, noise = system(kind, sizes)
    y = draws((8, 8))
    settings = {"tasks": tasks, "noise": noise}
    part = qmc.condition_tasks(kernel, points, [y[0][:4], y[1]], **settings)
    found = part.extend([y[0][4:], None])
    right = qmc.condition_tasks(kernel, points, y, **settings)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)
    with pytest.raises(ValueError, match=r"or None, but has the shapes"):
        part.extend([y[0][:2], None])


@pytest.mark.parametrize(("kind", "loss"), [("lattice", "likelihood"), ("net", "cv")])
def test_fits_are_at_losses_of_dense_algebra(kind, loss, x64):
    """Two tasks of which one is -2 times the other, which the fit is not told."""
    sizes = (16, 4)
    kernel, points, _, _ = system(kind, sizes)
    y = [factor * wave(one(n)) for factor, one, n in zip((1, -2), points, sizes, strict=True)]
    start = {"factors": jnp.ones((2, 1)), "variances": 0.1, "noise": jnp.asarray([0.1, 0.2])}
    settings = start | {"loss": loss, "steps": 150, "patience": 40}
    found = qmc.fit_tasks(kernel, points, y, optax.rprop(0.1), **settings)
    assert found.loss < found.losses[0]
    matrix, _, _ = dense(found.kernel, points, sizes, found.tasks, found.noise)
    gaps = np.concatenate([one - one.mean() for one in y])
    inverse = np.linalg.inv(matrix)
    if loss == "likelihood":
        logdet = np.linalg.slogdet(matrix)[1]
        right = (gaps @ inverse @ gaps + logdet + 20 * np.log(2 * np.pi)) / 2
        assert found.tasks[0, 1] < -0.9 * np.sqrt(found.tasks[0, 0] * found.tasks[1, 1])
    else:
        right = np.sum((inverse @ gaps / np.diag(inverse)) ** 2)
    np.testing.assert_allclose(found.loss, right, rtol=1e-6)
    assert all(name in repr(found) for name in ("weights", "factors", "variances", "noise"))


def wave(x):
    """A smooth periodic function of integral 1 / 4."""
    return jnp.prod(jnp.sin(jnp.pi * x) ** 2, axis=1)


@pytest.mark.slow
def test_tasks_that_go_together_help_each_other(x64):
    """Four values of a function and many of half of it are better than the four alone."""
    kernel, points, _, _ = system("lattice", (64, 4))
    y = [wave(points[0](64)), 2 * wave(points[1](4))]
    tasks = qmc.task_covariance(jnp.asarray([[1.0], [2.0]]), 1e-4)
    settings = {"tasks": tasks, "noise": 1e-6, "prior_means": 0.0}
    found = qmc.condition_tasks(kernel, points, y, **settings)
    alone = qmc.condition(kernel, points[1], y[1], noise=1e-6, prior_mean=0.0)
    x = jnp.asarray(np.random.default_rng(3).uniform(size=(50, 2)))
    errors = [jnp.max(jnp.abs(one - 2 * wave(x))) for one in (found.mean(1, x), alone.mean(x))]
    assert errors[0] < 0.1 * errors[1]
    np.testing.assert_allclose(found.integrals()[0], [0.25, 0.5], atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_likelihoods_have_gradients(kind, x64):
    """In what tasks share, what they have of their own and the noise, against differences."""
    sizes = (4, 16)
    kernel, points, _, _ = system(kind, sizes)
    y = draws(sizes)

    def loss(theta):
        tasks = qmc.task_covariance(theta[:2, None], jnp.exp(theta[2:4]))
        matrix = qmc.task_gram(kernel, points, sizes, tasks=tasks, noise=jnp.exp(theta[4:]))
        return matrix.quadratic(y) + matrix.logdet()

    theta, step = jnp.asarray([1.0, 0.5, -1.0, -0.5, -2.0, -1.0]), 1e-5
    compiled = jax.jit(loss)
    gradient = jax.jit(jax.grad(loss))(theta)
    for i, unit in enumerate(np.eye(6)):
        slope = (compiled(theta + step * unit) - compiled(theta - step * unit)) / (2 * step)
        np.testing.assert_allclose(gradient[i], slope, rtol=1e-6)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input():
    one, kernel = qmc.lattice([1, 3]), qmc.shift_invariant_kernel(2)
    pair, tasks = [one, qmc.random_shift(KEY, one)], jnp.eye(2)
    nets, digital = [qmc.sobol(2), qmc.linear_scramble(KEY, qmc.sobol(2))], qmc.digital_kernel(2)
    nested = [qmc.nested_scramble(KEY, qmc.sobol(2))]
    gram, y = qmc.task_gram, [jnp.ones(4), jnp.ones(4)]
    lopsided, x = jnp.asarray([[1.0, 0.5], [0.0, 1.0]]), jnp.ones((1, 2)) / 2

    def posterior(**settings):
        return qmc.condition_tasks(kernel, pair, y, tasks=tasks, noise=0.1, **settings)

    def fit(**settings):
        start = {"factors": jnp.ones((2, 1)), "variances": 0.1, "noise": 0.1} | settings
        return qmc.fit_tasks(kernel, pair, y, optax.rprop(0.1), **start)

    for call, error, text in [
        (lambda: gram(kernel, pair, [4], tasks=tasks), ValueError, "one entry a task"),
        (lambda: gram(kernel, pair, [4, 3], tasks=tasks), ValueError, "power of two"),
        (lambda: gram(digital, pair, [4, 4], tasks=tasks), TypeError, "one of lattices"),
        (lambda: gram(digital, nets, [4, 4], tasks=tasks), ValueError, "shifted copies"),
        (lambda: gram(digital, nested, [4], tasks=tasks), ValueError, "point by point"),
        (lambda: gram(kernel, pair, [4, 4], tasks=jnp.eye(3)), ValueError, "`tasks` must have"),
        (lambda: gram(kernel, pair, [4, 4], tasks=tasks, noise=-1.0), ValueError, "not be neg"),
        (lambda: gram(kernel, pair, [4, 4], tasks=-tasks), ValueError, "no negative eigenvalue"),
        (lambda: gram(kernel, pair, [4, 4], tasks=lopsided), ValueError, "be symmetric"),
        (lambda: posterior().mean(2, x), ValueError, "`task` must be from 0 to 1"),
        (lambda: posterior().mean(-1, x), ValueError, "`task` must be from 0 to 1"),
        (lambda: posterior().mean(0, x[0]), ValueError, r"the shape \(q, 2\)"),
        (lambda: posterior().covariance(0, x, 1, x[:, :1]), ValueError, "has z.shape"),
        (lambda: posterior().variance(1.0, x), TypeError, "`task` must be an integer"),
        (lambda: posterior().covariance(0, x, 3, x), ValueError, "`other` must be from"),
        (lambda: posterior(prior_means=jnp.ones(3)), ValueError, "`prior_means` must have"),
        (lambda: fit(factors=jnp.ones((3, 1))), ValueError, "a row for each of 2 tasks"),
        (lambda: fit(variances=0.0), ValueError, "`variances` must be positive"),
        (lambda: fit(noise=0.0), ValueError, "`noise` must be positive"),
        (lambda: qmc.task_covariance(jnp.ones((2, 1)), 0.0), ValueError, "be positive"),
        (lambda: qmc.task_covariance(jnp.ones((2, 1)), jnp.ones(3)), ValueError, "the shape"),
        (lambda: gram(kernel, [jnp.ones((4, 2))], [4], tasks=tasks), TypeError, "be a Lattice"),
    ]:
        with pytest.raises(error, match=text):
            call()
