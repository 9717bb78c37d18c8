import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import hadax
from hadax import operators, testing
from hadax.kernels import _reference

KEY = jax.random.key(0)


@pytest.mark.parametrize("n", [16, 12, 576])
def test_two_blocks_are_signs_and_transforms(n):
    op = hadax.randomized_hadamard(KEY, n)
    assert op.signs.dtype == jnp.int8
    assert op.signs.shape == (2, n)
    np.testing.assert_array_equal(jnp.abs(op.signs), 1)
    x = np.random.default_rng(0).standard_normal((2, n))
    h = _reference.hadamard_matrix(n) / n**0.5
    first, second = np.asarray(op.signs, np.float64)
    testing.assert_close(
        op(jnp.asarray(x, jnp.float32)), ((x * first) @ h.T * second) @ h.T, n=n, c=4.0
    )


def test_blocks_are_as_many_as_asked():
    assert hadax.randomized_hadamard(KEY, 8).blocks == 2
    assert hadax.randomized_hadamard(KEY, 8, 5).blocks == 5


def test_the_same_key_gives_the_same_operator():
    a, b = (hadax.randomized_hadamard(KEY, 64) for _ in range(2))
    np.testing.assert_array_equal(a.signs, b.signs)
    c = hadax.randomized_hadamard(jax.random.key(1), 64)
    assert np.any(np.asarray(a.signs) != np.asarray(c.signs))


def test_16_bit_input_is_rounded_once():
    op = hadax.randomized_hadamard(KEY, 256, 3)
    x = jax.random.normal(KEY, (4, 256), jnp.bfloat16)
    exact = op(x.astype(jnp.float32))
    np.testing.assert_array_equal(op(x), exact.astype(jnp.bfloat16))


@pytest.mark.parametrize("permute", ["fixed", "fresh"])
@pytest.mark.parametrize("blocks", [1, 3])
def test_permutation_stands_before_the_last_signs(permute, blocks):
    n = 12
    op = hadax.randomized_hadamard(KEY, n, blocks, permute=permute)
    h = _reference.hadamard_matrix(n) / n**0.5
    matrix = np.eye(n)
    *first, last = np.asarray(op.signs, np.float64)
    for signs in first:
        matrix = h @ np.diag(signs) @ matrix
    matrix = h @ np.diag(last) @ matrix[np.asarray(op.indices)]
    testing.assert_close(op.as_matrix(), matrix, n=n, c=4.0)
    testing.assert_close(op.T.as_matrix(), matrix.T, n=n, c=4.0)
    assert op.blocks == blocks


def test_fresh_permutations_come_with_the_key_and_fixed_ones_do_not():
    def indices(seed, permute):
        op = hadax.randomized_hadamard(jax.random.key(seed), 64, permute=permute)
        return np.asarray(op.indices)

    np.testing.assert_array_equal(indices(0, "fixed"), indices(1, "fixed"))
    np.testing.assert_array_equal(indices(0, "fresh"), indices(0, "fresh"))
    assert np.any(indices(0, "fresh") != indices(1, "fresh"))


def test_a_permutation_decouples_the_copies_of_two_blocks():
    """(e_1 + e_2)/sqrt 2 has copied coordinates after two blocks; a permutation ends that."""
    x = jnp.zeros(64).at[:2].set(2**-0.5)

    def copies(key, permute):
        y = jnp.abs(hadax.randomized_hadamard(key, 64, permute=permute)(x))
        return jnp.mean(jnp.abs(y[0::2] - y[1::2]) < 1e-6)

    keys = jax.random.split(KEY, 50)
    assert jnp.all(jax.vmap(lambda key: copies(key, "none"))(keys) == 1)
    for permute in ("fixed", "fresh"):
        assert jnp.mean(jax.vmap(lambda key, p=permute: copies(key, p))(keys)) < 0.5


def test_ensembles_of_permuted_rotations():
    keys = jax.random.split(KEY, 3)
    many = jax.vmap(lambda key: hadax.randomized_hadamard(key, 16, 3, permute="fresh"))(keys)
    x = jax.random.normal(KEY, (3, 16))
    y = jax.vmap(lambda op, v: op(v))(many, x)
    one = hadax.randomized_hadamard(keys[1], 16, 3, permute="fresh")(x[1])
    np.testing.assert_allclose(y[1], one, rtol=1e-5, atol=1e-6)


def test_haar_has_uniform_coordinates_and_both_determinants():
    n, draws = 8, 2000
    keys = jax.random.split(KEY, draws)
    matrices = np.asarray(jax.vmap(lambda k: hadax.haar_rotation(k, n).matrix)(keys), np.float64)
    # Entries of every row and column have the law of one coordinate of a uniform unit vector:
    # x^2 ~ Beta(1/2, (n-1)/2) with a symmetric sign. Six tests at 1e-4: false alarms below 1e-3.
    for i, j in [(0, 0), (7, 7), (3, 5)]:
        entries = matrices[:, i, j]
        assert scipy.stats.kstest(entries**2, scipy.stats.beta(0.5, (n - 1) / 2).cdf).pvalue > 1e-4
        assert scipy.stats.binomtest(int((entries > 0).sum()), draws).pvalue > 1e-4
    determinants = np.linalg.det(matrices)
    np.testing.assert_allclose(np.abs(determinants), 1, atol=1e-4)
    assert 0.45 < (determinants > 0).mean() < 0.55  # 4.5 standard deviations


def test_householder_is_a_product_of_reflections():
    op = hadax.householder(KEY, 6, reflections=2)
    v, w = np.asarray(op.vectors, np.float64)
    right = (np.eye(6) - 2 * np.outer(v, v)) @ (np.eye(6) - 2 * np.outer(w, w))
    testing.assert_close(op.as_matrix(), right, n=6, c=4.0)


def test_kac_walk_turns_planes_of_distinct_coordinates():
    op = hadax.kac_walk(KEY, 5, steps=200)
    pairs = np.asarray(op.pairs)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert pairs.min() == 0
    assert pairs.max() == 4
    right = np.eye(5)
    for (i, j), angle in zip(pairs, np.asarray(op.angles, np.float64), strict=True):
        turn = np.eye(5)
        turn[[i, j], [i, j]] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        right = turn @ right
    testing.assert_close(op.as_matrix(), right, n=5, c=100.0)
    assert hadax.kac_walk(KEY, 5).pairs.shape == (2 * 5 * 3, 2)


def test_srht_keeps_squared_norms_on_average():
    n, m, draws = 64, 16, 4000
    x = jnp.zeros(n).at[3].set(0.6).at[40].set(0.8)
    keys = jax.random.split(KEY, draws)
    energies = np.asarray(jax.vmap(lambda k: jnp.sum(hadax.srht(k, n, m)(x) ** 2))(keys))
    error = energies.std() / draws**0.5
    assert abs(energies.mean() - 1) < 4 * error  # false alarms 6e-5
    rows = hadax.srht(KEY, n, n).factors[1].indices
    np.testing.assert_array_equal(np.sort(rows), np.arange(n))


def test_gradients_reach_the_parameters():
    op = operators.diagonal(jnp.array([1.0, 2.0])) @ operators.dense(jnp.eye(2))
    gradient = jax.grad(lambda o: jnp.sum(o(jnp.array([3.0, 4.0]))))(op)
    np.testing.assert_array_equal(gradient.factors[0].diagonal, [3.0, 4.0])
    np.testing.assert_array_equal(gradient.factors[1].matrix, [[3.0, 4.0], [6.0, 8.0]])


def test_a_complex_operator_makes_real_input_complex():
    op = operators.diagonal(jnp.array([1j, 2.0]))
    assert op(jnp.ones(2)).dtype == jnp.complex64
    np.testing.assert_array_equal(op.T(jnp.ones(2)), op(jnp.ones(2)))


def test_products_do_not_nest_and_print_briefly():
    h = operators.hadamard(4)
    product = (h @ h) @ (h @ h)
    assert len(product.factors) == 4
    assert repr(product) == "Composed(shape=(4, 4))"
