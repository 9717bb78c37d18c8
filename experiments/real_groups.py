"""What `groups.discover` says of photographs, digits, sunspots and a field that is known.

A trial takes some of a signal's windows side by side (`_signals.py` says what is cut and how) at
random, all of them or fewer, and asks for the group. The gain of the basis that is proposed, and
the KLT's, are those of the covariance of all windows. Windows that lie side by side are not
independent of one another, and those of photographs are not Gaussian: z is larger for both reasons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from experiments import _signals
from experiments._contract import Check, Experiment, Preset, Row
from experiments._covariances import generator
from experiments._settings import check_settings
from experiments._signals import ROUNDING, SHAPES, WINDOWS, Signal, Window
from hadax import groups

BLIND_UP_TO = 16
"""Points up to which an unknown order is looked for as well; more take half a minute a search."""
CLOSE = 0.1
"""dB: what "close to the KLT" means."""
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
            "klt_gain": float(groups.klt_coding_gain(R)),
        }


def checks(rows: Sequence[Row]) -> list[Check]:
    """The cosine transform is the one that is found, and what is proposed is as good as the KLT."""
    found = []
    stationary = [row for row in rows if row["signal"] != "digits" and has_eigenbasis(row)]
    if stationary:
        share = sum("DCT-II" in row["best"] for row in stationary) / len(stationary)
        statement = (
            f"photographs, sunspots and field: share of {len(stationary)} best candidates with an "
            "eigenbasis that are DCT-II"
        )
        found.append(Check(statement, "measured", share, "at least", SHARE))
    losses = [
        row["klt_gain"] - row["gain"]
        for row in rows
        if row["count"] is None and row["signal"] not in FEW
    ]
    statement = f"{len(losses)} signals, all windows: loss of what is proposed to the KLT in dB"
    return [*found, Check(f"{statement} (largest)", "measured", max(losses), "at most", CLOSE)]


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
