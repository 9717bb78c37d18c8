"""How much noise the decoders of a sparse Walsh-Hadamard transform bear.

A trial recovers random spectra with coefficients +1 and -1 from values with Gaussian noise and
counts how many it recovers. The noise of a bin has a variance of sigma^2 / B: its signal-to-noise
ratio B / sigma^2 is on the axis of the figure. The decoder is told the level of the
noise, or estimates it. The references are shares of 400 runs of a prototype whose decisions are
simpler: plain decoders with its rules give them too (tests/sparse/test_plain_decoders.py).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp

from experiments import _rates, _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from experiments._sparse_spectra import counted, recoveries, spectra

Method: TypeAlias = Literal["nso 1", "nso 3", "nso 5", "coded"]

METHODS: tuple[Method, ...] = get_args(Method)
_OPTIONS: dict[Method, tuple[tuple[str, Any], ...]] = {
    "nso 1": (("decoder", "nso"), ("repetitions", 1)),
    "nso 3": (("decoder", "nso"), ("repetitions", 3)),
    "nso 5": (("decoder", "nso"), ("repetitions", 5)),
    "coded": (("decoder", "coded"),),
}
_N, _SPARSITY, _BINS = 20, 40, 64
_TOLERANCE = 0.1
CONFIDENCE = 0.99


@dataclass(frozen=True)
class Config:
    """Which decoders, at which noise."""

    seed: int = 0
    """Seed of every random key."""
    methods: tuple[Method, ...] = METHODS
    """Repetitions of the bits, or the code."""
    noise: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10, 20)
    """Standard deviations of a value's noise; coefficients are +1 and -1."""
    runs: int = 200
    """Spectra of a row."""

    def __post_init__(self) -> None:
        check_settings(self, noise=0, runs=1)
        if unknown := set(self.methods) - set(METHODS):
            raise ValueError(f"--methods must be of {', '.join(METHODS)}, but has {unknown}")


@dataclass(frozen=True)
class Trial:
    """Spectra under one level of noise."""

    method: Method
    known: bool
    noise: int
    runs: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every decoder and level, told and estimated."""
    for method in config.methods:
        for known in (True, False):
            for noise in config.noise:
                yield Trial(method, known, noise, config.runs)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Recover, and count."""
    key_spectra, key_runs = jax.random.split(key)
    supports, values = spectra(key_spectra, _N, _SPARSITY, trial.runs)
    found = recoveries(
        key_runs,
        supports,
        values,
        jnp.float32(trial.noise),
        n=_N,
        known=trial.known,
        max_rounds=40,
        options=(("bins", _BINS), *_OPTIONS[trial.method]),
    )
    return {"n": _N, "sparsity": _SPARSITY, "bins": _BINS, **counted(found)}


def checks(rows: Sequence[Row]) -> list[Check]:
    """No worse than the prototype, and no recovery claimed where there is none."""
    table = _references.load("sparse_noise")["shares"]
    found = []
    confidence = 1 - (1 - CONFIDENCE) / len(rows)
    for row in rows:
        reference = table[row["method"]].get(str(row["noise"]))
        if row["known"] and reference is not None:
            low, high = _rates.band(row["recovered"], row["runs"], confidence=confidence)
            statement = (
                f"{row['method']}, sigma = {row['noise']}: share of {row['runs']} spectra recovered"
            )
            share = row["recovered"] / row["runs"]
            found.append(
                Check(
                    statement,
                    "reference",
                    share,
                    "at least",
                    reference,
                    low,
                    high,
                    tolerance=_TOLERANCE,
                )
            )
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        wrong, count = sum(row["claimed_wrongly"] for row in own), sum(row["runs"] for row in own)
        low, high = _rates.band(wrong, count, confidence=confidence)
        statement = f"{method}: share of {count} spectra said to be recovered that were not"
        found.append(Check(statement, "measured", wrong / count, "at most", 0.01, low, high))
    return found


EXPERIMENT = Experiment(
    name="sparse_noise",
    question="How much noise does a sparse Walsh-Hadamard transform bear?",
    presets={
        "smoke": Preset(Config(methods=("nso 1",), noise=(2, 20), runs=4), minutes=0.1),
        "quick": Preset(Config(noise=(2, 4, 6, 20), runs=40), minutes=1),
        "paper": Preset(Config(), minutes=5),
    },
    trials=trials,
    run=run,
    checks=checks,
)
