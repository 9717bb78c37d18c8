from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import testing
from hadax._bits import bit_reversal

GOLDEN = np.load(
    Path(__file__).parent.parent / "golden" / "qmcpy_transforms.npz", allow_pickle=False
)


@pytest.mark.parametrize("n", [1, 2, 4, 8, 64, 1024])
def test_qmcpy_golden_vectors(n):
    z = jnp.asarray(GOLDEN[f"z_{n}"], jnp.complex64)
    testing.assert_close(hadax.fftbr(z), GOLDEN[f"fftbr_{n}"], n=n)
    testing.assert_close(hadax.ifftbr(z), GOLDEN[f"ifftbr_{n}"], n=n)
    x = jnp.asarray(GOLDEN[f"x_{n}"], jnp.float32)
    testing.assert_close(hadax.fftbr(x), GOLDEN[f"fftbr_real_{n}"], n=n)


def test_qmcpy_golden_batch_in_double_precision(x64):
    x = jnp.asarray(GOLDEN["xbatch"])
    for name, transform in [("fwht", hadax.fwht), ("fftbr", hadax.fftbr), ("ifftbr", hadax.ifftbr)]:
        y = transform(x)
        assert y.dtype == (jnp.float64 if name == "fwht" else jnp.complex128)
        testing.assert_close(y, GOLDEN[f"{name}_batch"], n=16)


def test_omega_matches_qmcpy_and_doubles_a_transform(x64):
    omega = hadax.omega_fftbr(4)
    testing.assert_close(omega, GOLDEN["omega_fftbr_4"], n=16)
    np.testing.assert_array_equal(hadax.omega_fwht(4), GOLDEN["omega_fwht_4"])
    x = jax.random.normal(jax.random.key(0), (32,), jnp.complex128)
    for transform, factors in [(hadax.fftbr, omega), (hadax.fwht, hadax.omega_fwht(4))]:
        first, second = transform(x[:16]), transform(x[16:])
        second = second * factors.astype(second.dtype)
        doubled = jnp.concatenate([first + second, first - second]) / jnp.sqrt(2)
        testing.assert_close(doubled, transform(x), n=32)


def test_single_precision_unless_asked():
    assert hadax.omega_fftbr(2).dtype == jnp.complex64
    assert hadax.omega_fwht(2, dtype=jnp.float16).dtype == jnp.float16
    assert hadax.fftbr(jnp.ones(4, jnp.int32)).dtype == jnp.complex64
    assert hadax.fftbr(jnp.ones(4, jnp.bfloat16)).dtype == jnp.complex64


def test_round_trip_is_unitary_and_the_matrix_is_not_symmetric():
    z = jax.random.normal(jax.random.key(0), (3, 16), jnp.complex64)
    testing.assert_close(hadax.ifftbr(hadax.fftbr(z)), z, n=16, c=4.0)
    matrix = np.asarray(hadax.fftbr(jnp.eye(16))).T
    testing.assert_orthogonal(matrix)
    assert np.abs(matrix - matrix.T).max() > 0.1


def test_real_gradient_goes_through_the_real_part():
    x = jax.random.normal(jax.random.key(0), (8,))
    weights = jnp.arange(8.0)

    def loss(v):
        return jnp.sum(weights * jnp.abs(hadax.fftbr(v)) ** 2)

    matrix = np.asarray(hadax.fftbr(jnp.eye(8)), np.complex128).T
    right = 2 * (matrix.conj().T @ np.diag(weights) @ matrix).real @ np.asarray(x)
    testing.assert_close(jax.grad(loss)(x), right, n=8, c=8.0)


def test_bit_reverse_keeps_every_dtype():
    for dtype in (jnp.int8, jnp.float16, jnp.complex64):
        x = jnp.arange(16).astype(dtype)
        y = hadax.bit_reverse(x)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, np.asarray(x)[bit_reversal(16)])
        np.testing.assert_array_equal(hadax.bit_reverse(y), x)
