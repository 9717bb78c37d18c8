"""How many bins a sparse Walsh-Hadamard transform takes for each coefficient.

A trial recovers random spectra, without noise, with C groups of B bins, and counts how many it
recovers. In the limit of many bins all are if C B / K is above a threshold, and none below
("density evolution": 1.222 for three groups). A function has C log2(B) bits, so that by the
design's rank no two coefficients share a bin in every group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from experiments import _rates
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from experiments._sparse_spectra import counted, crowded, recoveries, spectra

GROUPS = 3
THRESHOLD = 1.2217931  # of three groups: 3 max of p / -log(1 - p^(1/2))
SAFE = 1.6  # from here on all are to be recovered
_WIDTH = 0.05
CONFIDENCE = 0.99


@dataclass(frozen=True)
class Config:
    """How many bins, and how many coefficients."""

    seed: int = 0
    """Seed of every random key."""
    bins: tuple[int, ...] = (64, 256, 512)
    """Bins of a group."""
    percent: tuple[int, ...] = (100, 108, 116, 119, 122, 125, 129, 133, 140, 150, 160, 175)
    """Bins of all groups for a hundred coefficients."""
    runs: int = 200
    """Spectra of a row."""
    max_rounds: int = 200
    """Most rounds of peeling."""

    def __post_init__(self) -> None:
        check_settings(self, bins=(4, 2**20), percent=(10, 1000), runs=1, max_rounds=1)
        if odd := [bins for bins in self.bins if bins & (bins - 1)]:
            raise ValueError(f"--bins must be powers of two, but are {odd}")


@dataclass(frozen=True)
class Trial:
    """Spectra with so many coefficients."""

    bins: int
    sparsity: int
    runs: int
    max_rounds: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every number of bins and of coefficients."""
    for bins in config.bins:
        for percent in config.percent:
            sparsity = round(100 * GROUPS * bins / percent)
            yield Trial(bins, sparsity, config.runs, config.max_rounds)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Recover, and count."""
    key_spectra, key_runs = jax.random.split(key)
    n = GROUPS * (trial.bins.bit_length() - 1)
    supports, values = spectra(key_spectra, n, trial.sparsity, trial.runs)
    found = recoveries(
        key_runs,
        supports,
        values,
        jnp.float32(0),
        n=n,
        known=False,
        max_rounds=trial.max_rounds,
        ask=crowded,
        options=(("groups", GROUPS), ("bins", trial.bins)),
    )
    return {"n": n, "ratio": GROUPS * trial.bins / trial.sparsity, **counted(found)}


def checks(rows: Sequence[Row]) -> list[Check]:
    """All are recovered well above the threshold, most just above it, few just below it."""
    found = []
    confidence = 1 - (1 - CONFIDENCE) / len(rows)
    for row in rows:
        share = row["recovered"] / row["runs"]
        low, high = _rates.band(row["recovered"], row["runs"], confidence=confidence)
        where = f"B = {row['bins']}, C B / K = {row['ratio']:.3f}"
        statement = f"{where}: share of {row['runs']} spectra recovered"
        if row["ratio"] >= 0.999 * SAFE:
            found.append(Check(statement, "measured", share, "at least", 1.0))
        elif row["ratio"] >= (1 + _WIDTH) * THRESHOLD:
            found.append(Check(statement, "paper", share, "at least", 0.5, low, high))
        elif row["ratio"] <= (1 - _WIDTH) * THRESHOLD:
            found.append(Check(statement, "paper", share, "at most", 0.5, low, high))
    wrong = sum(row["claimed_wrongly"] for row in rows)
    count = sum(row["runs"] for row in rows)
    statement = f"spectra of {count} that were said to be recovered and were not"
    return [*found, Check(statement, "measured", wrong, "at most", 0)]


EXPERIMENT = Experiment(
    name="sparse_transition",
    question="How many bins does a sparse Walsh-Hadamard transform take for each coefficient?",
    presets={
        "smoke": Preset(Config(bins=(8,), percent=(110, 175), runs=4), minutes=0.1),
        "quick": Preset(
            Config(bins=(64, 256), percent=(110, 116, 129, 140, 160), runs=100), minutes=1
        ),
        "paper": Preset(Config(), minutes=10),
    },
    trials=trials,
    run=run,
    checks=checks,
)
