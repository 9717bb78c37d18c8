"""What is particular to the table of groups and transforms: predictions, and checks that fail."""

import jax
import pytest

from experiments import group_residuals
from experiments.group_residuals import Trial

KEY = jax.random.key(0)


def run(structure, space, transform):
    trial = Trial(structure, space, transform)
    return {**vars(trial), **group_residuals.run(trial, KEY)}


def failing(rows):
    """The statements that do not hold."""
    return [check.statement for check in group_residuals.checks(rows) if check.holds == "no"]


@pytest.mark.parametrize(
    ("structure", "space", "transform", "predicted"),
    [
        ("W4", "symmetric", "W4", True),
        ("W4", "symmetric", "Z2^4", True),  # a subgroup's basis
        ("Z2^4", "symmetric", "W4", False),
        ("C16", "symmetric", "D16", True),
        ("C16", "all", "D16", False),
        ("S16", "symmetric", "DCT-II", True),
        ("S16", "symmetric", "DCT-I", False),
        ("DCT-II", "symmetric", "DCT-II", True),
        ("DCT-II", "symmetric", "D16", False),
        ("trivial", "symmetric", "S16", False),
    ],
)
def test_predictions_come_true(structure, space, transform, predicted):
    row = run(structure, space, transform)
    assert row["predicted"] == predicted
    assert (row["residual"] < 1e-12) == predicted


def test_residuals_are_those_of_random_matrices():
    # Half of the circulants on n points are antisymmetric: the real Fourier basis turns 7 of the 15
    # dimensions without trace into 2 x 2 blocks that have nothing on their diagonals.
    assert run("C16", "all", "D16")["residual"] == pytest.approx((7 / 15) ** 0.5, abs=1e-12)


def test_wrong_rows_are_seen():
    right, control = run("W4", "symmetric", "W4"), run("Z2^4", "symmetric", "W4")
    assert failing([right, control]) == []
    assert len(failing([{**right, "residual": 1e-6}, control])) == 1
    assert len(failing([right, {**control, "residual": 0.01}])) == 1
    assert len(failing([{**right, "dimension": 6}, control])) == 1


@pytest.mark.parametrize("settings", [{"structures": ("A5",)}, {"transforms": ("Z2^4:S4",)}])
def test_unknown_names_are_refused(settings):
    with pytest.raises(ValueError, match="must be of S16"):
        group_residuals.Config(**settings)


def test_matrices_that_are_not_symmetric_are_listed_where_there_are_any():
    config = group_residuals.Config(structures=("C16", "D16"), transforms=("D16",))
    found = [(trial.structure, trial.space) for trial in group_residuals.trials(config)]
    assert found == [("C16", "symmetric"), ("C16", "all"), ("D16", "symmetric")]
