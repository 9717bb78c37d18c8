"""How long points, kernel columns, solutions and steps of a fit take, beside other libraries.

A trial is a race of all contenders on one workload (``_race.py``, ``_qmc_contenders.py``), in
processes of their own, timed in turn. What is timed is the call: sequences are made, and JAX
programs compiled, before. (A nested scrambling is drawn anew in each call.) Of integrals to a
tolerance n is the most points, and everyone takes as many as its bound asks for. Peers compute in
float64; ours take part in float64 with words of 64 bits, and in float32 with words of 32. Ratios
are of medians within one race, ours in float64; bands are 99 % bootstraps over the rounds.
"""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

from experiments import _race, _speed_checks
from experiments._contract import Check, Experiment, Preset, Row
from experiments._integrands import integrand
from experiments._qmc_contenders import CONTENDERS, FAMILIES, OURS, PEERS
from experiments._qmc_workloads import TOLERANCES, QmcJob, QmcWorkload
from experiments._settings import check_settings

Scale: TypeAlias = Literal["smoke", "quick", "paper"]
Work: TypeAlias = tuple[QmcWorkload, int, tuple[int, ...]]  # dimensions, numbers of points

_POINTS = (2**16, 2**20)
_SOLVES = tuple(2**m for m in (14, 16, 18, 20))
_STEPS = tuple(2**m for m in (10, 12, 14, 16, 18))
_INTEGRALS: tuple[Work, ...] = tuple((name, 3, (2**20,)) for name in TOLERANCES)
WORK: dict[Scale, tuple[Work, ...]] = {
    "smoke": (
        ("lattice", 2, (64,)),
        ("column net", 2, (64,)),
        ("step lattice", 2, (64,)),
    ),
    "quick": (
        ("lattice", 10, (2**16,)),
        ("sobol", 10, (2**16,)),
        ("halton", 10, (4096,)),
        ("owen", 10, (4096,)),
        ("column lattice", 10, (2**16,)),
        ("column net", 10, (2**16,)),
        ("solve lattice", 1, (2**16,)),
        ("solve net", 1, (2**16,)),
        ("step lattice", 2, (2**12, 2**16)),
        ("step net", 2, (2**12, 2**16)),
        *_INTEGRALS,
    ),
    "paper": (
        ("lattice", 10, _POINTS),
        ("sobol", 10, _POINTS),
        ("halton", 10, (4096,)),
        ("owen", 10, (4096,)),
        ("column lattice", 10, _POINTS),
        ("column net", 10, _POINTS),
        ("solve lattice", 1, _SOLVES),
        ("solve net", 1, _SOLVES),
        ("step lattice", 2, _STEPS),
        ("step net", 2, _STEPS),
        *_INTEGRALS,
    ),
}
LIMITS: dict[tuple[QmcWorkload, int, int], tuple[float, tuple[str, ...]]] = {
    ("lattice", 2**20, 10): (0.05, ("hadax, float32", "hadax, float64")),
    ("owen", 4096, 10): (0.001, ("hadax, threefry, float32", "hadax, multiply, float32")),
}
"""Seconds that were set for some of ours."""
ROUND_OFF = 64
"""An output may be off by so many times the last digit of its precision, relative in l2."""
_LEAST = 4096  # points from which on ours are to be first
_LAST_DIGITS = {"float32": 2.0**-23, "float64": 2.0**-52}

_stable = functools.cache(_race.stable_until_exit)


@dataclass(frozen=True)
class Config:
    """What races against whom, and for how long."""

    seed: int = 0
    """Seed of every random key."""
    scale: Scale = "paper"
    """Which workloads, of which sizes."""
    families: tuple[str, ...] = FAMILIES
    """Whose contenders take part."""
    rounds: int = 11
    """Timings of each contender; fewer where a call takes longer than 0.3 seconds."""
    milliseconds: float = 4.0
    """Length of a timing, at least: it averages so many calls."""

    def __post_init__(self) -> None:
        check_settings(self, rounds=1)
        _race.check_race(self, FAMILIES)


@dataclass(frozen=True)
class Trial:
    """One race."""

    workload: QmcWorkload
    n: int
    d: int
    rounds: int
    milliseconds: float
    families: tuple[str, ...]


def trials(config: Config) -> Iterator[Trial]:
    """List the races of a scale."""
    for workload, d, sizes in WORK[config.scale]:
        for n in sizes:
            yield Trial(workload, n, d, config.rounds, config.milliseconds, config.families)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Hold one race."""
    seed = tuple(int(word) for word in np.ravel(jax.random.key_data(key)))
    job = QmcJob(trial.workload, trial.n, trial.d, seed)
    entered = [each for each in CONTENDERS if each.family in trial.families and each.concerns(job)]
    least = trial.milliseconds / 1000
    found = _race.race(_stable(), job, entered, rounds=trial.rounds, least_seconds=least)
    return {"contenders": found}


def checks(rows: Sequence[Row]) -> list[Check]:
    """Ours are right, as fast as was set out, and no slower than the fastest peer."""
    found: list[Check] = []
    for row in rows:
        results = {each["name"]: each for each in row["contenders"]}
        found += _right(row, results)
        found += _limits(row, results)
        if row["n"] >= _LEAST:
            found += _first(row, results)
    return found


def place(row: Row) -> str:
    """A race in words."""
    return f"{row['workload']}, n = 2^{row['n'].bit_length() - 1}, d = {row['d']}"


def precision(name: str) -> str:
    """The precision of one of ours, from its name."""
    return name.rpartition(", ")[2]


def _right(row: Row, results: Mapping[str, Any]) -> Iterator[Check]:
    """Whatever of ours has an output is right, to round-off or its tolerance; nothing fails."""
    ours = [each for each in results.values() if each["family"] == OURS]
    if not ours:
        return
    failures = sum(each["status"].startswith("failed") for each in ours)
    yield Check(f"{place(row)}: variants of hadax that fail", "measured", failures, "at most", 0)
    for each in ours:
        if each["error"] is not None:
            bound = ROUND_OFF * _LAST_DIGITS[precision(each["name"])]
            if row["workload"] in TOLERANCES:
                bound = TOLERANCES[row["workload"]] / integrand("keister", row["d"]).exact
            what = f"{place(row)}: error of {each['name']}"
            yield Check(what, "measured", each["error"], "at most", bound)


def _limits(row: Row, results: Mapping[str, Any]) -> Iterator[Check]:
    """The seconds that were set."""
    shape = (row["workload"], row["n"], row["d"])
    seconds, names = LIMITS.get(shape, (math.inf, ()))
    for name in names:
        what = f"{place(row)}: seconds of {name}"
        each = results.get(name)
        if each is None or not each["seconds"]:
            why = "not asked" if each is None else each["status"]
            yield Check(what, "measured", math.nan, "at most", seconds, missing=f"{name}: {why}")
        else:
            band = _speed_checks.median(each["seconds"])
            yield Check(what, "measured", band.value, "at most", seconds, *ends(band))


def _first(row: Row, results: Mapping[str, Any]) -> Iterator[Check]:
    """The fastest peer takes as long as ours in its precision, or longer."""
    peers = [each for each in results.values() if each["family"] in PEERS]
    timed = [each for each in peers if each["seconds"]]
    ours = [each for each in results.values() if each["family"] == OURS and each["seconds"]]
    for own in ours:
        if precision(own["name"]) != "float64":
            continue
        what = f"{place(row)}: fastest peer / {own['name']}"
        if not timed:
            why = "; ".join(f"{each['name']}: {each['status']}" for each in peers) or "not asked"
            yield Check(what, "measured", math.nan, "at least", 1.0, missing=why)
            continue
        best = min(timed, key=lambda each: each["median"])
        band = _speed_checks.ratio(best, own)
        what = f"{place(row)}: {best['name']} / {own['name']}"
        yield Check(what, "measured", band.value, "at least", 1.0, *ends(band))


def ends(band: Any) -> tuple[float | None, float | None]:
    """The ends of a band; one round has none."""
    return (band.low, band.high) if band.low < band.high else (None, None)


EXPERIMENT = Experiment(
    name="qmc_speed",
    question="How long do low-discrepancy points and fast kernel matrices take, ours and theirs?",
    presets={
        "smoke": Preset(Config(scale="smoke", rounds=2, milliseconds=0.1), minutes=0.4),
        "quick": Preset(Config(scale="quick", rounds=5), minutes=2),
        "paper": Preset(Config(), minutes=8),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
