"""Verdicts of checks, and that the checks of the experiments can fail."""

import math

import pytest

from experiments import kolmogorov, wasserstein
from experiments._contract import Check
from experiments._report import cells, markdown_table, summary
from experiments._runner import run_experiment


@pytest.mark.parametrize(
    ("relation", "low", "high", "tolerance", "verdict"),
    [
        ("at most", None, None, 0.0, "no"),
        ("at most", None, None, 1.5, "yes"),
        ("at most", 0.5, 3.5, 0.0, "undecided"),
        ("at most", 0.1, 0.9, 0.0, "yes"),
        ("at least", None, None, 0.0, "yes"),
        ("at least", 0.5, 3.5, 0.0, "undecided"),
        ("at least", 0.1, 0.9, 0.0, "no"),
        ("equals", None, None, 0.0, "no"),
        ("equals", None, None, 1.0, "yes"),
        ("equals", 0.5, 3.5, 0.0, "yes"),
        ("equals", 1.5, 3.5, 0.4, "no"),
    ],
)
def test_verdict_on_two_against_one(relation, low, high, tolerance, verdict):
    check = Check("2 against 1", "measured", 2.0, relation, 1.0, low, high, tolerance)
    assert check.holds == verdict


def test_not_a_number_never_holds():
    assert Check("", "measured", float("nan"), "at most", 1.0).holds == "no"


def test_table_cells():
    check = Check("a | b", "paper", 0.25, "at most", 0.5, 0.2, 0.3, 0.01)
    assert cells(check) == ("a | b", "paper", "0.25", "[0.2, 0.3]", "<= 0.5 +- 0.01", "yes")
    assert "a \\| b" in markdown_table([check])
    assert summary([check]) == "1 of 1 checks hold"


def test_what_was_not_measured_is_undecided_and_says_why():
    check = Check("a", "measured", math.nan, "at most", 0.5, missing="b: not installed")
    assert cells(check) == ("a", "measured", "nothing", "b: not installed", "<= 0.5", "undecided")
    assert summary([check]) == "0 of 1 checks hold, 1 undecided"


@pytest.fixture(scope="module")
def kolmogorov_rows(tmp_path_factory):
    return _rows(
        kolmogorov.EXPERIMENT,
        kolmogorov.Config(log2_d=(4, 6), inputs=("e1", "two"), blocks=(1, 2), samples=500),
        tmp_path_factory,
    )


@pytest.fixture(scope="module")
def wasserstein_rows(tmp_path_factory):
    config = wasserstein.Config(log2_d=(4,), samples=500)
    return _rows(wasserstein.EXPERIMENT, config, tmp_path_factory)


def _rows(experiment, config, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HADAX_RESULTS", str(tmp_path_factory.mktemp("results")))
        return run_experiment(experiment, "smoke", config).rows


def verdicts(experiment, rows):
    return {check.holds for check in experiment.EXPERIMENT.checks(rows)}


def test_kolmogorov_checks_hold(kolmogorov_rows):
    assert verdicts(kolmogorov, kolmogorov_rows) == {"yes"}


@pytest.mark.parametrize(("method", "factor"), [("exact", 1.001), ("exact", 3), ("sampled", 2)])
def test_kolmogorov_checks_can_fail(kolmogorov_rows, method, factor):
    wrong = [
        {**row, **{name: factor * row[name] for name in ("distance", "low", "high")}}
        if row["method"] == method
        else row
        for row in kolmogorov_rows
    ]
    assert "no" in verdicts(kolmogorov, wrong)


def test_wasserstein_checks_hold(wasserstein_rows):
    assert verdicts(wasserstein, wasserstein_rows) == {"yes"}


@pytest.mark.parametrize(
    "wrong", [{"w2": 0.2}, {"w2": 0.95}, {"cost": 0.9}, {"sign_z": 5.0}, {"law_distance": 0.3}]
)
def test_wasserstein_checks_can_fail(wasserstein_rows, wrong):
    assert "no" in verdicts(wasserstein, [{**row, **wrong} for row in wasserstein_rows])


def test_exponents_are_fitted():
    rows = [
        {"d": d, "distance": 2 * d**-0.75, "low": 1.9 * d**-0.75, "high": 2.1 * d**-0.75}
        for d in (16, 64, 128, 256, 1024)
    ]
    rows[0]["distance"] = 5.0  # below the dimension at which fits start
    fit = kolmogorov.fit_exponent(rows)
    assert fit is not None
    assert fit.value == pytest.approx(-0.75)
    assert -0.8 < fit.low < -0.75 < fit.high < -0.7
    assert kolmogorov.fit_exponent(rows[:3]) is None


@pytest.mark.parametrize("settings", [{"log2_d": (1,)}, {"log2_d": ()}, {"blocks": (0,)}])
def test_kolmogorov_settings_are_checked(settings):
    with pytest.raises(ValueError, match="must be"):
        kolmogorov.Config(**settings)
