"""Fitted kernels: what they find, when they stop, what they say, and how they compose."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from hadax import qmc

KEY = jax.random.key(2)
N = 128


def adam(rate):
    """optax.adam, which asks for common types itself."""
    inner = optax.adam(rate)

    def update(updates, state, params=None):
        with jax.numpy_dtype_promotion("standard"):
            return inner.update(updates, state, params)

    return optax.GradientTransformation(inner.init, update)


def lattice_data(dtype="float32"):
    """Values that depend on the first of two coordinates, with noise of variance 0.01."""
    points = qmc.random_shift(KEY, qmc.lattice(qmc.cbc(2, N)))
    clean = jnp.cos(2 * jnp.pi * points(N, dtype=dtype)[:, 0])
    return points, clean + 0.1 * jax.random.normal(jax.random.fold_in(KEY, 1), (N,), dtype)


@pytest.fixture(scope="module")
def found():
    points, y = lattice_data()
    return qmc.fit(qmc.shift_invariant_kernel(2), points, y, optax.rprop(0.1), noise=1.0)


def test_it_finds_the_noise_and_the_coordinate_that_matters(found):
    assert 0.006 < found.noise < 0.016
    assert found.kernel.weights[1] < 0.1 * found.kernel.weights[0]


def test_it_reports_what_it_did(found):
    points, y = lattice_data()
    steps = int(found.steps)
    assert found.end == 1
    assert 10 < steps < 1000
    assert bool(jnp.isfinite(found.losses[:steps]).all())
    assert bool(jnp.isinf(found.losses[steps:]).all())
    assert found.loss == found.losses.min()
    again = qmc.regression_loss(found.kernel, points, y, noise=found.noise)
    np.testing.assert_allclose(found.loss, again, rtol=1e-4)
    text = repr(found)
    assert "the loss no longer improved" in text
    assert all(name in text for name in ("scale", "weights", "noise"))


@pytest.mark.parametrize("loss", ["likelihood", "gcv", "cv"])
def test_every_loss_goes_down_on_a_net(loss):
    """With a kernel whose rates are fitted too; noise is kept when it is not to be learned."""
    points = qmc.digital_shift(KEY, qmc.sobol(2))
    y = jnp.sin(3 * points(N)[:, 0]) + points(N)[:, 1]
    kernel = qmc.combine(qmc.adaptive_kernel(2), qmc.digital_kernel(2))
    settings = {"noise": 1e-3, "learn_noise": False, "loss": loss, "steps": 60}
    found = qmc.fit(kernel, points, y, adam(0.05), **settings)
    assert found.loss < found.losses[0]
    assert found.noise == jnp.float32(1e-3)
    assert "kernels[0].rates" in repr(found)
    if loss == "likelihood":
        assert (found.kernel.kernels[0].rates != 1).all()


def test_arrays_of_points_fit_as_sequences_do(x64):
    points, y = lattice_data("float64")
    kernel = qmc.shift_invariant_kernel(2)
    fits = [
        qmc.fit(kernel, p, y, adam(0.1), noise=0.1, steps=20) for p in (points, points.words(N))
    ]
    np.testing.assert_allclose(fits[0].losses, fits[1].losses, rtol=1e-8)
    np.testing.assert_allclose(fits[0].kernel.weights, fits[1].kernel.weights, rtol=1e-6)


@pytest.mark.parametrize(("of_y", "of_kernel"), [("float32", "float64"), ("float64", "float32")])
def test_the_dtype_of_values_decides(of_y, of_kernel, x64):
    points, y = lattice_data(of_y)
    scale, weights = jnp.ones((), of_kernel), jnp.full(2, 0.5, of_kernel)
    kernel = qmc.shift_invariant_kernel(2, scale=scale, weights=weights)
    noise, x = jnp.asarray(0.1, of_kernel), jnp.full((1, 2), 0.3, of_kernel)
    for at in (points, points(N, dtype=of_kernel)):
        posterior = qmc.condition(kernel, at, y, noise=noise)
        found = qmc.fit(kernel, at, y, optax.rprop(0.1), noise=noise, steps=2)
        loss = qmc.regression_loss(kernel, at, y, noise=noise)
        for leaf in (loss, *posterior.interval(x), *posterior.integral(), found.loss):
            assert leaf.dtype == of_y
        again = qmc.regression_loss(found.kernel, at, y, noise=found.noise)
        np.testing.assert_allclose(found.loss, again, rtol=1e-4)
    assert posterior.covariance(x, x).dtype == of_y
    grown = qmc.condition(kernel, points, y[:64]).extend(y[64:].astype(of_kernel))
    assert grown.coefficients.dtype == of_y
    # Of tasks the widest dtype of values.
    pair, values = (points, points), (y[:8], y[:8].astype("float32"))
    tasks = qmc.condition_tasks(kernel, pair, values, tasks=jnp.eye(2, dtype=of_kernel), noise=0.1)
    start = {"factors": jnp.ones((2, 1), of_kernel), "variances": 0.1, "noise": noise}
    fitted = qmc.fit_tasks(kernel, pair, values, optax.rprop(0.1), steps=2, **start)
    for leaf in (*tasks.interval(0, x), *tasks.integrals(), fitted.loss, fitted.tasks):
        assert leaf.dtype == of_y


def coverage(found, y):
    """The share of 95 % intervals that hold the function which `lattice_data` adds noise to."""
    points, _ = lattice_data()
    x = jnp.asarray(np.random.default_rng(4).uniform(size=(100, 2)), "float32")
    posterior = qmc.condition(found.kernel, points, y, noise=found.noise)
    low, high = posterior.interval(x, confidence=0.95)
    return low, high, jnp.cos(2 * jnp.pi * x[:, 0])


@pytest.mark.parametrize("loss", ["likelihood", "gcv"])
def test_units_of_values_do_not_matter_and_intervals_hold(loss):
    """Of errors that are alike in neighbours few are independent. Seen: of 100 intervals
    0.97 and 1.00."""
    points, y = lattice_data()
    kernel, rprop = qmc.shift_invariant_kernel(2), optax.rprop(0.1)
    shares, fits = [], []
    for unit in (1.0, 1e6, 1e-6):
        found = qmc.fit(kernel, points, unit * y, rprop, noise=0.1, loss=loss, steps=40)
        low, high, truth = coverage(found, unit * y)
        shares.append(float(jnp.mean((low <= unit * truth) & (unit * truth <= high))))
        assert jnp.mean(high - low) < 0.3 * unit  # not by being wide
        change = N * np.log(unit) if loss == "likelihood" else 0
        factor = 1 if loss == "likelihood" else unit**2
        fits.append(
            [
                *found.kernel.weights,
                found.kernel.scale / unit**2,
                found.noise / unit**2,
                (found.loss - change) / factor,
            ]
        )
    assert min(shares) >= 0.85
    assert max(shares) - min(shares) <= 0.02
    np.testing.assert_allclose(fits[1], fits[0], rtol=2e-2)
    np.testing.assert_allclose(fits[2], fits[0], rtol=2e-2)


def test_units_of_tasks_do_not_matter():
    points, y = lattice_data()
    kernel, rprop = qmc.shift_invariant_kernel(2), optax.rprop(0.1)
    start = {"factors": jnp.ones((2, 1)), "variances": 0.1, "noise": 0.1, "steps": 10}
    fits = []
    for unit in (1.0, 1e6):
        values = [unit * y[:16], -unit * y[:8]]
        found = qmc.fit_tasks(kernel, (points, points), values, rprop, **start)
        assert found.loss < found.losses[0]
        found_leaves = [found.kernel.scale / unit**2, found.noise / unit**2]
        fits.append([*found_leaves, *found.factors[:, 0], found.loss - 24 * np.log(unit)])
    np.testing.assert_allclose(fits[1], fits[0], rtol=2e-2)


def test_half_precision_is_taken_as_single():
    points, y = lattice_data()
    found = qmc.condition(qmc.shift_invariant_kernel(2), points, y.astype("bfloat16"), noise=0.1)
    assert found.coefficients.dtype == "float32"


def test_starts_and_values_are_vmapped():
    points, y = lattice_data()
    optimizer = adam(0.1)

    def one(scale, y):
        kernel = qmc.shift_invariant_kernel(2, scale=scale)
        return qmc.fit(kernel, points, y, optimizer, noise=0.1, steps=40)

    scales, values = jnp.asarray([0.5, 2.0]), jnp.stack([y, 2 * y])
    both = jax.vmap(one)(scales, values)
    assert both.losses.shape == (2, 40)
    for i in range(2):
        alone = one(scales[i], values[i])
        np.testing.assert_allclose(both.loss[i], alone.loss, rtol=1e-4)
        np.testing.assert_allclose(both.kernel.weights[i], alone.kernel.weights, rtol=1e-2)
    assert repr(both).startswith("2 fits, best loss")


def test_what_is_not_finite_is_said_and_what_was_before_returned():
    points, y = lattice_data()
    kernel = qmc.shift_invariant_kernel(2)
    with pytest.warns(RuntimeWarning, match="not finite"):
        found = qmc.fit(kernel, points, y, optax.sgd(1e4), noise=0.1)
    assert found.end == 2
    assert bool(jnp.isfinite(found.loss))
    assert bool(jnp.isfinite(found.kernel.weights).all())
    assert "not finite" in repr(found)


def test_slopes_are_finite_where_eigenvalues_tie():
    """The largest eigenvalue, which round-off is measured by, comes in pairs on a lattice."""
    spectrum = jnp.asarray([0.5, 1.0, 1e-9, 1.0])
    slopes = jax.jit(jax.grad(lambda s: qmc.Gram(s, True).logdet()))(spectrum)
    np.testing.assert_allclose(slopes, [2.0, 1.0, 0.0, 1.0])


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input():
    points, y = lattice_data()
    kernel, rprop = qmc.shift_invariant_kernel(2), optax.rprop(0.1)
    for call, error, text in [
        (lambda: qmc.fit(kernel, points, y, "adam", noise=0.1), TypeError, "`init` and `update`"),
        (
            lambda: qmc.fit(kernel, points, y, optax.lbfgs(), noise=0.1),
            TypeError,
            "gradients alone",
        ),
        (lambda: qmc.fit(kernel, points, y, rprop, noise=0.0), ValueError, "`noise` must be pos"),
        (lambda: qmc.fit(kernel, points, y, rprop, noise=0.1, loss="mle"), ValueError, "`loss`"),
        (lambda: qmc.fit(kernel, points, y, rprop, noise=0.1, steps=0), ValueError, "`steps`"),
    ]:
        with pytest.raises(error, match=text):
            call()
