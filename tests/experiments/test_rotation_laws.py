"""Checks of the experiments on laws of rotations: they hold on small runs, and they can fail."""

import math

import pytest

from experiments import kolmogorov_families, quenched, separation, worst_case
from experiments._runner import run_experiment

MODULES = {
    module.EXPERIMENT.name: module
    for module in (kolmogorov_families, quenched, separation, worst_case)
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The smoke preset's rows of each experiment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HADAX_RESULTS", str(tmp_path_factory.mktemp("results")))
        return {
            name: run_experiment(
                module.EXPERIMENT, "smoke", module.EXPERIMENT.presets["smoke"].config
            ).rows
            for name, module in MODULES.items()
        }


def verdicts(name, rows):
    return {check.holds for check in MODULES[name].EXPERIMENT.checks(rows)}


@pytest.mark.parametrize("name", MODULES)
def test_no_check_fails(rows, name):
    assert verdicts(name, rows[name]) <= {"yes", "undecided"}


@pytest.mark.parametrize(
    ("name", "kind", "wrong"),
    [
        ("kolmogorov_families", {"method": "exact"}, {"distance": 1.001}),
        ("kolmogorov_families", {"method": "lattice"}, {"distance": 9, "low": 9, "high": 9}),
        ("kolmogorov_families", {}, {"certificate": 2}),
        ("quenched", {"blocks": 1}, {"scaled": 0.1}),
        ("quenched", {"blocks": 2}, {"scaled": 3}),
        ("quenched", {"input": "e1", "blocks": 1}, {"scaled": 1.1}),
        ("separation", {"kind": "table"}, {"coordinate": 4}),
        ("separation", {}, {"direction": 2}),
        ("separation", {"blocks": 0}, {"one_bit": 1.1}),
        ("separation", {"blocks": 2}, {"largest": 1.1}),
        ("separation", {"kind": "failure"}, {"overlap": 0.1}),
        ("separation", {"kind": "failure"}, {"exact_direction": 0.9}),
        ("separation", {"kind": "failure"}, {"pairs": 0.9}),
        ("worst_case", {"kind": "support"}, {"distance": 1.2}),
        ("worst_case", {"input": "plane4"}, {"distance": 0.9}),
        ("worst_case", {"kind": "ascent"}, {"objective": 1.01}),
    ],
)
def test_checks_can_fail(rows, name, kind, wrong):
    """Rows of one kind with some numbers multiplied."""
    changed = [
        {**row, **{column: factor * row[column] for column, factor in wrong.items()}}
        if kind.items() <= row.items()
        else row
        for row in rows[name]
        if not (kind.items() <= row.items()) or set(wrong) <= row.keys()
    ]
    assert "no" in verdicts(name, changed)


def test_missing_classes_are_noticed(rows):
    assert "no" in verdicts("worst_case", rows["worst_case"][1:-1:2])


def test_one_draw_is_judged_by_its_own_deviation_where_there_are_many():
    row = {"sd": 0.1, "draws": 400}
    assert quenched.radius(row) == pytest.approx(4 * 0.1 / 20)
    few = quenched.radius({"sd": 0.1, "draws": 16})
    assert few == pytest.approx(quenched.INDEPENDENT_SD)
    assert quenched.radius({"sd": 0.0, "draws": 4}) == 0
    assert pytest.approx(0.8687, abs=1e-4) == quenched.INDEPENDENT
    assert pytest.approx(0.2603, abs=1e-4) == quenched.INDEPENDENT_SD


def test_every_input_has_its_dimensions():
    config = kolmogorov_families.Config()
    for trial in kolmogorov_families.trials(config):
        if trial.input.startswith("ind"):
            assert 2 ** (int(trial.input[3:]) - 1) < trial.d
        if trial.method == "exact":
            assert trial.draws == 0
    limits = kolmogorov_families.LIMITS
    assert limits["plane4"] == pytest.approx(0.5984, abs=1e-4)
    assert max(limits.values()) == limits["plane4"] == worst_case.PLANE_LIMIT
    assert limits["two"] == pytest.approx(math.sqrt(2) * limits["e1"])


@pytest.mark.parametrize(
    ("module", "settings"),
    [
        (kolmogorov_families, {"log2_d": (1,)}),
        (quenched, {"log2_d": (2,)}),
        (quenched, {"blocks": (0,)}),
        (separation, {"blocks": (0,)}),
        (separation, {"log2_d": 3}),
        (separation, {"failure_log2_d": (20,)}),
        (worst_case, {"support_d": (32,)}),
        (worst_case, {"ascent_d": (12,)}),
        (worst_case, {"starts": 0}),
    ],
)
def test_settings_are_checked(module, settings):
    with pytest.raises(ValueError, match="must be"):
        module.Config(**settings)
