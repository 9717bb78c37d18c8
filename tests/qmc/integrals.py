"""Integrands of two dimensions with known integrals, and points to integrate them by."""

import jax
import jax.numpy as jnp
import pytest

from hadax import qmc

both_kinds = pytest.mark.parametrize("kind", ["lattice", "net"])
VECTOR = qmc.cbc(2, 2**16, n_min=2**6)


def points(kind, seed=0, dimensions=2):
    first, second = jax.random.split(jax.random.key(seed))
    if kind == "lattice":
        return qmc.random_shift(first, qmc.lattice(VECTOR[:dimensions]))
    net = qmc.linear_scramble(second, qmc.sobol(dimensions))
    return qmc.digital_shift(first, net)


def smooth(x):
    return jnp.exp(x[..., 0] * x[..., 1])


SMOOTH = 1.3179021515


def two(x):
    return jnp.stack([smooth(x), 3 + 0 * x[..., 0]], axis=-1)
