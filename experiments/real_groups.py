"""What `groups.discover` says of photographs, digits, sunspots and a field that is known.

A trial takes some of a signal's windows side by side (`_signals.py` says what is cut and how) at
random, all of them or fewer, and asks for the group. The gains of the basis that is proposed, of
the KLT of the same windows, and of that of all windows, are in the covariance of all windows.
Windows that lie side by side are not independent of one another, and those of photographs are not
Gaussian: z is larger for both reasons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from experiments import _signals
from experiments._contract import Check, Experiment, Preset, Row
from experiments._covariances import generator
from experiments._settings import check_settings
from experiments._signals import ROUNDING, SHAPES, WINDOWS, Signal, Window
from hadax import groups
from hadax.operators.elementary import Dense

BLIND_UP_TO = 16
"""Points up to which an unknown order is looked for as well; more take half a minute a search."""
COSINES = ("folded dihedral (DCT-II)", "folded dihedral (DCT-II of 8 x DCT-II of 8)")
SHARE = 0.9
FEW: tuple[Signal, ...] = ("sunspots",)
"""Signals with some hundred windows: no numbers of them but the least one, and no KLT to trust."""


@dataclass(frozen=True)
class Config:
    """Which signals, how many windows of them."""

    seed: int = 0
    """Seed of the choice of windows."""
    signals: tuple[Signal, ...] = ("china", "flower", "digits", "sunspots", "field")
    """Photographs, handwritten digits, a series, and a Gaussian field of known covariance."""
    windows: tuple[Window, ...] = tuple(SHAPES)
    """Pieces of rows (of time, for a series), of columns, and blocks; those that a signal has."""
    counts: tuple[int, ...] = (64, 256, 1024)
    """Numbers of windows, as far as there are so many; all of them are taken as well."""

    def __post_init__(self) -> None:
        check_settings(self, counts=2)


@dataclass(frozen=True)
class Trial:
    """Some windows of one signal; no count: all of them."""

    signal: Signal
    window: Window
    count: int | None


def trials(config: Config) -> Iterator[Trial]:
    """List every kind of window and how many are taken."""
    for signal in config.signals:
        for window in WINDOWS[signal]:
            if window in config.windows:
                counts = config.counts[:1] if signal in FEW else config.counts
                for count in (*counts, None):
                    yield Trial(signal, window, count)


def run(trial: Trial, key: jax.Array) -> dict[str, str | float | int | bool]:
    """Choose windows and ask."""
    rng = generator(key)
    x = _signals.snapshots(trial.signal, trial.window)
    x = x + np.sqrt(ROUNDING.get(trial.signal, 0.0)) * rng.normal(size=x.shape)
    R = x.T @ x / len(x)
    if trial.count is not None:
        x = rng.choice(x, min(trial.count, len(x)), replace=False)
    found = groups.discover(x, blind=x.shape[1] <= BLIND_UP_TO)
    _, own = np.linalg.eigh(x.T @ x / len(x))
    with jax.enable_x64(True):
        return {
            "windows": len(x),
            "verdict": found.verdict,
            "best": found.best.group.name,
            "parameters": found.best.parameters,
            "delta": found.delta,
            "alpha": found.alpha,
            "z": found.z_score,
            "gain": float(groups.coding_gain(found.basis, R)),
            "own_klt_gain": float(groups.coding_gain(Dense(jnp.asarray(own.T)), R)),
            "klt_gain": float(groups.klt_coding_gain(R)),
        }


def checks(rows: Sequence[Row]) -> list[Check]:
    """The cosine transform is what is found, and what matches beats the windows' own KLT."""
    found = []
    stationary = [row for row in rows if row["signal"] != "digits" and has_eigenbasis(row)]
    if stationary:
        share = sum(row["best"] in COSINES for row in stationary) / len(stationary)
        statement = (
            f"photographs, sunspots and field: share of {len(stationary)} best candidates with an "
            "eigenbasis that are DCT-II"
        )
        found.append(Check(statement, "measured", share, "at least", SHARE))
    saved = [row["gain"] - row["own_klt_gain"] for row in rows if row["verdict"] == "match"]
    if saved:
        statement = (
            f"{len(saved)} matches: gain of what is proposed over the KLT of the same windows, dB"
        )
        found.append(
            Check(f"{statement} (mean)", "measured", float(np.mean(saved)), "at least", 0.0)
        )
    return found


def has_eigenbasis(row: Row) -> bool:
    """Whether the best candidate has one transform for all covariances."""
    return row["best"] != "reflection"


EXPERIMENT = Experiment(
    name="real_groups",
    question="Which group, if any, do photographs, digits and a time series have?",
    presets={
        "smoke": Preset(Config(signals=("field",), windows=("row 8",), counts=(64,)), minutes=0.1),
        "quick": Preset(Config(), minutes=0.7),
        "paper": Preset(Config(), minutes=0.7),
    },
    trials=trials,
    run=run,
    checks=checks,
)
