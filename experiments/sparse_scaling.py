"""How many values, and how long, a sparse Walsh-Hadamard transform takes beside the dense one.

A trial is one function with K random coefficients +1 and -1. "recover" goes from its values to the
spectrum: transforms of the groups, detection and peeling, refinement. "sample" evaluates the
function itself, at K sign changes a value. "dense" is `hadax.fwht` of all 2^n values, where they
fit. All are compiled, and timed in turn, the evaluation apart; bands are the quartiles of rounds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import jax
import numpy as np

import hadax
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from experiments._sparse_spectra import spectra, value_at
from hadax import sparse

Decoder: TypeAlias = Literal["noiseless", "nso"]

LIMITS: dict[tuple[int, int, Decoder], float] = {(40, 2000, "nso"): 0.020}
"""Seconds to detect and peel that were set: by n, K and decoder."""
_DENSE_BITS = 26
_ENOUGH = 2.0  # seconds of one call in all
_NOISE = 1.0  # standard deviation, where the decoder bears it


@dataclass(frozen=True)
class Config:
    """Which sizes, and how often each is timed."""

    seed: int = 0
    """Seed of every random key."""
    bits: tuple[int, ...] = (14, 16, 18, 20, 22, 24, 26, 32, 40, 50, 60)
    """Bits of the functions whose number of coefficients stays."""
    sparsity: int = 100
    """That number."""
    sparsities: tuple[int, ...] = (10, 100, 500, 2000, 10_000)
    """Coefficients of functions of 40 bits."""
    rounds: int = 15
    """Timings of each; fewer of what takes seconds."""

    def __post_init__(self) -> None:
        check_settings(self, bits=(4, 62), sparsity=1, sparsities=1, rounds=1)


@dataclass(frozen=True)
class Trial:
    """One function."""

    n: int
    sparsity: int
    decoder: Decoder
    rounds: int


def trials(config: Config) -> Iterator[Trial]:
    """List functions of more and more bits, then of more and more coefficients."""
    for decoder in get_args(Decoder):
        for n in config.bits:
            yield Trial(n, config.sparsity, decoder, config.rounds)
        for sparsity in config.sparsities:
            if (40, sparsity) not in [(n, config.sparsity) for n in config.bits]:
                yield Trial(40, sparsity, decoder, config.rounds)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Recover once to see that it is right, then time what there is."""
    key_spectrum, key_points, key_noise, key_dense = jax.random.split(key, 4)
    supports, signs = spectra(key_spectrum, trial.n, trial.sparsity, 1)
    support, value = supports[0], signs[0]
    asked = sparse.queries(trial.n, trial.sparsity, key_points, decoder=trial.decoder)
    sampled = jax.jit(lambda asked: value_at(asked.points(), support, value))
    values, noise = sampled(asked), None
    if trial.decoder == "nso":
        values, noise = values + _NOISE * jax.random.normal(key_noise, values.shape), _NOISE
    transforms = jax.jit(lambda values: hadax.fwht(values, norm="forward"))
    calls: dict[str, Callable[[], Any]] = {
        "recover": lambda: sparse.recover(asked, values, noise=noise),
        "transform": lambda: transforms(values),
    }
    if trial.n <= _DENSE_BITS:
        dense = jax.random.normal(key_dense, (1 << trial.n,))
        whole = jax.jit(lambda x: hadax.fwht(x, norm="forward"))
        calls["dense"] = lambda: whole(dense)
    found = sparse.recover(asked, values, noise=noise)
    order = np.lexsort(np.asarray(support).T)
    right = int(found.count) == trial.sparsity and bool(
        (found.support[: trial.sparsity] == support[order]).all()
    )
    return {
        "samples": asked.count,
        "bins": asked.shape[2],
        "exact": right,
        "success": bool(found.success),
        "rounds_of_peeling": int(found.rounds),
        "seconds": _timed(calls, trial.rounds)
        | _timed({"sample": lambda: sampled(asked)}, trial.rounds),
    }


def _timed(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call, in turn, after one that is not counted, until they are enough."""
    for call in calls.values():
        jax.block_until_ready(call())
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            if sum(seconds[name]) > _ENOUGH:
                continue
            began = time.perf_counter()
            jax.block_until_ready(call())
            seconds[name].append(time.perf_counter() - began)
    return seconds


def quartiles(row: Row, name: str) -> tuple[float, float, float]:
    """The median of the seconds of a call, and their quartiles."""
    low, middle, high = np.quantile(row["seconds"][name], [0.25, 0.5, 0.75])
    return float(middle), float(low), float(high)


def checks(rows: Sequence[Row]) -> list[Check]:
    """All are exact, within the seconds that were set."""
    found = []
    for row in rows:
        what = f"n = {row['n']}, K = {row['sparsity']}, {row['decoder']}"
        statement = f"{what}: spectra recovered"
        exact = float(row["exact"] and row["success"])
        found.append(Check(statement, "measured", exact, "at least", 1.0))
        limit = LIMITS.get((row["n"], row["sparsity"], row["decoder"]))
        if limit is not None:
            statement = f"{what}: seconds to transform, detect, peel and refine"
            middle, low, high = quartiles(row, "recover")
            found.append(Check(statement, "measured", middle, "at most", limit, low, high))
    return found


EXPERIMENT = Experiment(
    name="sparse_scaling",
    question="How many values, and how long, does a sparse transform take beside the dense one?",
    presets={
        "smoke": Preset(Config(bits=(10,), sparsity=4, sparsities=(4,), rounds=2), minutes=0.1),
        "quick": Preset(Config(bits=(16, 20, 24, 40), sparsities=(100, 2000), rounds=7), minutes=1),
        "paper": Preset(Config(), minutes=3),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
