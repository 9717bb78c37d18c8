"""Kronecker products of matrices of every bit, and biased transforms."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import testing

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "ewht.npz", allow_pickle=False)
KEY = jax.random.key(5)
PEER_NORMS = {"forward": "expectation", "ortho": "sqrt", "backward": "none"}


def product(matrices):
    """The matrix itself, the first factor leftmost."""
    found = np.ones((1, 1), matrices.dtype)
    for matrix in np.asarray(matrices):
        found = np.kron(found, matrix)
    return found


@pytest.mark.parametrize("bits", [0, 1, 5])
def test_the_first_matrix_is_that_of_the_most_significant_bit(bits):
    matrices = jax.random.normal(KEY, (bits, 2, 2))
    x = jax.random.normal(KEY, (3, 1 << bits))
    right = np.asarray(x, np.float64) @ product(np.asarray(matrices, np.float64)).T
    testing.assert_close(hadax.kron2_transform(x, matrices), right, n=1 << bits, c=4.0)
    along = hadax.kron2_transform(x.T, matrices, axis=0)
    testing.assert_close(along, right.T, n=1 << bits, c=4.0)


def test_inverses_of_the_matrices_are_the_inverse():
    matrices = 2 * jnp.eye(2)[None] + 0.3 * jax.random.normal(KEY, (6, 2, 2))
    x = jax.random.normal(KEY, (64,))
    back = hadax.kron2_transform(hadax.kron2_transform(x, matrices), jnp.linalg.inv(matrices))
    testing.assert_close(back, x, n=64, c=8.0)


@pytest.mark.parametrize("dtype", [jnp.int8, jnp.uint8, jnp.int32, jnp.uint32])
def test_integers_are_exact_and_wrap_around(dtype):
    x = jax.random.randint(KEY, (32,), 0, 100).astype(dtype)
    matrices = jax.random.randint(KEY, (5, 2, 2), -3, 4)
    right = product(np.asarray(matrices, np.int64)) @ np.asarray(x, np.int64)
    y = hadax.kron2_transform(x, matrices)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, right.astype(dtype))


def test_the_transforms_with_one_matrix_are_special_cases():
    x = jax.random.randint(KEY, (2, 16), -50, 50)
    for matrix, right in [
        ([[1, 1], [1, -1]], hadax.fwht(x, norm="backward")),
        ([[1, 0], [1, 1]], hadax.zeta(x)),
        ([[1, -1], [0, 1]], hadax.moebius(x, subset=False)),
    ]:
        np.testing.assert_array_equal(hadax.kron2_transform(x, jnp.array([matrix] * 4)), right)


def test_complex_matrices_make_complex_results():
    matrices = jax.random.normal(KEY, (3, 2, 2), jnp.complex64)
    x = jax.random.normal(KEY, (8,), jnp.bfloat16)
    y = hadax.kron2_transform(x, matrices)
    assert y.dtype == jnp.complex64
    right = product(np.asarray(matrices, np.complex128)) @ np.asarray(x).astype(np.complex128)
    testing.assert_close(y, right, n=8, c=4.0)


def test_derivatives_by_the_matrices_and_by_x():
    matrices = jax.random.normal(KEY, (4, 2, 2))
    x = jax.random.normal(KEY, (2, 16))
    jax.test_util.check_grads(
        hadax.kron2_transform, (x, matrices), order=2, modes=("fwd", "rev"), rtol=3e-2, atol=3e-2
    )
    each = jax.vmap(hadax.kron2_transform)(x, jnp.stack([matrices, 2 * matrices]))
    testing.assert_close(each[1], 16 * hadax.kron2_transform(x[1], matrices), n=16, c=4.0)


def test_programs_are_small_however_many_bits_there_are():
    def size(bits):
        program = jax.jit(hadax.kron2_transform).lower(jnp.ones(1 << bits), jnp.ones((bits, 2, 2)))
        return len(program.as_text())

    assert size(18) < 1.1 * size(3)


@pytest.mark.parametrize("norm", PEER_NORMS)
def test_golden_coefficients(norm, x64):
    y, p = jnp.asarray(GOLDEN["y"]), jnp.asarray(GOLDEN["p"])
    c = hadax.biased_fwht(y, p, norm=norm)
    np.testing.assert_allclose(c, GOLDEN[f"coef_{PEER_NORMS[norm]}"], rtol=0, atol=1e-13 * 64)
    np.testing.assert_allclose(hadax.biased_ifwht(c, p, norm=norm), y, atol=1e-13)


def test_the_peers_stable_norm_is_a_scale_of_each_bit(x64):
    sizes = np.prod(np.where(_bits(6) == 1, GOLDEN["p_norms"], 1.0), axis=1)
    p = jnp.asarray(GOLDEN["p"])
    np.testing.assert_allclose(GOLDEN["p_norms"], jnp.sqrt(p / (1 - p) + (1 - p) / p))
    c = hadax.biased_fwht(jnp.asarray(GOLDEN["y"]), p)
    np.testing.assert_allclose(c / sizes, GOLDEN["coef_stable"], atol=1e-13)


def _bits(n):
    """The bits of every index, the most significant first."""
    return np.arange(1 << n)[:, None] >> np.arange(n)[::-1] & 1


def test_coefficients_are_means_under_the_biased_law(x64):
    """The functions are orthonormal, and the squares add up to the mean square of f."""
    p = jnp.array([0.3, 0.9, 0.5, 0.01])
    bits = _bits(4)
    law = np.prod(np.where(bits == 1, p, 1 - p), axis=1)
    functions = np.asarray(hadax.biased_ifwht(jnp.eye(16), p))
    np.testing.assert_allclose(functions * law @ functions.T, np.eye(16), atol=1e-13)
    f = jax.random.normal(KEY, (16,))
    c = hadax.biased_fwht(f, p)
    np.testing.assert_allclose(c, functions @ (law * np.asarray(f)), atol=1e-13)
    np.testing.assert_allclose(jnp.sum(c**2), np.sum(law * np.asarray(f) ** 2))
    singleton = np.sqrt(0.7 / 0.3)
    np.testing.assert_allclose(functions[8], np.where(bits[:, 0] == 1, -singleton, 1 / singleton))


@pytest.mark.parametrize("norm", ["forward", "ortho", "backward"])
def test_fair_bits_give_the_walsh_transform(norm):
    x = jax.random.normal(KEY, (2, 8), jnp.complex64)
    found = hadax.biased_fwht(x, 0.5, norm=norm)
    testing.assert_close(found, hadax.fwht(x, norm=norm), n=8)
    testing.assert_close(hadax.biased_ifwht(found, 0.5, norm=norm), x, n=8)


@pytest.mark.slow
def test_the_derivative_by_the_bias():
    x = jax.random.normal(KEY, (3, 16))
    p = jnp.array([0.3, 0.8, 0.5, 0.6])
    for transform in (hadax.biased_fwht, hadax.biased_ifwht):
        jax.test_util.check_grads(transform, (x, p), order=1, rtol=2e-2, atol=2e-2)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: hadax.kron2_transform(X, jnp.ones((4, 2, 2))), ValueError, r"shape \(3, 2, 2\)"),
        (lambda: hadax.kron2_transform(X, jnp.ones((3, 2))), ValueError, r"matrices.shape=\(3, 2"),
        (lambda: hadax.kron2_transform(X[:, :6], M), ValueError, "power-of-two length"),
        (lambda: hadax.kron2_transform(X.astype(int), M), TypeError, "`x` must be real or complex"),
        (lambda: hadax.kron2_transform(X, "spam"), TypeError, "`matrices` must be an array"),
        (lambda: hadax.kron2_transform(X, M, axis=2), ValueError, "`axis` must be an axis of x"),
        (lambda: hadax.biased_fwht(X.astype(int), 0.5), TypeError, "`x` must be real or complex"),
        (lambda: hadax.biased_fwht(X, 1.0), ValueError, r"inside of \(0, 1\), but has 1\.0"),
        (lambda: hadax.biased_fwht(X, jnp.array([0.5, -0.5, 0.1])), ValueError, r"but has -0\.5"),
        (lambda: hadax.biased_fwht(X, jnp.nan), ValueError, "but has nan"),
        (lambda: hadax.biased_fwht(X, jnp.ones(2) / 2), ValueError, r"or have shape \(3,\)"),
        (lambda: hadax.biased_ifwht(X, 1), TypeError, "`p` must be real floating point"),
        (lambda: hadax.biased_ifwht(X, 0.5, norm="sqrt"), ValueError, "`norm` must be one of"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


X = jnp.ones((3, 8))
M = jnp.ones((3, 2, 2))
