"""Layers of rotated models, and rotated vectors: checks that can hold and fail, and a small run."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments._cli import main
from experiments._layers import KERNELS, adversary, quality
from experiments._runner import run_experiment, work_list
from experiments.quantize_layers import EXPERIMENT, checks
from hadax.discrepancy import kolmogorov_exact
from hadax.models import SITES

PAPER = EXPERIMENT.presets["paper"].config
BLOCKS = {"one block": 1, "two blocks": 2}


def test_work_lists():
    work = list(work_list(EXPERIMENT, PAPER).values())
    layers = [t for t in work if t.measure == "layers"]
    assert {t.draw for t in layers if t.rotation == "haar"} == set(range(PAPER.draws))
    assert sum(t.rotation == "none" for t in layers) == 1
    sparse = [t for t in work if t.vectors == "e1"]
    assert {t.place for t in sparse} == {"value", "residual"}
    assert "none" not in {t.rotation for t in sparse}


def rows(worse=1.0, at_w4a16=2.0, sparse=0.5, flat=0.0, gap=0.0):
    """Rows of the paper preset: rotated models' statistics and errors over those of the other one,
    sparse vectors' errors over Haar's, and how far distances are from the exact ones."""
    found = []
    for trial in EXPERIMENT.trials(PAPER):
        row = dataclasses.asdict(trial)
        if trial.measure == "layers":
            share = 1.0 if trial.rotation == "none" else 0.3 * worse
            for what in ("kurtosis", "incoherence", "error"):
                row |= {f"{what}_{place}": [20.0 * share] * 3 for place in SITES}
            row |= {f"error_{name}_kernel": [share] * 3 for name in KERNELS}
            row |= {"error_block": [share] * 3}
            row |= {"error_block_w4a16": [1.0 if trial.rotation == "none" else at_w4a16] * 3}
        else:
            width = {"value": 64, "residual": 576, "hidden": 1536}[trial.place]
            distance = 0.01
            if width == 64 and trial.vectors in ("e1", "two") and trial.rotation in BLOCKS:
                x = np.zeros(64, int)
                x[: 1 if trial.vectors == "e1" else 2] = 1
                distance = gap + kolmogorov_exact(x, blocks=BLOCKS[trial.rotation])
            error = 0.01 if trial.rotation == "haar" else 0.01 * sparse
            row |= {"width": width, "distance": [distance], "error": [error]}
            row |= {"error_sem": [1e-5], "error_unclipped_largest": [flat]}
        found.append(row)
    return found


def test_checks_hold_for_rows_that_agree():
    found = checks(rows())
    assert {check.holds for check in found} == {"yes"}
    assert {check.source for check in found} == {"ours, proved", "measured"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"worse": 9.0}, "kurtosis at down"),
        ({"worse": 9.0}, "error at attention"),
        ({"worse": 9.0}, "error of a block at W4A4"),
        ({"worse": 9.0}, "error of kernels"),
        ({"at_w4a16": 0.5}, "error of a block at W4A16"),
        ({"sparse": 1.1}, "over that under Haar"),
        ({"flat": 1e-3}, "grid to the largest entry"),
        ({"gap": 0.2}, "Kolmogorov distance"),
    ],
)
def test_each_check_can_fail(change, words):
    failed = [check.statement for check in checks(rows(**change)) if check.holds == "no"]
    assert any(words in statement for statement in failed)


def test_adversaries():
    vectors = jnp.asarray([[[1.0, 1, 1, 1, 1, 1], [9.0, -4, 3, 2, 1, 0]]])
    np.testing.assert_array_equal(adversary("e1", vectors), [1, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(adversary("two", vectors), [1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(adversary("peaks", vectors), [9, -4, 3, 2, 0, 0])


def test_the_quality_of_a_flat_image():
    """One block of e1 has entries of plus or minus one: distance F(1) - 1/2, and no error."""
    found = quality(jax.random.key(0), jnp.tile(jnp.eye(1, 64), (200, 1)), "one block")
    assert found["error_unclipped_largest"] < 1e-12
    exact = kolmogorov_exact(np.eye(1, 64, dtype=int)[0], blocks=1)
    assert found["distance"] == pytest.approx(exact, abs=0.05)
    uniform = quality(jax.random.key(0), jnp.tile(jnp.eye(1, 64), (200, 1)), "haar")
    assert uniform["distance"] < 0.03
    assert uniform["error"] > 0.005


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("--copies 1", "--copies must be at least 2, but is 1"),
        ("--tokens 999", "--tokens must be at most --windows x --time, but is 999"),
        ("--adversaries activations", "must not name activations"),
    ],
)
def test_wrong_settings_are_said_in_a_line(fields, message, capsys):
    assert main(["quantize_layers", "smoke", *fields.split()]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_smoke_preset():
    config = EXPERIMENT.presets["smoke"].config
    found = run_experiment(EXPERIMENT, "smoke", config).rows
    assert {check.holds for check in EXPERIMENT.checks(found)} == {"yes"}
    plain, rotated = ([row for row in found if row["measure"] == "layers"][i] for i in (0, 1))
    assert np.median(rotated["kurtosis_attention"]) < np.median(plain["kurtosis_attention"])
