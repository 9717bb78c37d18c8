"""Integrals that are said to be known are those of the functions, and points are those named."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from experiments import _integrands
from experiments._integrands import NAMES, SMOOTH, integrand
from experiments._randomizations import METHODS, draw, integrated, plain_points

CLOSED = [name for name in NAMES if not name.startswith("asian")]


def breaks(name, d):
    """Where one coordinate has a kink or a jump."""
    if name in ("continuous", "discontinuous"):
        return _integrands._parameters(name, d)[1]
    return np.full(d, 0.5)


def by_gauss(found, d):
    """The integral by Gauss's rule on both sides of the breaks, in every coordinate."""
    nodes, weights = np.polynomial.legendre.leggauss(20)
    sides = []
    for end in breaks(found.name, d):
        pieces = [(0.0, end), (end, 1.0)]
        x = np.concatenate([low + (high - low) * (nodes + 1) / 2 for low, high in pieces])
        w = np.concatenate([(high - low) * weights / 2 for low, high in pieces])
        sides.append((x, w))
    points = np.stack(np.meshgrid(*[x for x, _ in sides], indexing="ij"), axis=-1).reshape(-1, d)
    products = np.prod(np.meshgrid(*[w for _, w in sides], indexing="ij"), axis=0).ravel()
    with jax.enable_x64(True):
        return float(np.asarray(found.function(jnp.asarray(points))) @ products)


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("name", CLOSED[1:])
def test_the_integrals_of_genz(name, d):
    found = integrand(name, d)
    assert by_gauss(found, d) == pytest.approx(found.exact, rel=1e-9)


@pytest.mark.parametrize("name", ["corner peak", "oscillatory"])
def test_integrals_in_many_dimensions_keep_their_digits(name):
    """In ten the corners of the peak cancel to a 1e-13th part; IID points, four errors."""
    found = integrand(name, 10)
    values = np.asarray(found.function(jax.random.uniform(jax.random.key(0), (1 << 17, 10))))
    assert abs(values.mean() - found.exact) < 4 * values.std() / len(values) ** 0.5


def test_keister_in_one_dimension_is_that_of_scipy():
    known, _ = integrate.quad(lambda t: np.cos(t) * np.exp(-t * t), -np.inf, np.inf)
    assert _integrands._keister_integral(1) == pytest.approx(known, rel=1e-12)


def test_keister_in_two_and_three_dimensions():
    """The values that are printed for it: 1.808186429263620 and 2.168309102165481."""
    assert integrand("keister", 2).exact == pytest.approx(1.808186429263620, rel=1e-13)
    assert integrand("keister", 3).exact == pytest.approx(2.168309102165481, rel=1e-13)


@pytest.mark.parametrize("name", ["keister", "asian", "asian, controlled"])
def test_integrals_of_normal_numbers(name):
    """IID points, four standard errors: false alarms in 1 of 16,000."""
    d = 5 if name == "keister" else 16
    found = integrand(name, d)
    values = np.asarray(found.function(jax.random.uniform(jax.random.key(1), (1 << 16, d))))
    radius = 4 * np.hypot(values.std() / len(values) ** 0.5, found.exact_se)
    assert abs(values.mean() - found.exact) < radius


def test_the_option_on_the_geometric_mean_is_that_of_black_and_scholes_on_one_date():
    d1 = (0.05 + 0.02) / 0.2
    known = 100 * stats.norm.cdf(d1) - 100 * np.exp(-0.05) * stats.norm.cdf(d1 - 0.2)
    assert _integrands._geometric_call(1) == pytest.approx(known, rel=1e-12)


def test_a_control_takes_most_of_the_variance():
    x = jax.random.uniform(jax.random.key(2), (4096, 16))
    plain, controlled = (integrand(name, 16).function(x) for name in NAMES[-2:])
    assert float(jnp.std(controlled)) < 0.1 * float(jnp.std(plain))


def test_the_option_is_known_for_its_dates_only():
    with pytest.raises(ValueError, match="stored for 16 dates, not 4"):
        integrand("asian", 4)


@pytest.mark.parametrize("name", NAMES)
def test_functions_compile_and_are_finite_at_the_ends(name):
    d = 16 if name.startswith("asian") else 3
    ends = jnp.stack([jnp.zeros(d), jnp.full(d, 1 - 2.0**-24)])
    values = jax.jit(integrand(name, d).function)(ends)
    assert values.shape == (2,)
    assert values.dtype == jnp.float32
    assert np.isfinite(values).all()


@pytest.mark.parametrize("method", METHODS)
def test_every_randomisation_is_uniform_and_has_no_bias(method):
    """Means over 64 keys, 5 standard errors and round-off."""
    plain = plain_points(method, 2, 64)
    points = jax.jit(lambda key, plain: draw(method, key, plain, 2, 64))
    x = np.stack([points(key, plain) for key in jax.random.split(jax.random.key(3), 64)])
    assert x.shape == (64, 64, 2)
    assert x.min() >= 0
    assert x.max() < 1
    assert stats.kstest(x[:, 5, 1], "uniform").pvalue > 1e-4
    errors = x.prod(axis=2).mean(axis=1) - 0.25
    assert abs(errors.mean()) < 5 * errors.std() / 8 + 1e-6
    spread = x.prod(axis=2).std() / 8
    assert (errors.std() < 0.3 * spread) == (method != "iid")


def test_a_lattice_integrates_the_folded_function_and_others_do_not():
    x = jnp.array([[0.0, 0.25]])
    assert float(integrated("lattice", lambda x: x.sum(axis=1))(x)[0]) == 0.5
    assert float(integrated("linear", lambda x: x.sum(axis=1))(x)[0]) == 0.25


def test_smooth_ones_are_among_all():
    assert set(SMOOTH) < set(NAMES)
