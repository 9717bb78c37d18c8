"""Cubature by a Gaussian process: against dense algebra, and other searches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from hadax import qmc
from hadax.kernels import _reference
from hadax.qmc import bayesian
from tests.qmc.integrals import both_kinds, points, smooth, two


@both_kinds
@pytest.mark.parametrize("bound", ["likelihood", "gcv", "full"])
def test_bayesian_bounds_are_those_of_dense_algebra(kind, bound, x64):
    at, n, log_weight = points(kind), 64, -1.0
    kernel = qmc.shift_invariant_kernel(2, orders=1, weights=0.2)
    if kind == "net":
        kernel = qmc.digital_kernel(2, orders=1, weights=0.2)
    found = qmc.bayesian_cubature(
        smooth,
        at,
        abs_tol=10.0,
        n_min=n,
        kernel=kernel,
        log_range=(log_weight, log_weight + 1e-12),
        bound=bound,
        widen=False,
        periodization=None,
    )
    words, y = at.words(n), np.asarray(smooth(at(n)))
    weights = kernel.weights * np.exp(log_weight)
    scaled = type(kernel)(kernel.scale, weights, kernel.orders)
    inverse = np.linalg.inv(np.asarray(scaled(words[:, None], words[None])))
    gaps = y - y.mean()
    if bound == "gcv":
        size = gaps @ inverse @ inverse @ gaps / np.trace(inverse)
    else:
        size = gaps @ inverse @ gaps / (n - 1 if bound == "full" else n)
    spread = 1 - inverse.sum()
    if bound == "full":
        spread = spread + spread**2 / inverse.sum()
    quantile = stats.t.ppf(0.995, n - 1) if bound == "full" else stats.norm.ppf(0.995)
    np.testing.assert_allclose(found.error_bound, quantile * np.sqrt(size * spread), rtol=1e-5)
    np.testing.assert_allclose(found.integral, y.mean(), rtol=1e-12)


@both_kinds
def test_bounds_are_widened_by_the_worst_coefficient_nearby(kind, x64):
    """Of the coefficients that 4 of 64 points put onto the integral, in the eigenbasis."""
    at, n, rng = points(kind), 64, (-1.0, -1.0 + 1e-12)
    kernel = qmc.shift_invariant_kernel(2, orders=1, weights=0.2)
    if kind == "net":
        kernel = qmc.digital_kernel(2, orders=1, weights=0.2)

    def kink(x):
        return jnp.abs(x[..., 0] - 0.3) + 20 * x[..., 1] ** 2

    settings = {"abs_tol": 99.0, "n_min": n, "kernel": kernel, "log_range": rng}
    own, found, usual = (
        qmc.bayesian_cubature(kink, at, widen=widen, periodization=None, **settings)
        for widen in (False, True, None)
    )
    basis = _reference.hadamard_matrix(n)
    if kind == "lattice":
        bits = [int(f"{k:06b}"[::-1], 2) for k in range(n)]
        basis = np.fft.fft(np.eye(n))[:, bits]
    scaled = type(kernel)(kernel.scale, kernel.weights * np.exp(-1.0), kernel.orders)
    words = at.words(n)
    values = (basis @ np.asarray(scaled(words, words[:1]))).real
    ratios = np.abs(basis @ np.asarray(kink(at(n)))) ** 2 / values
    misfit = np.sqrt(ratios[4::4].max() / ratios[1:].mean())
    assert misfit > 1.2
    np.testing.assert_allclose(found.misfit, misfit, rtol=1e-6)
    np.testing.assert_allclose(own.misfit, misfit, rtol=1e-6)
    np.testing.assert_allclose(found.error_bound, misfit * own.error_bound, rtol=1e-6)
    assert usual.error_bound == (found if kind == "lattice" else own).error_bound


@both_kinds
def test_bounds_of_a_constant_are_not_widened(kind):
    """There is nothing to compare with: every coefficient but one is 0."""

    def constant(x):
        return 0 * x[..., 0] + 2

    found = qmc.bayesian_cubature(constant, points(kind), n_min=64, periodization=None)
    assert found.misfit == 0
    np.testing.assert_allclose(found.error_bound, 0, atol=1e-9)
    np.testing.assert_allclose(found.integral, 2, rtol=1e-6)


def test_the_kernel_that_explains_more_is_taken(x64):
    """A jump: the rough kernel has the least loss, and a larger bound than the smooth one."""

    def jump(x):
        return jnp.where(x[..., 0] + x[..., 1] < 0.7, 1.0, 0.0)

    kernels = tuple(qmc.shift_invariant_kernel(2, orders=order, weights=0.02) for order in (2, 1))
    settings = {"abs_tol": 1.0, "n_min": 1024, "log_range": (-3.0, 0.0), "widen": False}
    at = points("lattice")
    smooth_one, rough_one, taken = (
        qmc.bayesian_cubature(jump, at, kernel=kernel, **settings).error_bound
        for kernel in (kernels[0], kernels[1], kernels)
    )
    assert smooth_one < rough_one
    np.testing.assert_allclose(taken, rough_one, rtol=1e-9)


@pytest.mark.parametrize("bound", ["likelihood", "gcv"])
def test_bayesian_weights_are_the_best_ones(bound, x64):
    """No weight of a grid explains the values better than the one that was found.

    It is found to 2e-3 of the logarithm, which the loss of the best one at the end of the range
    shows in full.
    """
    at, n = points("net"), 128
    y = smooth(at(n))

    def loss(log_weight):
        """By `gram`, with the best scale."""
        kernel = qmc.digital_kernel(2, orders=1, weights=0.1 * jnp.exp(log_weight))
        if bound == "gcv":
            return qmc.regression_loss(kernel, at, y, loss="gcv")
        matrix = qmc.gram(kernel, at, n)
        return matrix.logdet() / n + jnp.log(matrix.quadratic(y - y.mean()))

    ends = jnp.asarray([-5.0, 0.0])
    found = jax.jit(lambda: loss(bayesian._least(loss, *ends)))()
    assert found <= jax.jit(jax.vmap(loss))(jnp.linspace(*ends, 41)).min() + 2e-3


def test_weights_at_an_end_of_their_range_are_said(x64):
    """The best one of a wide range is inside of it; a range below it ends there."""
    settings = {"abs_tol": 10.0, "n_min": 128, "kernel": qmc.digital_kernel(2, orders=1)}
    wide = qmc.bayesian_cubature(two, points("net"), log_range=(-12.0, 4.0), **settings)
    assert not wide.at_end[0]
    best = float(wide.log_weight[0])
    assert "log_range" not in str(
        qmc.bayesian_cubature(smooth, points("net"), log_range=(best - 3, best + 3), **settings)
    )
    for low, high in ((best - 5, best - 2), (best + 2, best + 5)):
        found = qmc.bayesian_cubature(smooth, points("net"), log_range=(low, high), **settings)
        assert found.at_end
        np.testing.assert_allclose(found.log_weight, high if high < best else low, atol=1e-2)
        assert "at an end of log_range, for 1 of 1 fits" in str(found)


def test_quantiles_of_student(x64):
    for confidence in (0.5, 0.9, 0.99):
        right = stats.t.ppf((1 + confidence) / 2, 31)
        found = bayesian._quantile(confidence, 31)
        np.testing.assert_allclose(found, right, rtol=1e-5)
