"""Changes of variables: their slopes, their integrals, and what they are for."""

from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import legendre

from hadax import qmc
from hadax.qmc import periodization

KINDS = get_args(periodization.Periodization)
SMOOTH = [kind for kind in KINDS if kind != "baker"]


@pytest.mark.parametrize("kind", SMOOTH)
def test_slopes_are_derivatives_and_vanish_at_the_ends(kind, x64):
    x = jnp.linspace(0.0, 1.0, 33)
    slope = jax.vmap(jax.grad(lambda x: periodization._moved(x, kind)))(x)
    np.testing.assert_allclose(periodization._slope(x, kind), slope, atol=1e-12)
    np.testing.assert_allclose(periodization._slope(x[jnp.array([0, -1])], kind), 0, atol=1e-12)
    ends = periodization._moved(jnp.array([0.0, 0.5, 1.0]), kind)
    np.testing.assert_allclose(ends, [0, 0.5, 1], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_integrals_stay(kind, x64):
    """By Gauss's rule on either half, of a polynomial and of an exponential of two variables."""
    nodes, weights = legendre.leggauss(40)
    half = (nodes + 1) / 4
    x, w = np.concatenate([half, half + 0.5]), np.concatenate([weights, weights]) / 4
    grid = jnp.asarray(np.stack(np.meshgrid(x, x), axis=-1))

    def integrand(x):
        return x[..., 0] ** 3 * jnp.exp(x[..., 1])

    values = qmc.periodize(integrand, kind)(grid)
    np.testing.assert_allclose(w @ np.asarray(values) @ w, (np.e - 1) / 4, rtol=1e-12)


def test_smoother_is_more_accurate(x64):
    """On 2^10 points in two dimensions each step up wins at least a factor of 5."""
    points = qmc.random_shift(jax.random.key(0), qmc.lattice(qmc.cbc(2, 2**10)))
    x = points(2**10)

    def error(f):
        return float(abs(f(x).mean() - (np.e - 1) ** 2))

    def integrand(x):
        return jnp.exp(x.sum(axis=-1))

    plain = error(integrand)
    baker, c1, c3 = (error(qmc.periodize(integrand, k)) for k in ("baker", "c1", "c3 sine"))
    assert baker < plain / 5
    assert c1 < baker / 5
    assert c3 < c1 / 5


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input():
    with pytest.raises(ValueError, match="`kind` must be"):
        qmc.periodize(jnp.sum, "c4")
