"""Fractional Fourier transforms: the group they are, and the basis that makes them diagonal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

import hadax
from hadax import groups, testing
from hadax.operators.elementary import Dense

LENGTHS = [8, 15, 16, 33, 64, 256]
A, B = 0.37, 1.91

every_length = pytest.mark.parametrize("n", LENGTHS)


def matrix(n, order):
    """The matrix of a power, in double precision."""
    op = groups.fractional_fourier(n, order)
    return np.asarray(op.as_matrix(complex))


def distance(left, right):
    return float(np.linalg.norm(left - right))


def orders(n):
    return np.r_[: n - 1, n - 1 if n % 2 else n]


@every_length
def test_powers_of_the_fourier_transform(n, x64):
    eye, once = np.eye(n), matrix(n, 1)
    assert distance(once, np.fft.fft(eye, norm="ortho")) <= 1e-12
    assert distance(matrix(n, A) @ matrix(n, B), matrix(n, A + B)) <= 8e-13
    assert distance(matrix(n, A) @ matrix(n, A).conj().T, eye) <= 1e-12
    assert distance(np.linalg.matrix_power(once, 4), eye) <= 1e-12
    assert distance(matrix(n, 0), eye) <= 1e-12
    assert distance(matrix(n, 2), eye[-np.arange(n) % n]) <= 1e-12
    assert distance(matrix(n, A + 4), matrix(n, A)) <= 1e-12


@pytest.mark.parametrize("n", [*range(1, 12), *LENGTHS])
def test_hermite_gauss_vectors_are_eigenvectors(n):
    U = groups.hermite_gauss_basis(n)
    np.testing.assert_allclose(U.T @ U, np.eye(n), atol=1e-14)
    transformed = np.fft.fft(U, axis=0, norm="ortho")
    np.testing.assert_allclose(transformed, U * (-1j) ** orders(n), atol=2e-13)
    shift = np.roll(np.eye(n), 1, axis=0)
    S = np.diag(2 * np.cos(2 * np.pi * np.arange(n) / n) - 4) + shift + shift.T
    np.testing.assert_allclose(S @ U, U * np.einsum("ik,ij,jk->k", U, S, U), atol=1e-13)
    np.testing.assert_allclose(U[-np.arange(n)], U * (-1.0) ** orders(n), atol=1e-15)


def test_they_resemble_hermite_functions_with_their_signs():
    n = 64
    t = np.fft.fftfreq(n, 1 / n) * np.sqrt(2 * np.pi / n)
    overlaps = []
    for q in range(21):
        h = scipy.special.eval_hermite(q, t) * np.exp(-(t**2) / 2)
        overlaps.append(groups.hermite_gauss_basis(n)[:, q] @ h / np.linalg.norm(h))
    assert [round(overlaps[q], 6) for q in (0, 1, 2, 3)] == [0.999997, 0.999983, 0.999946, 0.99987]
    assert round(overlaps[5], 4) == 0.9995
    assert round(overlaps[10], 4) == 0.9944
    assert round(overlaps[20], 3) == 0.896
    assert (np.diff(overlaps) < 0).all()


@pytest.mark.parametrize("n", [15, 16])
def test_the_mean_over_the_group_is_the_pinching(n, x64):
    """A sum over 4 n steps of the period is the integral: orders differ by n at most."""
    R = np.random.default_rng(n).normal(size=(n, n))
    steps = jnp.arange(4 * n) / n
    ops = jax.vmap(lambda a: groups.fractional_fourier(n, a))(steps)
    F = np.asarray(jax.vmap(lambda op: op.as_matrix(complex))(ops))
    twirl = (F @ R @ F.conj().mT).mean(axis=0)
    U = groups.hermite_gauss_basis(n)
    pinched = U @ np.diag(np.diag(U.T @ R @ U)) @ U.T
    np.testing.assert_allclose(twirl, pinched, atol=1e-13)
    basis = Dense(jnp.asarray(U.T), orthogonal=True)
    np.testing.assert_allclose(groups.reynolds(basis, R), pinched, atol=1e-13)


def test_inverse_and_adjoint_have_the_opposite_order(x64):
    op = groups.fractional_fourier(9, A)
    adjoint = np.asarray(op.as_matrix(complex)).conj().T
    np.testing.assert_allclose(hadax.inverse(op).as_matrix(complex), adjoint, atol=1e-14)
    np.testing.assert_allclose(matrix(9, -A), adjoint, atol=1e-14)


def test_derivatives_with_respect_to_the_order(x64):
    x = np.random.default_rng(0).normal(size=(2, 9))
    right = -0.5j * np.pi * orders(9)
    U = groups.hermite_gauss_basis(9)
    for a in (0.0, A, -7.25):
        slope = jax.jacfwd(lambda a: groups.fractional_fourier(9, a)(x))(a)
        expected = x @ (U * (right * np.exp(right * a))) @ U.T
        testing.assert_close(slope, expected, n=9, c=8.0)

    def energy(a):
        return (jnp.abs(groups.fractional_fourier(9, a)(x)[..., :3]) ** 2).sum()

    step = 1e-5
    central = (energy(A + step) - energy(A - step)) / (2 * step)
    assert float(jax.grad(energy)(A)) == pytest.approx(float(central), rel=1e-8)


def test_another_order_compiles_nothing():
    traces = []

    @jax.jit
    def apply(op, x):
        traces.append(op)
        return op(x)

    x = jnp.arange(9.0)
    for order in (0, 1, A, np.float32(A), jnp.asarray(2)):
        apply(groups.fractional_fourier(9, order), x)
    assert len(traces) == 1


@pytest.mark.parametrize("order", [0.37, -1.63, 1000.25])
def test_single_precision_keeps_its_digits_at_high_orders(order):
    """An angle of n a radians, rounded, would be off by 1e-4 here."""
    n = 1024
    rounded = float(np.float32(order))
    x = np.random.default_rng(0).normal(size=n).astype("float32")
    U = groups.hermite_gauss_basis(n)
    right = (x @ U * np.exp(-0.5j * np.pi * (orders(n) * rounded % 4))) @ U.T
    got = np.asarray(groups.fractional_fourier(n, order)(x))
    assert distance(got, right) < 2e-6 * np.linalg.norm(right)


def test_bases_are_computed_once_and_read_only():
    basis = groups.hermite_gauss_basis(12)
    assert groups.hermite_gauss_basis(12) is basis
    with pytest.raises(ValueError, match="read-only"):
        basis[0, 0] = 1


def test_bad_input(without_shape_checks):
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        groups.fractional_fourier(0, 1)
    with pytest.raises(ValueError, match="`n` must be at least 1"):
        groups.hermite_gauss_basis(0)
    with pytest.raises(TypeError, match="`n` must be an integer"):
        groups.hermite_gauss_basis(4.5)
    with pytest.raises(ValueError, match="`order`"):
        groups.fractional_fourier(4, jnp.ones(2))
    with pytest.raises(TypeError, match="`order`"):
        groups.fractional_fourier(4, 1j)
    with pytest.raises(TypeError, match="must be real or complex"):
        groups.fractional_fourier(4, 1)(jnp.arange(4))
