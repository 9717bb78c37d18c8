"""What is particular to the race of Gaussian processes, fast and dense."""

import jax
import pytest

from experiments import qmc_regression
from experiments.qmc_regression import Config, Trial

KEY = jax.random.key(0)


@pytest.mark.parametrize("kind", ["lattice", pytest.param("net", marks=pytest.mark.slow)])
def test_both_programs_say_the_same(kind):
    row = qmc_regression.run(Trial(kind, 32, True, 2, 0.01), KEY)
    assert row["difference"] < 1e-12
    assert row["loss_difference"] < 1e-12
    for name in ("fast_step", "dense_step", "fast_solve", "dense_solve"):
        assert len(row[name]["seconds"]) == 2
        assert row[name]["median"] > 0


def test_the_fast_one_runs_alone_where_the_other_does_not_fit():
    row = qmc_regression.run(Trial("net", 64, False, 2, 0.01), KEY)
    assert row["fast_step"]["median"] > 0
    assert row["dense_step"] is row["dense_solve"] is row["difference"] is None


def row(n=1024, *, fast=0.001, dense=0.1, difference=1e-12, loss_difference=1e-12):
    def taken(seconds):
        return {"seconds": [seconds, 1.1 * seconds, 1.2 * seconds]}

    times = {f"{how}_{what}": taken(seconds) for what in ("step", "solve")
             for how, seconds in (("fast", fast), ("dense", dense))}  # fmt: skip
    return {
        "kind": "net", "n": n, "has_dense": True, "difference": difference,
        "loss_difference": loss_difference, **times,
    }  # fmt: skip


def verdicts(*rows):
    return [check.holds for check in qmc_regression.checks(rows)]


def test_a_gain_is_claimed_of_many_points_only():
    assert verdicts(row()) == ["yes"] * 4
    assert verdicts(row(fast=0.2)) == ["yes", "yes", "no", "no"]
    assert verdicts(row(64, fast=0.2)) == ["yes", "yes"]
    assert verdicts({"kind": "net", "n": 1 << 20, "has_dense": False}) == []


def test_other_means_and_likelihoods_are_seen():
    assert verdicts(row(64), row(64, difference=1e-6)) == ["no", "yes"]
    assert verdicts(row(64), row(64, loss_difference=1e-6)) == ["yes", "no"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kinds": ("halton",)}, "--kinds must be of lattice, net"),
        ({"bits": (1,)}, "--bits must be between 2 and 24"),
        ({"dense_bits": 15}, "--dense-bits must be between 2 and 14"),
        ({"milliseconds": 0.0}, "--milliseconds must be in"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Config(**settings)
