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


@pytest.mark.parametrize("nonzeros", [1, 2, 4, D])
@pytest.mark.parametrize("theta", [0.5, 1.0, 2.0])
def test_empirical_characteristic_function_is_near_the_normal_one(nonzeros, theta):
    """docs/theory/whole_vectors.md, (Q): for every x, in the mean square."""
    y = rotations(jax.random.key(5), unit_vector(nonzeros), 2)
    angles = theta * math.sqrt(D) * np.asarray(y, np.float64)
    off = np.abs(np.mean(np.exp(1j * angles), axis=-1) - math.exp(-(theta**2) / 2)) ** 2
    error = off.std() / math.sqrt(SAMPLES)
    assert off.mean() - 4 * error <= (theta**2 + 4.75 * theta**4) / D


def test_a_row_of_the_matrix_sees_through_two_blocks():
    """docs/theory/whole_vectors.md, M1: along it e_1 has two values only."""
    y = rotations(jax.random.key(6), unit_vector(1), 2)
    along_rows = math.sqrt(D) * np.asarray(hadax.fwht(y))
    np.testing.assert_allclose(np.abs(along_rows), 1, atol=1e-5)


@pytest.mark.parametrize("permute", ["none", "fixed", "fresh"])
def test_overlaps_of_two_blocks_have_an_atom_that_fresh_permutations_remove(permute):
    """docs/theory/whole_vectors.md, M3: rotations of (e_1 + e_2)/sqrt 2, half of them disjoint."""
    keys = jax.random.split(jax.random.key(7), (SAMPLES, 2))

    @jax.vmap
    def overlap(pair):
        y, other = (hadax.randomized_hadamard(k, D, permute=permute)(unit_vector(2)) for k in pair)
        return y @ other

    share = np.mean(np.abs(np.asarray(overlap(keys))) < 1e-6)
    assert share < 0.3 if permute == "fresh" else share > 0.5
