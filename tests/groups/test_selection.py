"""Selection from a library: likelihood, penalty, hit rates, and the risk as a criterion.

Hit rates are measured with fixed seeds; the bounds are those of the specification (T7).
"""

import math

import numpy as np
import pytest

from hadax import groups
from tests.groups.covariances import gaussian, invariant_covariance

_S4, _D4 = groups.symmetric(4), groups.dihedral(4)
LIBRARY = {
    "trivial": groups.trivial(16),
    "reflection": groups.reflection(16),
    "D16": groups.dihedral(16),
    "Z2^4": groups.elementary_abelian(4),
    "W4": groups.iterated_wreath(4),
    "S4 wr S4": groups.wreath(_S4, _S4),
    "D4 x D4": groups.direct_product(_D4, _D4),
    "S16": groups.symmetric(16),
    "DCT-II": groups.folded_dihedral("DCT-II", 16),
}


@pytest.mark.parametrize("group", [groups.dihedral(8), groups.folded_dihedral("DST-IV", 8)])
def test_bic_is_the_largest_likelihood_and_the_penalty(group, x64):
    rng = np.random.default_rng(3)
    x = gaussian(invariant_covariance(group, rng), 40, rng)
    R = x.T @ x / 40
    average = np.asarray(groups.reynolds(group, R))
    at_maximum = -2 * _log_likelihood(x, average)
    shared = 40 * 8 * (math.log(2 * math.pi) + 1)
    free = len({"DST-IV": range(8)}.get(getattr(group, "kind", ""), range(5)))
    assert groups.bic(group, x) == pytest.approx(at_maximum - shared + free * math.log(40))
    assert groups.bic(group, R, snapshots=40) == pytest.approx(groups.bic(group, x))
    # No invariant matrix nearby is more likely.
    for _ in range(20):
        bump = rng.normal(size=(8, 8))
        nearby = average + 0.02 * np.asarray(groups.reynolds(group, bump + bump.T))
        assert -2 * _log_likelihood(x, nearby) > at_maximum


def test_bic_of_too_few_vectors_is_infinite():
    x = np.random.default_rng(0).normal(size=(4, 16))
    assert groups.bic(groups.trivial(16), x) == math.inf
    assert groups.bic(groups.dihedral(16), x) < math.inf


@pytest.mark.parametrize("truth", [name for name in LIBRARY if name != "trivial"])
def test_hit_rate_with_64_vectors_at_20_db(truth):
    # T7. Forty trials; the expected rates are 1.00 to 0.90, for S4 wr S4 0.90.
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(40):
        x = gaussian(invariant_covariance(LIBRARY[truth], rng, snr_db=20), 64, rng)
        hits += groups.select(x, LIBRARY.values())[0].group == LIBRARY[truth]
    assert hits >= (32 if truth == "S4 wr S4" else 36)


def test_by_risk_ranks_as_the_estimated_risks_do():
    rng = np.random.default_rng(1)
    x = gaussian(invariant_covariance(LIBRARY["D16"], rng), 32, rng).astype(np.float32)
    ranking = groups.select(x, LIBRARY.values(), criterion="risk")
    risks = [float(groups.estimated_risk(each.group, x)) for each in ranking]
    assert risks == sorted(risks)
    assert [each.score for each in ranking] == pytest.approx(risks, rel=1e-5)
    assert ranking[0].group != LIBRARY["trivial"]


def test_library_holds_every_space_of_matrices_once():
    found = groups.library(8)
    assert len({group.name for group in found}) == len(found) == 35
    assert all(group.degree == 8 for group in found)
    # The square's symmetries are those of the tree of two levels: the first name is kept.
    assert [group.name for group in groups.library(4) if group.name in ("D4", "W2")] == ["D4"]


ALL = groups.library(16)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x": np.ones((5, 16)), "library": []}, ValueError, "at least one group"),
        ({"x": np.ones((5, 16)), "library": [groups.cyclic(8)]}, ValueError, "8 entries a vector"),
        ({"x": np.ones((5, 16)), "library": ["D16"]}, TypeError, "must be a PermutationGroup"),
        (
            {"x": np.ones((5, 16)), "library": ALL, "criterion": "aic"},
            ValueError,
            "bic",
        ),
        ({"x": np.ones(16), "library": ALL}, ValueError, "one vector a row"),
        ({"x": np.ones((1, 16)), "library": ALL}, ValueError, "L >= 2"),
        ({"x": np.full((5, 16), np.nan), "library": ALL}, ValueError, "NaNs"),
        ({"x": np.ones((5, 16), int), "library": ALL}, TypeError, "real floating"),
        (
            {"x": np.eye(16), "library": ALL, "snapshots": 9, "criterion": "risk"},
            ValueError,
            "only a covariance",
        ),
        (
            {"x": np.triu(np.ones((16, 16))), "library": ALL, "snapshots": 9},
            ValueError,
            "symmetric",
        ),
        ({"x": np.eye(16), "library": ALL, "snapshots": 1}, ValueError, "snapshots"),
    ],
)
def test_bad_input(arguments, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        groups.select(**arguments)


def _log_likelihood(x: np.ndarray, R: np.ndarray) -> float:
    """The Gaussian log-likelihood of the rows of x, term by term."""
    _, log_det = np.linalg.slogdet(2 * np.pi * R)
    return -0.5 * float(np.sum(log_det + np.einsum("li,ij,lj->l", x, np.linalg.inv(R), x)))
