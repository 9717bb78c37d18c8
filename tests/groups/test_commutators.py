"""The generalized eigenvalue problem of commutators: null spaces, floors, all kinds of input.

A simulated mean is compared to 4 of its standard errors: 6e-5 false alarms each, with fixed keys.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import groups

N = 16
POINTS = np.arange(N)
SHIFTS = (POINTS + np.arange(1, N)[:, None]) % N
FLIPS = POINTS ^ np.arange(1, N)[:, None]
DICTIONARY = np.concatenate([SHIFTS, FLIPS])
UNITS = np.eye(N * N).reshape(N * N, N, N)
SKEW = np.stack([UNITS[i * N + j] - UNITS[j * N + i] for i in range(N) for j in range(i)])


def covariance(group, seed=1) -> np.ndarray:
    """An invariant positive definite matrix of norm 1; its eigenvalues are far from equal."""
    X = np.random.default_rng(seed).normal(size=2 * (group.degree,))
    values, vectors = np.linalg.eigh(np.asarray(groups.reynolds(group, X + X.T)))
    R = (vectors * np.exp(values / values.std())) @ vectors.T
    return R / np.linalg.norm(R)


def bracket(A, B):
    return A @ B - B @ A


@pytest.mark.parametrize(
    ("group", "null", "commuting", "rotations"),
    [
        (groups.dihedral(16), 18, 30, 7),
        (groups.elementary_abelian(4), 15, 16, 0),
        (groups.iterated_wreath(4), 15, 86, 35),
        (groups.symmetric(16), 26, 226, 105),
    ],
    ids=str,
)
def test_null_spaces_at_16_points(group, null, commuting, rotations, x64):
    R = covariance(group)
    spectrum = groups.double_commutator(R, DICTIONARY)
    assert (int(spectrum.dimension), int(spectrum.nullity(1e-12))) == (26, null)
    # All matrices: what commutes with R, less the identity, whose trace is taken off.
    assert int(groups.double_commutator(R, UNITS).nullity(1e-12)) == commuting - 1
    assert int(groups.double_commutator(R, SKEW).nullity(1e-12)) == rotations


@pytest.mark.parametrize(
    ("group", "flips", "shifts"),
    [
        (groups.dihedral(16), [7, 8, 15], list(range(1, 16))),
        (groups.elementary_abelian(4), list(range(1, 16)), [8]),
    ],
    ids=str,
)
def test_members_that_commute_with_another_groups_covariance(group, flips, shifts, x64):
    R = covariance(group)
    for permutations, found in ((FLIPS, flips), (SHIFTS, shifts)):
        moved = R[permutations[:, :, None], permutations[:, None, :]]
        commute = np.abs(moved - R).max(axis=(1, 2)) < 1e-12
        assert list(1 + np.flatnonzero(commute)) == found


def test_a_combination_commutes_though_no_part_of_it_does(x64):
    # 15 shifts and the reflections 7 and 15 are 17 dimensions; the 18th is a sum of two flips.
    R = covariance(groups.dihedral(16))
    matrices = np.eye(N)[FLIPS].transpose(0, 2, 1)
    assert np.linalg.norm(bracket(matrices[3 - 1], R)) > 1e-2
    assert np.linalg.norm(bracket(matrices[3 - 1] + matrices[11 - 1], R)) < 1e-12
    members = np.concatenate([SHIFTS, FLIPS[[7 - 1, 15 - 1]]])
    assert int(groups.double_commutator(R, members).nullity(1e-12)) == 17


@pytest.mark.parametrize("is_complex", [False, True])
def test_eigenvalues_are_those_of_the_combinations(is_complex, x64):
    rng = np.random.default_rng(0)
    R, *members = rng.normal(size=(5, 6, 6))
    if is_complex:
        R = R + 1j * rng.normal(size=(6, 6))
        members = [A + 1j * rng.normal(size=(6, 6)) for A in members]
    R = R + R.conj().T
    # The last one is a combination of the others and the identity: it adds nothing.
    B = np.stack([*members, members[0] - 2 * members[1] + 3 * np.eye(6)])
    spectrum = groups.double_commutator(R, B)
    assert int(spectrum.dimension) == 4
    assert np.isinf(spectrum.eigenvalues[4])
    traceless = B - np.trace(B, axis1=1, axis2=2)[:, None, None] * np.eye(6) / 6
    combined = np.einsum("kj,kab->jab", spectrum.coefficients, traceless)[:4]
    flat = combined.reshape(4, -1)
    np.testing.assert_allclose(flat.conj() @ flat.T, np.eye(4), atol=1e-12)
    seen = np.stack([bracket(A, R).ravel() for A in combined])
    values = np.asarray(spectrum.eigenvalues[:4])
    np.testing.assert_allclose(seen.conj() @ seen.T, np.diag(values), atol=1e-11 * values.max())
    assert (np.diff(values) >= 0).all()
    # The double commutator itself: the same form, as stated.
    A = combined[0]
    double = bracket(R, bracket(R, A))
    assert abs(np.vdot(A, double) - values[0]) < 1e-11 * values.max()


def test_permutations_are_matrices(x64):
    R = covariance(groups.dihedral(16))
    matrices = np.eye(N)[DICTIONARY].transpose(0, 2, 1)
    left, right = (groups.double_commutator(R, d, snapshots=7) for d in (DICTIONARY, matrices))
    np.testing.assert_allclose(left.eigenvalues, right.eigenvalues, atol=1e-12)
    # Between equal eigenvalues only the sum of the floors is determined.
    assert left.floor is not None
    assert right.floor is not None
    null = np.asarray(left.eigenvalues) < 1e-12
    total = np.asarray(left.floor)[null].sum()
    np.testing.assert_allclose(np.asarray(right.floor)[null].sum(), total, rtol=1e-10)


def test_the_floor_of_one_permutation_is_its_commutator_floor(x64):
    R = covariance(groups.dihedral(16))
    for p in (SHIFTS[4], FLIPS[6]):  # neither has a fixed point: the traceless part has length 4
        spectrum = groups.double_commutator(R, p[None], snapshots=5)
        expected = groups.commutator_floor(p, R, snapshots=5) / N
        np.testing.assert_allclose(spectrum.floor, [expected], rtol=1e-10)


def test_the_floor_is_that_of_simulated_covariances(x64):
    R = covariance(groups.dihedral(16))
    spectrum = groups.double_commutator(R, DICTIONARY, snapshots=6)
    assert spectrum.floor is not None
    matrices = np.eye(N)[DICTIONARY].transpose(0, 2, 1)
    combined = np.einsum("kj,kab->jab", spectrum.coefficients[:, :18], matrices)
    shape = (4000, 6, N)
    x = np.random.default_rng(3).normal(size=shape) @ np.linalg.cholesky(R).T
    sampled = np.einsum("rli,rlj->rij", x, x) / 6
    for column in (0, 9):
        A = combined[column]
        draws = np.square(A @ sampled - sampled @ A).sum(axis=(1, 2))
        error = 4 * draws.std(ddof=1) / np.sqrt(draws.size)
        assert abs(float(spectrum.floor[column]) - draws.mean()) < error


def test_float32_under_jit():
    R = jnp.asarray(covariance(groups.dihedral(16)), "float32")
    spectrum = jax.jit(lambda A: groups.double_commutator(A, DICTIONARY, snapshots=10_000))(R)
    assert spectrum.eigenvalues.dtype == jnp.float32
    assert (int(spectrum.dimension), int(spectrum.nullity(1e-6))) == (26, 18)
    assert int(spectrum.nullity(spectrum.floor)) == 18
    half = groups.double_commutator(R.astype("bfloat16"), DICTIONARY)
    assert half.eigenvalues.dtype == jnp.float32


def test_bad_input(without_shape_checks):
    eye = jnp.eye(4)
    with pytest.raises(ValueError, match="`R` must be a square matrix"):
        groups.double_commutator(jnp.ones((3, 4)), np.arange(4)[None])
    with pytest.raises(ValueError, match="must act on the 4 points of `R`"):
        groups.double_commutator(eye, np.arange(3)[None])
    with pytest.raises(ValueError, match=r"permutations \(k, 4\) or matrices"):
        groups.double_commutator(eye, jnp.ones((2, 2, 4, 4)))
    with pytest.raises(ValueError, match=r"permutations \(k, 4\) or matrices"):
        groups.double_commutator(eye, [1, 2, 3, 0])
    with pytest.raises(ValueError, match=r"permutations of 0 \.\.\. 3"):
        groups.double_commutator(eye, np.zeros((1, 4), int))
    with pytest.raises(TypeError, match="`snapshots` must be None where R or the dictionary"):
        groups.double_commutator(eye.astype("complex64"), np.arange(4)[None], snapshots=3)
    with pytest.raises(ValueError, match="`snapshots` must be at least 1"):
        groups.double_commutator(eye, np.arange(4)[None], snapshots=0)
