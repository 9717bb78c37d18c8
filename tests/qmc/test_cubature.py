"""Cubature to a tolerance: against slow forms of its formulas, and against known integrals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import ndtri
from scipy import stats

from hadax import qmc
from hadax.kernels import _reference
from hadax.qmc import _decay, bayesian

METHODS = {"adaptive": qmc.adaptive_cubature, "bayesian": qmc.bayesian_cubature}
every_method = pytest.mark.parametrize("method", METHODS)
both_kinds = pytest.mark.parametrize("kind", ["lattice", "net"])
VECTOR = qmc.cbc(2, 2**16, n_min=2**6)


def points(kind, seed=0, dimensions=2):
    first, second = jax.random.split(jax.random.key(seed))
    if kind == "lattice":
        return qmc.random_shift(first, qmc.lattice(VECTOR[:dimensions]))
    net = qmc.linear_scramble(second, qmc.sobol(dimensions))
    return qmc.digital_shift(first, net)


def keister(x):
    """Keister's example in two dimensions; infinite arguments on the faces of the square."""
    radius = jnp.sqrt(jnp.sum(jnp.square(ndtri(x)), axis=-1) / 2)
    return jnp.pi * jnp.cos(radius)


KEISTER = 1.8081864296


def smooth(x):
    return jnp.exp(x[..., 0] * x[..., 1])


SMOOTH = 1.3179021515


def negative(x):
    return -smooth(x)


def two(x):
    return jnp.stack([smooth(x), 3 + 0 * x[..., 0]], axis=-1)


@every_method
@both_kinds
def test_signs_and_several_integrals_at_once(method, kind):
    """The same points: the same numbers, whichever way they are asked for."""
    integrate, at = METHODS[method], points(kind)
    found = integrate(smooth, at, abs_tol=1e-3)
    opposite = integrate(negative, at, abs_tol=1e-3)
    np.testing.assert_allclose(opposite.integral, -found.integral, rtol=1e-6)
    np.testing.assert_allclose(found.integral, SMOOTH, atol=1e-3)
    both = integrate(two, at, abs_tol=1e-3)
    assert both.integral.shape == (2,)
    assert both.n == found.n
    np.testing.assert_allclose(both.integral, [found.integral, 3.0], rtol=1e-5)
    np.testing.assert_allclose(both.error_bound[0], found.error_bound, rtol=1e-2)


@every_method
def test_relative_tolerances_and_both(method):
    def large(x):
        return 1e4 * smooth(x)

    integrate = METHODS[method]
    either = integrate(large, points("net"), abs_tol=1e-9, rel_tol=1e-2)
    assert bool(either.converged)
    np.testing.assert_allclose(either.integral, 1e4 * SMOOTH, rtol=1e-2)
    both = integrate(large, points("net"), abs_tol=1e9, rel_tol=1e-3, meaning="both")
    np.testing.assert_allclose(both.integral, 1e4 * SMOOTH, rtol=1e-3)
    assert both.n >= either.n


@every_method
def test_a_quantity_of_several_integrals(method):
    """A ratio, whose bounds follow from those of two positive integrals."""

    def ratio(low, high):
        return low[0] / high[1], high[0] / low[1]

    found = METHODS[method](two, points("net"), abs_tol=1e-3, quantity=ratio)
    assert found.integral.shape == ()
    np.testing.assert_allclose(found.integral, SMOOTH / 3, atol=1e-3)


@every_method
def test_too_few_points_are_said_to_be(method):
    found = METHODS[method](keister, points("net"), abs_tol=1e-6, n_min=256, n_max=512)
    assert not bool(found.converged)
    assert found.n == 512
    assert float(found.error_bound) > 1e-6
    assert "NOT CONVERGED" in str(found)
    assert "512 points" in str(found)


def test_many_integrals_print_their_first_ones():
    def many(x):
        return x[..., :1] * jnp.arange(12.0)[None]

    lines = str(qmc.adaptive_cubature(many, points("net"), abs_tol=0.1, rel_tol=0.5)).splitlines()
    assert len(lines) == 12
    assert "2 more" in lines[10]
    assert "0.5 relative" in lines[-1]


@both_kinds
def test_control_variates_make_bounds_smaller(kind):
    def rough(x):
        return jnp.abs(x[..., 0] - 1 / 3) * 100 + smooth(x)

    def control(x):
        return jnp.abs(x[..., :1] - 1 / 3)

    known, at = np.array([5 / 18]), points(kind)
    plain = qmc.adaptive_cubature(rough, at, abs_tol=1e-1)
    helped = qmc.adaptive_cubature(
        rough, at, abs_tol=1e-1, control=control, control_integrals=known
    )
    assert helped.n <= plain.n
    assert helped.error_bound < 0.7 * plain.error_bound
    assert helped.cone is None
    for found in (plain, helped):
        np.testing.assert_allclose(found.integral, 500 / 18 + SMOOTH, atol=1e-1)


def test_double_precision_reaches_small_tolerances(x64):
    for kind in ("lattice", "net"):
        found = qmc.adaptive_cubature(smooth, points(kind), abs_tol=1e-6, n_min=2**15, n_max=2**16)
        np.testing.assert_allclose(found.integral, SMOOTH, atol=1e-6)
    found = qmc.bayesian_cubature(smooth, points("lattice"), abs_tol=1e-7, n_min=2**11)
    assert found.n <= 2**13
    np.testing.assert_allclose(found.integral, SMOOTH, atol=1e-7)


@every_method
def test_the_second_call_compiles_nothing(method):
    compiled = []

    def listen(event, _, **__):
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    METHODS[method](smooth, points("net", 1), abs_tol=1e-2)
    second = points("net", 2)
    jax.monitoring.register_event_duration_secs_listener(listen)
    METHODS[method](smooth, second, abs_tol=1e-2)
    assert not compiled
    jax.jit(lambda x: x + 1.25)(1.0)
    assert compiled


# --- the formulas, in slow forms


def slow_order(sizes):
    """The order of coefficients as it is defined, a pair at a time."""
    order = np.arange(len(sizes))
    swap(order, sizes, range(len(sizes).bit_length() - 2, 0, -1))
    return order


def swap(order, sizes, levels):
    """Exchange what is out of order, in every block, in place."""
    for level in levels:
        half = 1 << level
        for j in range(1, half):
            if sizes[order[half + j]] > sizes[order[j]]:
                for block in range(0, len(order), 2 * half):
                    pair = [block + j, block + half + j]
                    order[pair] = order[pair[::-1]]


def test_orders_of_coefficients_are_those_of_the_definition():
    sizes = np.random.default_rng(3).uniform(size=(2, 64)) / np.arange(1, 65)
    start = jnp.broadcast_to(jnp.arange(64), (2, 64))
    found = _decay._sorted(start, jnp.asarray(sizes, "float32"), all_levels=True)
    for row, size in zip(np.asarray(found), sizes, strict=True):
        np.testing.assert_array_equal(row, slow_order(size))
        np.testing.assert_array_equal(np.sort(row), np.arange(64))


@both_kinds
def test_error_bounds_are_sums_of_coefficients(kind):
    """After one step: 5 / n times the sum of |coefficients| from the 2^(m-5)th on."""
    at = points(kind)
    found = qmc.adaptive_cubature(
        smooth, at, abs_tol=10.0, n_min=256, inflation=5.0, periodization=None
    )
    assert found.n == 256
    values = np.asarray(smooth(at(256)), np.float64)
    bits = [int(f"{k:08b}"[::-1], 2) for k in range(256)]
    if kind == "lattice":
        sizes = np.abs(np.fft.fft(values[bits])) / 256
    else:
        sizes = np.abs(_reference.hadamard_matrix(256) @ values) / 256
    falling = sizes[slow_order(sizes)]
    np.testing.assert_allclose(found.error_bound, 5 / 256 * falling[8:16].sum(), rtol=1e-4)
    np.testing.assert_allclose(found.integral, values.mean(), rtol=1e-6)


def test_doubled_steps_are_those_of_a_slow_loop(x64):
    """Means, sums and cone after 256, 512 and 1024 points, as GAIL computes them."""
    at, inflation = points("net"), 5.0
    order, low, high, before = np.arange(1), {}, {}, None
    for n in (256, 512, 1024):
        m = n.bit_length() - 1
        spectrum = _reference.hadamard_matrix(n) @ np.asarray(smooth(at(n))) / n
        sizes = np.abs(spectrum)
        if n == 256:
            order = slow_order(sizes)
        else:
            order = np.concatenate([order, order + n // 2])
            swap(order, sizes, range(m - 1, m - 5, -1))
        falling = sizes[order]
        for level in range(4, m + 1):
            # The inflation's decay over the gap, times that of what is aliased.
            gap = m - level
            omega = inflation * 2.0**-gap / ((1 + inflation * 2.0**-4) * 2.0**-4) * 2.0**-gap
            total = falling[1 << (level - 1) : 1 << level].sum()
            low[level] = max(low.get(level, 0), total / (1 + omega))
            if omega < 1:
                high[level] = min(high.get(level, np.inf), total / (1 - omega))
        before = _decay.decay(
            at,
            before,
            None,
            f=smooth,
            control=None,
            n=n,
            n_min=256,
            periodization=None,
            inflation=inflation,
        )
        np.testing.assert_allclose(before.means[0], spectrum[0], rtol=1e-12)
        np.testing.assert_allclose(before.sums[0], falling[n >> 5 : n >> 4].sum(), rtol=1e-9)
        for level, value in low.items():
            np.testing.assert_allclose(before.low[0, level], value, rtol=1e-9)
        for level, value in high.items():
            np.testing.assert_allclose(before.high[0, level], value, rtol=1e-9)


def test_coefficients_that_do_not_fall_are_noticed():
    """Noise has coefficients of one size at all frequencies, which more points make smaller."""

    def noise(x):
        return 43758.5 * jnp.sin(12.9898 * x[..., 0] + 78.233 * x[..., 1]) % 1

    found = qmc.adaptive_cubature(noise, points("net"), abs_tol=1e-7, n_min=256, n_max=2**11)
    assert found.cone > 1.4
    assert "do not fall" in str(found)
    found = qmc.adaptive_cubature(smooth, points("net"), abs_tol=1e-5, n_min=256)
    assert found.cone < 1.25
    assert "do not fall" not in str(found)


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


def test_the_kernel_that_explains_more_is_taken(x64):
    """A jump: the rough kernel has the least loss, and a larger bound than the smooth one."""

    def jump(x):
        return jnp.where(x[..., 0] + x[..., 1] < 0.7, 1.0, 0.0)

    kernels = tuple(qmc.shift_invariant_kernel(2, orders=order, weights=0.02) for order in (2, 1))
    settings = {"abs_tol": 1.0, "n_min": 1024, "log_range": (-3.0, 0.0)}
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


# --- what is refused


@every_method
def test_what_cannot_be_integrated_is_refused(method):
    integrate, at = METHODS[method], points("net")
    with pytest.raises(ValueError, match="must be a function from points"):
        integrate(lambda x: jnp.sum(smooth(x)), at)
    with pytest.raises(TypeError, match="real floating point"):
        integrate(lambda x: x[..., 0].astype("complex64"), at)
    with pytest.raises(ValueError, match="leave a tolerance"):
        integrate(smooth, at, abs_tol=0.0)
    with pytest.raises(ValueError, match="leave a tolerance"):
        integrate(smooth, at, abs_tol=1.0, meaning="both")
    with pytest.raises(ValueError, match="not negative"):
        integrate(smooth, at, abs_tol=-1.0)
    with pytest.raises(ValueError, match="below 1"):
        integrate(smooth, at, rel_tol=2.0)
    with pytest.raises(ValueError, match="power of two"):
        integrate(smooth, at, n_min=1000)
    with pytest.raises(ValueError, match="at most n_max"):
        integrate(smooth, at, n_min=2**12, n_max=2**11)
    with pytest.raises(ValueError, match="point by point"):
        integrate(smooth, qmc.nested_scramble(jax.random.key(0), qmc.sobol(2)))


@every_method
@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    "call",
    [
        lambda integrate: jax.jit(lambda at: integrate(smooth, at).integral)(points("net")),
        lambda integrate: jax.jit(lambda: integrate(smooth, points("net")).integral)(),
        lambda integrate: jax.vmap(
            lambda key: integrate(smooth, qmc.digital_shift(key, qmc.sobol(2))).integral
        )(jax.random.split(jax.random.key(0))),
        lambda integrate: jax.grad(
            lambda a: integrate(lambda x: a * smooth(x), points("net")).integral
        )(1.0),
        lambda integrate: jax.jit(
            lambda tol: integrate(smooth, points("net"), abs_tol=tol).integral
        )(0.1),
    ],
    ids=["jit", "jit of constants", "vmap over keys", "grad of a parameter", "traced tolerance"],
)
def test_transformations_are_refused_with_what_to_do(method, call):
    with pytest.raises(TypeError, match=r"outside of jit, vmap and grad.*jnp.mean\(f\(points\(n\)"):
        call(METHODS[method])


def test_what_the_refusal_says_to_do_does_it():
    """The number of points is found once, and their mean has a gradient by a parameter."""
    found = qmc.adaptive_cubature(smooth, points("net"), abs_tol=1e-3)
    x = points("net")(found.n)
    slope = jax.jit(jax.grad(lambda a: jnp.mean(a**2 * smooth(x), axis=0)))(3.0)
    np.testing.assert_allclose(slope, 6 * SMOOTH, atol=6e-3)


@every_method
def test_other_points_are_refused(method, without_shape_checks):
    for other in (qmc.halton(2), jnp.ones((4, 2))):
        with pytest.raises(TypeError, match="must be a Lattice or a DigitalNet"):
            METHODS[method](smooth, other)


@every_method
def test_what_is_not_finite_is_said_at_once(method):
    def broken(x):
        return jnp.log(x[..., 0] - 0.5)

    found = METHODS[method](broken, points("net"), n_min=256)
    assert found.n == 256
    assert not bool(found.converged)
    assert "not finite" in str(found)


def test_wrong_controls_words_and_kernels_are_refused(without_shape_checks):
    at = points("net")
    with pytest.raises(ValueError, match="come together"):
        qmc.adaptive_cubature(smooth, at, control=smooth)
    with pytest.raises(ValueError, match="control_integrals"):
        qmc.adaptive_cubature(smooth, at, control=smooth, control_integrals=np.ones(2))
    with pytest.raises(ValueError, match="inflation"):
        qmc.adaptive_cubature(smooth, at, inflation=0.0)
    with pytest.raises(ValueError, match="periodization"):
        qmc.adaptive_cubature(smooth, points("lattice"), periodization="sine")
    with pytest.raises(ValueError, match="meaning"):
        qmc.adaptive_cubature(smooth, at, meaning="neither")
    with pytest.raises(ValueError, match="bound"):
        qmc.bayesian_cubature(smooth, at, bound="worst")
    with pytest.raises(ValueError, match="confidence"):
        qmc.bayesian_cubature(smooth, at, confidence=1.0)
    with pytest.raises(ValueError, match="log_range"):
        qmc.bayesian_cubature(smooth, at, log_range=(0.0, -5.0))
    with pytest.raises(TypeError, match="digital_kernel"):
        qmc.bayesian_cubature(smooth, at, kernel=qmc.shift_invariant_kernel(2))
    with pytest.raises(ValueError, match="dimensions"):
        qmc.bayesian_cubature(smooth, at, kernel=qmc.digital_kernel(3))
    with pytest.raises(ValueError, match="empty tuple"):
        qmc.bayesian_cubature(smooth, at, kernel=())
