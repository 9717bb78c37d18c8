"""What is particular to risks of averaged covariances: the crossover, and checks that fail."""

import jax
import numpy as np
import pytest

from experiments import covariance_risk
from experiments.covariance_risk import Trial

REPEATS = 200


@pytest.fixture(scope="module")
def rows():
    cases = [("D16", "invariant", 8), ("D16", "AR(1)", 8), ("reversal", "AR(1)", 8)]
    cases.append(("D16", "AR(1)", 512))
    found = []
    for i, case in enumerate(cases):
        trial = Trial(*case, repeats=REPEATS, covariance_seed=0)
        found.append({**vars(trial), **covariance_risk.run(trial, jax.random.key(i))})
    return found


def failing(rows):
    return [check.statement for check in covariance_risk.checks(rows) if check.holds == "no"]


def test_simulations_follow_the_formula(rows):
    # 1 % false alarms of all, with fixed keys.
    assert failing(rows) == []
    assert len(covariance_risk.checks(rows)) == 6


def test_gains_and_biases(rows):
    invariant, ar1, reversal, many = rows
    assert invariant["bias"] < 1e-20
    assert reversal["bias"] < 1e-20
    assert np.isinf(covariance_risk.crossover(reversal))
    assert 8 < covariance_risk.crossover(ar1) < 512
    assert covariance_risk.crossover(many) == pytest.approx(covariance_risk.crossover(ar1))
    assert covariance_risk.exact_risk(ar1, np.array([512.0]))[0] == pytest.approx(many["exact"])
    # White data would gain (16^2 + 16) / (2 * 9); this covariance is not far from it.
    assert 5 < invariant["exact_plain"] / invariant["exact"] < 15.2


def test_wrong_rows_are_seen(rows):
    invariant, few, reversal, many = rows
    off = {**invariant, "averaged": invariant["averaged"] + 6 * invariant["averaged_error"]}
    assert len(failing([off, few, reversal, many])) == 1
    assert len(failing([invariant, few, reversal, {**many, "saved": 1.0}])) == 1
    assert len(failing([invariant, {**few, "saved": -20.0}, reversal, many])) == 1


def test_unknown_groups_are_refused():
    with pytest.raises(ValueError, match="--ar1-groups must be of reversal"):
        covariance_risk.Config(ar1_groups=("A5",))
