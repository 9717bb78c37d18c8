"""The simulated rotations have the laws that theory gives them.

Fixed keys. False alarms, were the keys drawn anew: 1 % for each DKW band, 0.01 % for each moment
(4 standard errors).
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.discrepancy import kolmogorov_exact, ks_band

D, SAMPLES = 64, 4_000


@functools.partial(jax.jit, static_argnames="blocks")
def rotations(key, x, blocks):
    keys = jax.random.split(key, SAMPLES)
    return jax.vmap(lambda k: hadax.randomized_hadamard(k, D, blocks)(x))(keys)


def unit_vector(nonzeros):
    x = np.arange(D) < nonzeros
    return jnp.asarray(x / math.sqrt(nonzeros), "float32")


@pytest.mark.parametrize("nonzeros", [1, 2, 4])
@pytest.mark.parametrize("coordinate", [0, 37])
def test_a_coordinate_of_two_blocks_has_the_exact_distance(nonzeros, coordinate):
    y = rotations(jax.random.key(4), unit_vector(nonzeros), 2)[:, coordinate]
    band = ks_band(math.sqrt(D) * np.asarray(y), D)
    exact = kolmogorov_exact((np.arange(D) < nonzeros).astype(int))
    assert band.low <= exact <= band.high


def test_a_haar_rotated_coordinate_is_uniform():
    keys = jax.random.split(jax.random.key(5), 1_000)
    y = jax.vmap(lambda k: hadax.haar_rotation(k, 16)(jnp.eye(1, 16)[0])[3])(keys)
    assert ks_band(4 * np.asarray(y), 16).low == 0


@pytest.mark.parametrize("nonzeros", [1, 2, D])
def test_every_block_maps_the_fourth_moment_by_the_same_rule(nonzeros):
    """With q_k the mean sum of fourth powers after k blocks, q_(k+1) = (3 - 2 q_k) / d."""
    expected = 1 / nonzeros
    for blocks in (1, 2, 3):
        expected = (3 - 2 * expected) / D
        y = np.asarray(rotations(jax.random.key(blocks), unit_vector(nonzeros), blocks), float)
        moment = np.sum(y**4, axis=-1)
        error = max(moment.std() / math.sqrt(SAMPLES), 1e-7)
        assert abs(moment.mean() - expected) < 4 * error
