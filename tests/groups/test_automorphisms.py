"""Permutations found from a covariance: the search, its parts, and the group that is accepted."""

import itertools

import numpy as np
import pytest

from hadax import groups
from hadax.groups import _assignment
from hadax.groups.automorphisms import _sample_covariances

NAMED = {
    "D16": groups.dihedral(16),
    "Z2^4": groups.elementary_abelian(4),
    "W4": groups.iterated_wreath(4),
    "grid": groups.direct_product(groups.dihedral(3), groups.dihedral(4)),
    "S8": groups.symmetric(8),
    "reversal": groups.reflection(8),
    "two orbits": groups.disjoint_union(groups.dihedral(5), groups.symmetric(3)),
    "copies": groups.copies(groups.dihedral(5), 2),
}


def covariance(group, seed):
    """An invariant covariance under a hidden numbering, and the orbitals in that numbering."""
    rng = np.random.default_rng(seed)
    n, labels = group.degree, groups.orbitals(group)
    X = rng.normal(size=(n, n))
    X = averaged(X + X.T, labels)
    values, vectors = np.linalg.eigh(X)
    R = (vectors * np.exp(values / values.std())) @ vectors.T
    hidden = rng.permutation(n)
    return R[np.ix_(hidden, hidden)], labels[np.ix_(hidden, hidden)]


def averaged(X, labels):
    sums = np.bincount(labels.ravel(), X.ravel())
    return (sums / np.bincount(labels.ravel()))[labels]


def sampled(R, snapshots, seed):
    x = np.random.default_rng(seed).normal(size=(snapshots, len(R))) @ np.linalg.cholesky(R).T
    return x.T @ x / snapshots


def same_partition(left, right):
    return len(np.unique(left * left.size + right)) == left.max() + 1 == right.max() + 1


@pytest.mark.parametrize("name", ["D16", "Z2^4", "W4"])
def test_every_anchor_leads_to_an_automorphism(name):
    R, _ = covariance(NAMED[name], seed=3)
    for k in range(1, 16):
        p = groups.anchored_automorphism(R, {0: k})
        assert p[0] == k
        assert np.square(R[np.ix_(p, p)] - R).sum() < 1e-20 * np.square(R).sum()


@pytest.mark.parametrize("name", NAMED)
def test_the_group_of_a_known_covariance(name):
    R, labels = covariance(NAMED[name], seed=0)
    found = groups.approximate_automorphisms(R)
    assert same_partition(groups.orbitals(found), labels)


def test_the_group_of_no_symmetry_is_trivial():
    R, _ = covariance(groups.trivial(6), seed=1)
    assert groups.rank(groups.approximate_automorphisms(R)) == 36
    estimate = sampled(R, 2000, seed=0)
    assert groups.rank(groups.approximate_automorphisms(estimate, snapshots=2000)) == 36


@pytest.mark.parametrize("log", [False, True])
def test_the_group_of_snapshots(log):
    R, labels = covariance(NAMED["D16"], seed=5)
    estimate = sampled(R, 2048, seed=1)
    found = groups.approximate_automorphisms(estimate, snapshots=2048, log=log)
    assert same_partition(groups.orbitals(found), labels)
    # Without a floor, nothing is a symmetry of an estimate.
    assert groups.rank(groups.approximate_automorphisms(estimate)) == 256


@pytest.mark.parametrize("log", [False, True])
def test_what_is_found_from_few_snapshots_is_not_refuted(log):
    # Neighbours on a smooth circle look alike to 64 snapshots. No swap of two is refuted by itself,
    # all of them together are: they would make all points exchangeable.
    i = np.arange(16)
    R = np.exp(np.cos(2 * np.pi * (i[:, None] - i) / 16)) + 0.05 * np.eye(16)
    estimate = sampled(R, 64, seed=0)
    labels = groups.orbitals(groups.approximate_automorphisms(estimate, snapshots=64, log=log))

    def left(S):
        return np.square(S - averaged(S, labels)).sum()

    average = averaged(estimate, labels)
    drawn = [left(sampled(average, 64, seed)) for seed in range(400)]
    assert left(estimate) < np.mean(drawn) + 6.5 * np.std(drawn)


def test_exchanges_end_where_none_gains():
    rng = np.random.default_rng(0)
    R = rng.normal(size=(7, 7))
    R = R + R.T
    for _ in range(5):
        start = rng.permutation(7)
        p = _assignment._exchanged(R, start, {2: int(start[2])})
        assert p[2] == start[2]
        assert sorted(p) == list(range(7))
        reached = _assignment.commutator(R, p)
        assert reached <= _assignment.commutator(R, start)
        for i, j in itertools.combinations((0, 1, 3, 4, 5, 6), 2):
            q = p.copy()
            q[[i, j]] = q[[j, i]]
            assert _assignment.commutator(R, q) > reached - 1e-9


def test_the_search_finds_the_optimum_of_six_points():
    # What is to be found can be enumerated: 120 permutations with one image prescribed.
    rng = np.random.default_rng(1)
    for _ in range(5):
        R = rng.normal(size=(6, 6))
        R = R + R.T
        found = _assignment.commutator(R, groups.anchored_automorphism(R, {0: 3}))
        every = (np.array(p) for p in itertools.permutations(range(6)) if p[0] == 3)
        assert found <= min(_assignment.commutator(R, p) for p in every) + 1e-9


@pytest.mark.parametrize("snapshots", [3, 40])
def test_the_simulated_covariances_have_the_floor_as_their_mean(snapshots):
    # 40 x 100 draws, against 4 standard errors: 6e-5 false alarms.
    R, _ = covariance(groups.dihedral(8), seed=0)
    p = groups.anchored_automorphism(R, {0: 1})
    rng = np.random.default_rng(2)
    draws = np.concatenate([_sample_covariances(R, snapshots, rng) for _ in range(40)])
    left = np.square(draws[:, p][:, :, p] - draws).sum(axis=(1, 2))
    error = 4 * left.std(ddof=1) / np.sqrt(left.size)
    floor = groups.commutator_floor(p, R.astype(np.float32), snapshots=snapshots)
    assert abs(left.mean() - float(floor)) < error


def test_bad_input(without_shape_checks):
    eye = np.eye(4)
    with pytest.raises(ValueError, match="`R` must be symmetric"):
        groups.anchored_automorphism(np.triu(np.ones((4, 4))), {})
    with pytest.raises(ValueError, match="`R` must be a square matrix"):
        groups.anchored_automorphism(np.ones((3, 4)), {})
    with pytest.raises(TypeError, match="`R` must be real floating point"):
        groups.approximate_automorphisms(eye.astype(complex))
    with pytest.raises(ValueError, match="`R` must be finite"):
        groups.anchored_automorphism(eye * np.nan, {})
    for anchors in ({0: 4}, {-1: 0}, {0: 1, 2: 1}):
        with pytest.raises(ValueError, match=r"must send some of the points 0 \.\.\. 3"):
            groups.anchored_automorphism(eye, anchors)
    with pytest.raises(TypeError, match="`anchors` must be a dict"):
        groups.anchored_automorphism(eye, [0, 1])
    with pytest.raises(ValueError, match="positive definite with log=True"):
        groups.approximate_automorphisms(np.ones((4, 4)), log=True)
    with pytest.raises(ValueError, match="`snapshots` must be at least 1"):
        groups.approximate_automorphisms(eye, snapshots=0)
    with pytest.raises(ValueError, match="`snapshots` must be at least 4"):
        groups.approximate_automorphisms(eye, snapshots=3, log=True)
    with pytest.raises(ValueError, match="`deviations` must not be negative"):
        groups.approximate_automorphisms(eye, deviations=-1.0)
    with pytest.raises(TypeError, match="`log` must be True or False"):
        groups.approximate_automorphisms(eye, log=1)
