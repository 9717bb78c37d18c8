"""Residuals and the coloring index: identities, reference values, invariances."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import groups, testing

D16, Z2_4 = groups.dihedral(16), groups.elementary_abelian(4)
W4, S16 = groups.iterated_wreath(4), groups.symmetric(16)
DCT = groups.folded_dihedral("DCT-II", 16)
CHAIN = (groups.trivial, groups.cyclic, groups.dihedral, groups.symmetric)
"""Each is a subgroup of the next one."""


def ar1(n: int, rho: float) -> np.ndarray:
    return rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n)))


# delta(R) and delta(log R) of AR(1) covariances at 16 points, three digits.
REFERENCE = [
    (0.95, D16, 0.133, 0.310),
    (0.95, Z2_4, 0.116, 0.398),
    (0.95, W4, 0.116, 0.416),
    (0.95, S16, 0.174, 0.706),
    (0.95, DCT, 0.077, 0.041),
    (0.99, D16, 0.029, 0.282),
    (0.99, DCT, 0.017, 0.010),
]


@pytest.mark.parametrize(("rho", "group", "delta", "log_delta"), REFERENCE, ids=str)
def test_residuals_of_ar1_are_those_of_the_reference(rho, group, delta, log_delta, x64):
    R = jnp.asarray(ar1(16, rho))
    assert abs(groups.commutativity_residual(group, R) - delta) < 5.1e-4
    assert abs(groups.commutativity_residual(group, R, log=True) - log_delta) < 5.1e-4


@pytest.mark.parametrize(
    ("rho", "alpha"), [(0.5, 0.379), (0.9, 0.853), (0.95, 0.899), (0.99, 0.931)]
)
def test_coloring_of_ar1_is_that_of_the_reference(rho, alpha, x64):
    assert abs(groups.coloring_index(jnp.asarray(ar1(16, rho))) - alpha) < 5.1e-4


@pytest.mark.parametrize(
    "group", [groups.dihedral(5), groups.reflection(4), groups.iterated_wreath(2)], ids=str
)
def test_residual_is_the_mean_commutator_over_the_group(group, x64):
    n = group.degree
    X = np.random.default_rng(0).normal(size=(n, n))
    R = X + X.T
    found = {tuple(range(n))}
    for _ in range(8):  # words of 256 letters reach every element of these groups
        found |= {tuple(np.array(g)[list(h)]) for g, h in itertools.product(found, found)}
        found |= {tuple(map(int, g)) for g in group.generators}
    commutators = [np.square(R[np.ix_(g, g)] - R).sum() for g in found]
    delta = float(groups.commutativity_residual(group, R))
    white = np.trace(R) / n * np.eye(n)
    right = np.sqrt(np.mean(commutators) / 2) / np.linalg.norm(R - white)
    assert abs(delta - right) < 1e-12


def test_range_and_limits():
    R = jnp.asarray(ar1(8, 0.9))
    assert groups.commutativity_residual(groups.trivial(8), R) == 0
    assert groups.commutativity_residual(groups.symmetric(8), jnp.eye(8)) == 0
    invariant = groups.reynolds(groups.cyclic(8), R)
    assert groups.commutativity_residual(groups.cyclic(8), invariant) < 1e-6
    residuals = [float(groups.commutativity_residual(g(8), R)) for g in CHAIN]
    assert residuals == sorted(residuals)
    assert residuals[0] >= 0
    assert residuals[-1] <= 1
    one = jnp.ones((4, 4))
    assert abs(groups.coloring_index(one) - 0.75) < 1e-6
    assert groups.coloring_index(3 * jnp.eye(4)) == 0
    x, shift = jnp.asarray(ar1(4, 0.7)), 5 * jnp.eye(4)
    assert groups.coloring_index(x + shift) < groups.coloring_index(x)


def test_a_basis_serves_as_well(x64):
    R = jnp.asarray(ar1(8, 0.9))
    fold = groups.folded_dihedral("DCT-II", 8)
    by_basis = groups.commutativity_residual(groups.eigenbasis(fold), R)
    assert abs(by_basis - groups.commutativity_residual(fold, R)) < 1e-14
    # The Fourier basis sees what the shifts see.
    shifts = groups.cyclic(8)
    by_fourier = groups.commutativity_residual(groups.eigenbasis(shifts), R)
    assert abs(by_fourier - groups.commutativity_residual(shifts, R)) < 1e-12
    twirled = groups.reynolds(groups.eigenbasis(shifts), R)
    testing.assert_close(twirled.real, groups.reynolds(shifts, R), n=8)


@pytest.mark.parametrize("log", [False, True])
def test_hermitian_matrices_batches_and_transformations(log):
    X = jax.random.normal(jax.random.key(0), (3, 4, 4), "complex64")
    R = X @ jnp.conj(X).mT + 2 * jnp.eye(4, dtype="complex64")[None]

    def residual(A):
        return groups.commutativity_residual(groups.dihedral(4), A, log=log)

    together = residual(R)
    assert together.shape == (3,)
    assert together.dtype == jnp.float32
    one_by_one = jnp.stack([residual(A) for A in R])
    testing.assert_close(jax.jit(residual)(R), one_by_one, n=8, c=32.0)
    testing.assert_close(jax.vmap(residual)(R), one_by_one, n=8, c=32.0)
    gradient = jax.grad(lambda A: residual(A).sum())(R.real)
    assert bool(jnp.isfinite(gradient).all())


def test_16_bit_matrices_are_added_up_in_32():
    R = jnp.asarray(ar1(16, 0.5), "bfloat16")
    assert groups.commutativity_residual(D16, R).dtype == jnp.float32
    assert groups.coloring_index(R).dtype == jnp.float32


def test_bad_input(without_shape_checks):
    with pytest.raises(TypeError, match="`log` must be True or False"):
        groups.commutativity_residual(D16, jnp.eye(16), log=1)
    with pytest.raises(TypeError, match="or LinearOperator"):
        groups.commutativity_residual(16, jnp.eye(16))
    with pytest.raises(ValueError, match="`R` must have the shape"):
        groups.commutativity_residual(D16, jnp.eye(8))
    with pytest.raises(ValueError, match="`R` must have the shape"):
        groups.coloring_index(jnp.ones((2, 3)))
