"""Groups under an unknown order of the points, and the front door.

Rates are measured with fixed seeds; the bounds are those of the specification (T8 and issue's
rates at 512 vectors and 20 dB: .70, 1.0, .77), which were measured for starts without a climb.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import groups
from hadax.groups._orders import OrderSearch
from tests.groups.covariances import gaussian, invariant_covariance

SEARCHES = {
    "D16": (groups.dihedral(16), groups.discover_cyclic),
    "Z2^4": (groups.elementary_abelian(4), groups.discover_elementary_abelian),
    "W4": (groups.iterated_wreath(4), groups.discover_tree),
}


def hidden(group, rng, *, snr_db=np.inf):
    """A covariance of the group with its points shuffled, and the group in that order."""
    R = invariant_covariance(group, rng, snr_db=snr_db)
    shuffle = rng.permutation(group.degree)
    return R[np.ix_(shuffle, shuffle)], groups.relabelled(group, np.argsort(shuffle))


def same_matrices(left, right) -> bool:
    """Whether two groups leave the same symmetric matrices as they are."""
    a, b = (np.minimum(lab, lab.T) for lab in map(groups.orbitals, (left, right)))
    pairs = set(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    return len(pairs) == len(np.unique(a)) == len(np.unique(b))


def test_relabelled_group_leaves_the_relabelled_matrices(x64):
    group = groups.direct_product(groups.dihedral(3), groups.symmetric(2))
    order = np.random.default_rng(0).permutation(6)
    moved = groups.relabelled(group, order)
    R = np.random.default_rng(1).normal(size=(6, 6))
    expected = np.asarray(groups.reynolds(group, R[np.ix_(order, order)]))
    np.testing.assert_allclose(
        groups.reynolds(moved, R)[np.ix_(order, order)], expected, atol=1e-15
    )
    seen = groups.in_basis(groups.eigenbasis(moved), groups.reynolds(moved, R + R.T))
    np.testing.assert_allclose(seen, np.diag(np.diag(seen)), atol=1e-14)
    assert moved == groups.relabelled(group, jnp.asarray(order))


@pytest.mark.parametrize("name", SEARCHES)
def test_score_after_a_swap_is_that_of_the_swapped_order(name):
    rng = np.random.default_rng(2)
    R = invariant_covariance(SEARCHES[name][0], rng, snr_db=5)
    search, order = OrderSearch(SEARCHES[name][0]), rng.permutation(16)
    expected = np.empty((16, 16))
    for a, b in itertools.product(range(16), repeat=2):
        swapped = order.copy()
        swapped[[a, b]] = order[[b, a]]
        moved = R[np.ix_(swapped, swapped)]
        average = np.asarray(groups.reynolds(SEARCHES[name][0], moved), np.float64)
        expected[a, b] = np.linalg.slogdet(average)[1]
    np.testing.assert_allclose(search._after_swaps(R, order), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_known_covariance_gives_its_group(name):
    # T8.
    group, discover = SEARCHES[name]
    rng = np.random.default_rng(11)
    for _ in range(10):
        R, truth = hidden(group, rng)
        found = discover(R, snapshots=10**6)
        assert same_matrices(found.group, truth)
        assert found.parameters == groups.symmetric_rank(truth)


@pytest.mark.parametrize(("name", "least"), [("D16", 18), ("Z2^4", 20), ("W4", 16)])
def test_hit_rate_with_512_vectors_at_20_db(name, least):
    # Starts alone have .70, 1.0 and .77, the search .98, 1.00 and .85 (experiment blind_recovery).
    group, discover = SEARCHES[name]
    rng = np.random.default_rng(12)
    hits = 0
    for _ in range(20):
        R, truth = hidden(group, rng, snr_db=20)
        x = gaussian(R, 512, rng)
        found = discover(x)
        hits += same_matrices(found.group, truth)
        # What is found is as likely as the truth, or more: misses of the tree are the data's.
        if name != "D16":
            assert groups.bic(found.group, x) <= groups.bic(truth, x) + 1e-6
    assert hits >= least


@pytest.mark.parametrize("name", SEARCHES)
def test_price_of_an_order_counts_the_different_ones(name):
    # By enumeration on 4 and 5 points, where all orders can be listed.
    n, group, discover = {
        "D16": (5, groups.dihedral(5), groups.discover_cyclic),
        "Z2^4": (4, groups.elementary_abelian(2), groups.discover_elementary_abelian),
        "W4": (4, groups.iterated_wreath(2), groups.discover_tree),
    }[name]
    labels = np.minimum(groups.orbitals(group), groups.orbitals(group).T)
    partitions = set()
    for order in itertools.permutations(range(n)):
        places = np.argsort(order)
        moved = labels[np.ix_(places, places)]
        partitions.add(frozenset(np.flatnonzero(moved == k).tobytes() for k in np.unique(moved)))
    x = np.random.default_rng(0).normal(size=(30, n))
    found = discover(x)
    price = found.score - groups.bic(found.group, x)
    assert price == pytest.approx(2 * math.log(len(partitions)), abs=1e-9)


def test_discovery_of_a_hidden_circle():
    rng = np.random.default_rng(4)
    R, truth = hidden(groups.dihedral(16), rng, snr_db=20)
    x = gaussian(R, 512, rng).astype(np.float32)
    found = groups.discover(x)
    assert found.verdict == "match"
    assert same_matrices(found.group, truth)
    assert found.z_score < 3
    assert found.alpha > 3 * found.alpha_floor
    assert found.delta == pytest.approx(
        float(groups.commutativity_residual(found.group, x.T @ x / 512)), rel=1e-3
    )
    # Its basis has a fast apply and makes the covariance diagonal.
    seen = groups.in_basis(found.basis, jnp.asarray(R, jnp.float32))
    assert np.abs(seen - np.diag(np.diag(seen))).max() < 1e-4 * np.abs(seen).max()
    assert jax.jit(found.basis)(x).shape == x.shape
    assert "D16 relabelled" in str(found)


def test_discovery_in_the_natural_order_pays_no_price():
    rng = np.random.default_rng(5)
    x = gaussian(invariant_covariance(groups.elementary_abelian(4), rng), 512, rng)
    assert groups.discover(x).group == groups.elementary_abelian(4)
    assert groups.discover(x, blind=False).group == groups.elementary_abelian(4)


def test_discovery_of_nothing():
    rng = np.random.default_rng(6)
    mixing = rng.normal(size=(16, 16))
    x = rng.normal(size=(2048, 16)) @ mixing
    found = groups.discover(x)
    assert found.verdict == "no match"
    assert found.group == groups.trivial(16)
    assert str(found).startswith("no match: use the KLT")
    assert found.z_score > 4
    assert found.best.group != groups.trivial(16)
    # The basis is the KLT of the sample covariance, large variances first.
    variances = np.var(np.asarray(found.basis(x.astype(np.float32))), axis=0)
    expected = np.linalg.eigvalsh(x.T @ x / 2048)[::-1]
    np.testing.assert_allclose(variances, expected, rtol=0.01)


def test_discovery_in_white_vectors():
    # By chance another group wins in about 2 of 100: more than 2 of 20 has a probability of 1 %.
    draws = (np.random.default_rng(seed).normal(size=(500, 8)) for seed in range(20))
    found = [groups.discover(x, blind=False) for x in draws]
    assert sum(each.verdict == "white" for each in found) >= 18
    assert "every orthonormal basis" in str(found[0])


def test_no_more_vectors_than_entries_match_nothing():
    noise = [
        np.random.default_rng(seed).normal(size=(count, 8))
        for count in (2, 5, 8)
        for seed in (1, 2)
    ]
    found = [groups.discover(x) for x in noise]
    assert {each.verdict for each in found} <= {"too few", "white"}
    doubtful = next(each for each in found if each.verdict == "too few")
    assert doubtful.group == doubtful.best.group
    assert str(doubtful).startswith("too few vectors to tell: take more than entries")


def test_discovery_of_a_group_without_eigenbasis():
    i = np.arange(16)
    R = 0.95 ** np.abs(i[:, None] - i)
    found = groups.discover(R, snapshots=10**5)
    assert found.verdict == "match"
    assert found.group == groups.reflection(16)
    gain = np.diag(np.asarray(groups.in_basis(found.basis, jnp.asarray(R, jnp.float32))))
    np.testing.assert_allclose(gain, np.linalg.eigvalsh(R)[::-1], rtol=1e-3)


def test_z_score_is_standard_for_the_right_group():
    # Sixty values: a mean within .5 of 0 and none above 5, for a law with unit deviation that is
    # skewed to the right.
    rng = np.random.default_rng(8)
    R = invariant_covariance(groups.dihedral(8), rng)
    z = [groups.discover(gaussian(R, 400, rng), blind=False).z_score for _ in range(60)]
    assert abs(np.mean(z)) < 0.5
    assert max(z) < 5
    assert 0.6 < np.std(z) < 1.5


def test_the_same_seed_gives_the_same_answer():
    x = np.random.default_rng(9).normal(size=(64, 8))
    first, second = (groups.discover_tree(x, seed=3) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: groups.discover_cyclic(np.ones((9, 3))), ValueError, "at least 4 entries"),
        (lambda: groups.discover_tree(np.ones((9, 12))), ValueError, "power of two"),
        (lambda: groups.discover_elementary_abelian(np.ones((9, 2))), ValueError, "power of two"),
        (lambda: groups.discover(np.ones((9, 1))), ValueError, "at least 2 entries"),
        (lambda: groups.discover(np.ones((9, 4)), limit=-1.0), ValueError, "negative"),
        (lambda: groups.discover(np.ones((9, 4)), limit="4"), TypeError, "a number"),
        (lambda: groups.discover(np.ones((9, 4)), rounds=-1), ValueError, "rounds"),
        (lambda: groups.discover(np.zeros((9, 4))), ValueError, "not all zero"),
        (lambda: groups.discover(np.ones((9, 4)), seed=0.5), TypeError, "seed"),
        # Its rows would be taken for four vectors.
        (lambda: groups.discover(np.eye(4) + 1), ValueError, "Pass snapshots="),
        (lambda: groups.discover(np.ones((9, 4)), snapshots=9), ValueError, "`snapshots` out"),
        (lambda: groups.discover(np.eye(4) - 0.3, snapshots=9), ValueError, "negative eigenvalue"),
        # Without this, "no match" for what is exactly invariant: no likelihood is finite.
        (lambda: groups.discover(np.ones((9, 4))), ValueError, "in 3 of 4 dimensions"),
        (lambda: groups.relabelled(groups.cyclic(4), [0, 1, 2]), ValueError, "4 points"),
        (lambda: groups.relabelled(groups.cyclic(4), [0, 1, 2, 2]), ValueError, "permutations"),
    ],
)
def test_bad_input(call, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        call()


def test_relabelled_basis_is_an_operator():
    basis = groups.eigenbasis(groups.relabelled(groups.dihedral(6), [3, 1, 0, 5, 2, 4]))
    x = jnp.arange(6.0)
    np.testing.assert_allclose(hadax.inverse(basis)(basis(x)), x, atol=1e-5)
