"""Cubature to a tolerance, by either method: what is promised of results, and what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import ndtri

from hadax import qmc
from hadax.qmc._refinement import Tolerance
from tests.qmc.integrals import SMOOTH, both_kinds, points, smooth, two

METHODS = {"adaptive": qmc.adaptive_cubature, "bayesian": qmc.bayesian_cubature}
every_method = pytest.mark.parametrize("method", METHODS)


def keister(x):
    """Keister's example in two dimensions; infinite arguments on the faces of the square."""
    radius = jnp.sqrt(jnp.sum(jnp.square(ndtri(x)), axis=-1) / 2)
    return jnp.pi * jnp.cos(radius)


def negative(x):
    return -smooth(x)


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
@both_kinds
def test_integrals_of_every_size(method, kind):
    """By powers of two, of which none changes a digit: squares of these are 0 or infinite."""
    scales = 2.0 ** np.array([-100, -57, 0, 67, 100])

    def jump(x):
        one = smooth(x) * jnp.where(x[..., 0] > 0.37, 2.0, 1.0)
        return one[..., None] * scales.astype(x.dtype)[None]

    found = METHODS[method](jump, points(kind), abs_tol=0.0, rel_tol=1e-2)
    assert np.all(found.converged)
    assert found.error_bound[2] > 0
    for part in (found.integral, found.error_bound):
        np.testing.assert_allclose(part / scales.astype("float32"), np.full(5, part[2]), rtol=1e-5)


@every_method
def test_answers_have_no_round_off_of_the_tolerance(method):
    """A tolerance that is much larger than the integral, or than what one digit of it is."""

    def tiny(x):
        return jnp.stack([1e-10 * smooth(x), 1 + 0 * x[..., 0]], axis=-1)

    found = METHODS[method](tiny, points("net"))
    means = np.mean(tiny(points("net")(found.n)), axis=0)
    np.testing.assert_allclose(found.integral, means, rtol=1e-6)
    assert found.integral[1] == 1
    assert 0 < found.error_bound[0] < 1e-10


@pytest.mark.parametrize("meaning", ["either", "both"])
def test_answers_are_the_nearest_good_ones(meaning):
    """Against every answer of a grid, for every truth of a grid."""
    target = Tolerance(0.1, 0.5, meaning)
    rng = np.random.default_rng(5)
    low = rng.normal(size=60) / 4
    high = low + rng.uniform(size=60) * 0.4
    estimate = (low + high) / 2
    found, good = target.answer(estimate, low, high)
    assert 10 < good.sum() < 50
    assert np.any(found[good] != estimate[good])
    np.testing.assert_array_equal(found[~good], estimate[~good])
    truths = low + np.linspace(0, 1, 51)[:, None] * (high - low)
    answers = np.linspace(-1, 1, 4001)[:, None, None]
    # A step of the grid from what is allowed.
    meets = np.all(np.abs(answers - truths) <= target.at(truths) - 5e-4, axis=1)
    assert np.all(good[np.any(meets, axis=0)])
    assert np.all(np.abs(found - truths)[:, good] <= target.at(truths)[:, good] + 1e-12)
    nearest = np.min(np.where(meets, np.abs(answers[:, 0] - estimate), np.inf), axis=0)
    assert np.all(np.abs(found - estimate)[good] <= nearest[good])


def test_bounds_that_are_not_finite_are_not_good():
    """Whatever the tolerance is."""
    inf = np.inf
    low, high = np.array([-inf, -inf, 1.0, np.nan]), np.array([inf, 1.0, inf, np.nan])
    for target in (Tolerance(1.0, 0.5, "either"), Tolerance(1.0, 0.0, "either")):
        with np.errstate(invalid="ignore"):
            assert not np.any(target.answer(np.ones(4), low, high)[1])


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


# --- what is refused


@dataclasses.dataclass
class Unhashable:
    """A function with a parameter, which compares by it and so has no hash."""

    a: float = 1.0

    def __call__(self, x):
        return self.a * smooth(x)


@every_method
def test_what_cannot_be_integrated_is_refused(method):
    integrate, at = METHODS[method], points("net")
    with pytest.raises(ValueError, match="must be a function from points"):
        integrate(lambda x: jnp.sum(smooth(x)), at)
    for n in (2, 256):  # also if there are as many outputs as points at first
        with pytest.raises(ValueError, match=r"\(n, \.\.\.\), but returns.*along axis=-1"):
            integrate(lambda x, n=n: jnp.stack([smooth(x)] * n), at, n_min=256)
    with pytest.raises(ValueError, match=r"at least one value.*\(512, 0\)"):
        integrate(lambda x: x[..., :0], at, n_min=256)
    with pytest.raises(TypeError, match=r"must be hashable.*Unhashable.*def g"):
        integrate(Unhashable(), at)
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


@every_method
def test_bounds_that_are_not_finite_are_no_reason_to_stop(method):
    """A ratio by an integral that is not known to differ from 0 until there are more points."""

    def ratio(low, high):
        if np.any(low <= 0):
            return np.float64(-np.inf), np.float64(np.inf)
        return low[0] / high[1], high[0] / low[1]

    def small(x):
        return jnp.stack([smooth(x), jnp.abs(x[..., 0] - 0.3) - 0.2895], axis=-1)

    settings = {"quantity": ratio, "abs_tol": 0.0, "rel_tol": 0.2, "n_min": 256}
    few = METHODS[method](small, points("net"), n_max=256, **settings)
    assert not bool(few.converged)
    assert "not finite" in str(few)
    assert "integrand" not in str(few)
    found = METHODS[method](small, points("net"), **settings)
    assert bool(found.converged)
    np.testing.assert_allclose(found.integral, SMOOTH / 5e-4, rtol=0.2)


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
    with pytest.raises(TypeError, match="widen"):
        qmc.bayesian_cubature(smooth, at, widen=1)
    with pytest.raises(ValueError, match="log_range"):
        qmc.bayesian_cubature(smooth, at, log_range=(0.0, -5.0))
    with pytest.raises(TypeError, match="digital_kernel"):
        qmc.bayesian_cubature(smooth, at, kernel=qmc.shift_invariant_kernel(2))
    with pytest.raises(ValueError, match="dimensions"):
        qmc.bayesian_cubature(smooth, at, kernel=qmc.digital_kernel(3))
    with pytest.raises(ValueError, match="empty tuple"):
        qmc.bayesian_cubature(smooth, at, kernel=())
