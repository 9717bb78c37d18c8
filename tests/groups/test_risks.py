"""Risks of averaged covariances: closed forms against one another and against simulation.

A simulated mean is compared to 4 of its standard errors: 6e-5 false alarms each, with fixed keys.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import groups

S3_REGULAR = groups.regular(groups.multiplication_table(groups.symmetric(3)), name="S3")
Q8_REGULAR = groups.regular(groups.dicyclic_table(2), name="Q8")
REPEATS = 20_000


def covariance(group, *, invariant: bool) -> np.ndarray:
    """A positive definite matrix; its eigenvalues are far from equal."""
    X = np.random.default_rng(group.degree).normal(size=2 * (group.degree,))
    X = X + X.T
    if invariant:
        X = np.asarray(groups.reynolds(group, X))
    values, vectors = np.linalg.eigh(X)
    return (vectors * np.exp(values / values.std())) @ vectors.T


def estimates(R: np.ndarray, snapshots: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian vectors (REPEATS, L, n) of covariance R, and their sample covariances."""
    shape = (REPEATS, snapshots, len(R))
    x = np.random.default_rng(5).normal(size=shape) @ np.linalg.cholesky(R).T
    return x, np.einsum("rli,rlj->rij", x, x) / snapshots


def assert_is_mean_of(value, draws):
    draws = np.asarray(draws)
    error = 4 * draws.std(ddof=1) / np.sqrt(draws.size)
    assert abs(float(value) - draws.mean()) < error


@pytest.mark.parametrize(
    "group",
    [
        groups.trivial(4),
        groups.reflection(8),
        groups.copies(groups.cyclic(5), 2),
        groups.copies(groups.cyclic(4), 3),
        S3_REGULAR,
        Q8_REGULAR,
        groups.copies(Q8_REGULAR, 2),
        groups.dihedral(8),
    ],
    ids=lambda group: group.name,
)
def test_variance_is_a_sum_over_irreducible_parts(group, x64):
    # (1/L) sum_l [beta (tr R_l)^2 + (2 - beta) tr R_l^2], beta = 1, 2, 4 for R, C, H.
    R = covariance(group, invariant=True)
    found = groups.symmetry_adapted(group)
    seen = found.matrix.T @ R @ found.matrix
    right, start = 0.0, 0
    for part in found.parts:
        stop = start + part.dimension * part.multiplicity
        block = seen[start:stop, start:stop]
        beta = {"R": 1, "C": 2, "H": 4}[part.kind]
        first, second = (np.trace(each) / part.dimension for each in (block, block @ block))
        right += beta * first**2 + (2 - beta) * second
        start = stop
    assert abs(groups.averaged_risk(group, R, snapshots=1) / right - 1) < 1e-10
    assert abs(groups.averaged_risk(group, R, snapshots=5) * 5 / right - 1) < 1e-10


@pytest.mark.parametrize(
    ("group", "invariant"),
    [
        (groups.reflection(6), True),
        (groups.copies(groups.cyclic(3), 2), True),
        (groups.dihedral(6), False),
        (groups.trivial(6), False),
    ],
    ids=str,
)
def test_risk_is_that_of_simulated_covariances(group, invariant, x64):
    R = covariance(group, invariant=invariant)
    _, sampled = estimates(R, 5)
    averaged = np.asarray(groups.reynolds(group, sampled))
    errors = np.square(averaged - R).sum(axis=(1, 2))
    assert_is_mean_of(groups.averaged_risk(group, R, snapshots=5), errors)


@pytest.mark.parametrize(
    "group", [groups.dihedral(4), groups.folded_dihedral("DCT-II", 4)], ids=str
)
def test_estimated_risk_is_unbiased_up_to_the_plain_risk(group, x64):
    R = covariance(groups.trivial(4), invariant=True)
    x, sampled = estimates(R, 3)
    estimated = jax.jit(jax.vmap(lambda v: groups.estimated_risk(group, v)))(x)
    averaged = np.asarray(groups.reynolds(group, sampled))
    true, plain = (np.square(each - R).sum(axis=(1, 2)) for each in (averaged, sampled))
    assert_is_mean_of(0.0, np.asarray(estimated) - true - plain)


def test_plain_risk_is_that_of_the_trivial_group(x64):
    R = covariance(groups.trivial(5), invariant=True)
    right = (np.trace(R) ** 2 + np.square(R).sum()) / 3
    assert abs(groups.averaged_risk(groups.trivial(5), R, snapshots=3) - right) < 1e-10 * right
    # One point copied: the same orbitals, each of one pair, by the way of a larger group.
    same = groups.copies(groups.trivial(1), 5)
    assert abs(groups.averaged_risk(same, R, snapshots=3) - right) < 1e-10 * right


@pytest.mark.parametrize(
    "group", [groups.cyclic(6), groups.reflection(6), groups.elementary_abelian(2)], ids=str
)
def test_commutator_floor_is_that_of_simulated_covariances(group, x64):
    R = covariance(group, invariant=True)
    p = group.generators[0]
    _, sampled = estimates(R, 4)
    commutators = np.square(sampled[:, p][:, :, p] - sampled).sum(axis=(1, 2))
    assert_is_mean_of(groups.commutator_floor(p, R, snapshots=4), commutators)


def test_the_identity_has_no_floor_and_everything_runs_under_jit():
    R = jnp.asarray(covariance(groups.trivial(4), invariant=True), "float32")
    assert abs(groups.commutator_floor(np.arange(4), R, snapshots=2)) < 1e-4
    group = groups.dihedral(4)
    risk = jax.jit(lambda A: groups.averaged_risk(group, A, snapshots=2))(R)
    assert abs(risk / groups.averaged_risk(group, R, snapshots=2) - 1) < 1e-5
    slope = jax.grad(lambda A: groups.averaged_risk(group, A, snapshots=2))(R)
    # The risk is a quadratic form of R: Euler's identity.
    assert abs(jnp.sum(slope * R) / (2 * risk) - 1) < 1e-5


def test_bad_input(without_shape_checks):
    group, eye = groups.cyclic(3), jnp.eye(3)
    with pytest.raises(ValueError, match="`snapshots` must be at least 1"):
        groups.averaged_risk(group, eye, snapshots=0)
    with pytest.raises(TypeError, match="`R` must be real floating point"):
        groups.averaged_risk(group, eye.astype("complex64"), snapshots=2)
    with pytest.raises(ValueError, match=r"shape \(3, 3\), but .* jax.vmap"):
        groups.averaged_risk(group, jnp.ones((3, 3, 3)), snapshots=2)
    with pytest.raises(ValueError, match=r"shape \(L, 3\) with L >= 2"):
        groups.estimated_risk(group, eye[:1])
    with pytest.raises(TypeError, match="must be a PermutationGroup"):
        groups.estimated_risk(3, eye)
    with pytest.raises(ValueError, match=r"permutations of 0 \.\.\. 2"):
        groups.commutator_floor(np.array([0, 0, 1]), eye, snapshots=2)
