"""A small experiment to test the machinery with: `python toy.py` runs it slowly."""

import os
import time
from dataclasses import dataclass

import jax

from experiments._contract import Check, Experiment, Preset, UsageError
from experiments._runner import run_experiment


@dataclass(frozen=True)
class Config:
    """Settings."""

    seed: int = 0
    """Seed of every random key."""
    size: int = 6
    """Number of trials."""


@dataclass(frozen=True)
class Trial:
    place: int


def trials(config):
    return [Trial(place) for place in range(config.size)]


def run(trial, key):
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    if os.environ.get("TOY_FAILS_AT") == str(trial.place):
        raise UsageError("Argument `toy` must work, but does not.")
    if os.environ.get("TOY_INTERRUPTED_AT") == str(trial.place):
        raise KeyboardInterrupt
    return {"draw": float(jax.random.uniform(key)), "third": trial.place / 3}


def checks(rows):
    mean = sum(row["draw"] for row in rows) / len(rows)
    return [Check("draws are positive", "ours, proved", mean, "at least", 0.0)]


EXPERIMENT = Experiment(
    name="toy",
    question="Does the machinery work?",
    presets={name: Preset(Config(), minutes=0) for name in ("smoke", "quick")}
    | {"paper": Preset(Config(size=4), minutes=0)},
    trials=trials,
    run=run,
    checks=checks,
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT, "quick", Config())
