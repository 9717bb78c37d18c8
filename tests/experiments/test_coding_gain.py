"""What is particular to coding gains of AR(1): refused settings, and checks that fail."""

import jax
import pytest

from experiments import coding_gain

CONFIG = coding_gain.EXPERIMENT.presets["smoke"].config


@pytest.fixture(scope="module")
def rows():
    key = jax.random.key(0)
    found = coding_gain.trials(CONFIG)
    return [{**vars(trial), **coding_gain.run(trial, key)} for trial in found]


def failing(rows):
    return [check.statement for check in coding_gain.checks(rows) if check.holds == "no"]


def test_reference_and_theory_hold(rows):
    found = coding_gain.checks(rows)
    assert {check.source for check in found} == {"reference", "ours, proved", "measured"}
    assert failing(rows) == []


@pytest.mark.parametrize(
    ("transform", "change", "statements"),
    [
        ("KLT", {"gain": 9.0}, ["gain of KLT on AR(1)", "gain of the KLT ="]),
        ("Haar", {"gain": 7.0}, ["gain of Haar on AR(1)"]),
        ("WHT", {"loss": -1e-6}, ["no transform exceeds"]),
        ("DCT-II", {"loss": 0.9}, ["loss of DCT-II over"]),
    ],
)
def test_wrong_rows_are_seen(rows, transform, change, statements):
    changed = [{**row, **change} if row["transform"] == transform else row for row in rows]
    found = failing(changed)
    assert all(any(line.startswith(start) for line in found) for start in statements)
    assert len(found) == len(statements)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": (8, 12)}, "--points must be powers of two"),
        ({"correlations": (0.5, 1.0)}, "--correlations must be between 0 and 1"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        coding_gain.Config(**settings)
