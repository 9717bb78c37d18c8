"""Quantized encoders: the work list, checks that can hold and fail, and one small run."""

import dataclasses

import pytest

from experiments._cli import main
from experiments._encoder_checks import checks, cosines
from experiments._runner import run_experiment, work_list
from experiments.quantize_encoder import EXPERIMENT

PAPER = EXPERIMENT.presets["paper"].config
SMALL = dataclasses.replace(
    PAPER, rotations=("one block", "haar"), settings=("W4A16", "W4A4"), draws=3
)


def test_work_lists():
    work = list(work_list(EXPERIMENT, PAPER).values())
    drawn = {t.draw for t in work if (t.method, t.rotation) == ("quarot rtn", "haar")}
    solved = [t for t in work if t.method == "quarot"]
    assert drawn == set(range(PAPER.draws))
    assert {t.draw for t in solved} == set(range(PAPER.solved_draws))
    assert {t.rotation for t in solved} == set(PAPER.rotations)
    assert all((t.rotation == "none") == (t.method in PAPER.methods[:4]) for t in work)


def rows(rotated=0.95, solved=0.98, difference=1e-6):
    """Rows of a small run with the cosines of encoders that are rotated, or rounded by GPTQ."""
    found = []
    for trial in EXPERIMENT.trials(SMALL):
        row = dataclasses.asdict(trial)
        if trial.measure == "invariance":
            row["difference"] = difference
        else:
            mean = rotated if trial.method == "quarot rtn" else 0.9
            mean = solved if trial.method in ("gptq", "quarot") else mean
            # Sentences and keys differ, and by other amounts.
            row["cosines"] = [mean + 1e-4 * (i + trial.draw % 2 * i) for i in range(8)]
        found.append(row)
    return found


def test_checks_hold_for_rows_that_agree():
    found = checks(rows())
    assert {check.holds for check in found} == {"yes"}
    assert {check.source for check in found} == {"ours, proved", "measured"}


@pytest.mark.parametrize(
    ("change", "words", "verdict"),
    [
        ({"difference": 0.1}, "nothing rounded", "no"),
        ({"rotated": 0.8}, "over no rotation", "no"),
        ({"rotated": 0.9}, "over no rotation", "undecided"),
        ({"solved": 0.8}, "over rounding to nearest", "no"),
    ],
)
def test_each_check_can_fail(change, words, verdict):
    found = [check for check in checks(rows(**change)) if words in check.statement]
    assert found
    assert verdict in {check.holds for check in found}


def test_cosines_are_by_draw():
    backwards = rows()[::-1]
    found = cosines(backwards, "quarot rtn", "haar", "W4A4")
    assert found.shape == (3, 8)
    assert found[1, 1] > found[0, 1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("--draws 0", "--draws must be at least 1, but is 0"),
        ("--model huge", "must be 'minilm' or 'tiny', but is 'huge'"),
        ("--methods spinquant", "Fields of 'quantize_encoder'"),
    ],
)
def test_wrong_settings_are_said_in_a_line(fields, message, capsys):
    assert main(["quantize_encoder", "smoke", *fields.split()]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_small_run_of_every_method():
    config = dataclasses.replace(
        EXPERIMENT.presets["smoke"].config, methods=PAPER.methods, solved_settings=("W4A4",)
    )
    found = run_experiment(EXPERIMENT, "smoke", config).rows
    assert {row["method"] for row in found} == set(PAPER.methods)
    assert {check.holds for check in EXPERIMENT.checks(found)} == {"yes"}


@pytest.mark.slow
def test_the_smoke_preset():
    config = EXPERIMENT.presets["smoke"].config
    found = run_experiment(EXPERIMENT, "smoke", config).rows
    assert {check.holds for check in EXPERIMENT.checks(found)} == {"yes"}
    (row,) = [row for row in found if row["setting"] == "W4A4" and row["method"] == "rtn"]
    assert row["cosine"] < 1
