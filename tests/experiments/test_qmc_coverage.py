"""What is particular to the coverage of cubatures: signs, tolerances, and checks that fail."""

import dataclasses

import jax
import pytest

from experiments import qmc_coverage
from experiments._integrands import integrand
from experiments._runner import run_experiment
from experiments.qmc_coverage import CUBATURES, EXPERIMENT, Config, Trial

KEY = jax.random.key(0)


@pytest.mark.parametrize("cubature", CUBATURES)
@pytest.mark.parametrize("tolerance", ["absolute", "relative"])
def test_errors_are_within_what_is_asked_for(cubature, tolerance):
    row = qmc_coverage.run(Trial("gaussian", 2, cubature, tolerance, 0.01, 3), KEY)
    assert row["within_tolerance"] == row["within_bound"] == row["converged"] == 3
    assert row["n_low"] <= row["n"] <= row["n_high"]
    assert row["error_median"] <= row["error_largest"] <= 0.01
    assert row["bound_median"] <= 0.01
    assert row["seconds"] > 0


def test_of_the_relative_tolerance_the_negative_is_integrated():
    trial = Trial("gaussian", 2, "adaptive net", "relative", 0.01, 3)
    function, exact = qmc_coverage._problem(trial)
    known = integrand("gaussian", 2)
    assert exact == -known.exact
    x = jax.random.uniform(KEY, (4, 2))
    assert (function(x) == -known.function(x)).all()
    # The same object again: what is compiled for it is kept.
    assert qmc_coverage._problem(trial)[0] is function


def test_a_truth_outside_is_counted(monkeypatch):
    """Of an integral that is said to be another one, nothing is within anything."""
    monkeypatch.setattr(qmc_coverage, "_problem", lambda trial: (lambda x: x[:, 0], 0.7))
    row = qmc_coverage.run(Trial("gaussian", 1, "adaptive net", "absolute", 0.01, 2), KEY)
    assert row["within_tolerance"] == row["within_bound"] == 0
    assert row["error_largest"] == pytest.approx(0.2 / 0.7, rel=1e-2)


def row(**changes):
    found = {"integrand": "keister", "dimensions": 2, "cubature": "adaptive net", "runs": 400}
    found |= {"tolerance": "absolute", "error": 1e-3, "within_tolerance": 400}
    return {**found, "within_bound": 400, **changes}


def verdicts(*rows):
    return [check.holds for check in qmc_coverage.checks(rows)]


def test_shares_are_judged_with_their_bands():
    assert verdicts(row()) == ["yes", "yes"]
    assert verdicts(row(within_tolerance=340)) == ["no", "yes"]
    assert verdicts(row(within_bound=384)) == ["yes", "undecided"]
    assert verdicts(row(runs=50, within_tolerance=50, within_bound=50)) == ["undecided"] * 2


def test_bands_hold_together():
    alone, *_ = qmc_coverage.checks([row()])
    among, *_ = qmc_coverage.checks([row(dimensions=d) for d in range(1, 20)])
    assert alone.low is not None
    assert among.low is not None
    assert among.low < alone.low < 1


@pytest.mark.slow
def test_a_small_run_holds():
    config = dataclasses.replace(
        EXPERIMENT.presets["smoke"].config, cubatures=("adaptive net",), runs=160
    )
    found = run_experiment(EXPERIMENT, "smoke", config).rows
    assert {check.holds for check in qmc_coverage.checks(found)} == {"yes"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"integrands": ("asian",)}, "--integrands must be of keister"),
        ({"cubatures": ("halton",)}, "--cubatures must be of adaptive lattice"),
        ({"error": 0.5}, "--error must be between 1e-9 and 0.1"),
        ({"runs": 1}, "--runs must be at least 2"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Config(**settings)
