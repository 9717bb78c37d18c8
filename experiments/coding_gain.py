"""Coding gain of the classical transforms on AR(1) covariances, against that of the KLT.

R = (rho^|i-j|) on n points. The gain in decibels is `hadax.groups.coding_gain`, the loss is the
KLT's gain less the transform's. Everything is computed in float64 from the covariance itself:
nothing is drawn, and there is no error but round-off.

What is proved here (docs/theory/matched_groups.md, "Coding gain"): the KLT's gain in closed form;
no transform exceeds it; and the DCT-II's loss vanishes as rho tends to 1, where that of a transform
without the constant vector grows without bound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from experiments._transforms import Transform, eigenbasis
from hadax import groups

Coder: TypeAlias = Literal["KLT"] | Transform

CODERS: tuple[Coder, ...] = ("KLT", *get_args(Transform))
ROUND_OFF = 1e-9  # dB
DIGITS = 5.1e-5  # dB: four digits, as the reference is printed
NEAR_ONE = 0.95
_TABLE = (0.5, 0.9, 0.95, 0.99)
# 1 - rho from 1 to 1/1000, evenly on a logarithmic axis.
_CURVE = tuple(float(f"{1 - 10 ** (-step / 8):.4g}") for step in range(1, 25))


@dataclass(frozen=True)
class Config:
    """Which covariances."""

    seed: int = 0
    """Not used: nothing is random."""
    points: tuple[int, ...] = (8, 16, 64)
    """Numbers of points, powers of two."""
    correlations: tuple[float, ...] = tuple(sorted({*_CURVE, *_TABLE}))
    """Correlations rho of neighbours."""

    def __post_init__(self) -> None:
        check_settings(self, points=(2, 1024))
        if any(n & (n - 1) for n in self.points):
            raise ValueError(f"--points must be powers of two, but is {self.points}")
        if not all(0 < rho < 1 for rho in self.correlations):
            raise ValueError(f"--correlations must be between 0 and 1, but is {self.correlations}")


@dataclass(frozen=True)
class Trial:
    """One transform on one covariance."""

    n: int
    rho: float
    transform: Coder


def trials(config: Config) -> Iterator[Trial]:
    """List every transform on every covariance."""
    for n in config.points:
        for rho in config.correlations:
            for transform in CODERS:
                yield Trial(n, rho, transform)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Compute the gain and the loss in decibels; `key` is not used."""
    del key
    n = trial.n
    with jax.enable_x64(True):
        R = jnp.asarray(trial.rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))))
        gain = best = float(groups.klt_coding_gain(R))
        if trial.transform != "KLT":
            gain = float(groups.coding_gain(eigenbasis(trial.transform, n), R))
    return {"gain": gain, "loss": best - gain}


def checks(rows: Sequence[Row]) -> list[Check]:
    """The reference table, the KLT in closed form, and what is proved of the losses."""
    return [*_reference_checks(rows), *_klt_checks(rows), *_limit_checks(rows)]


def _reference_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The gains are those of the reference table, to the digits that are printed."""
    for transform in CODERS:
        errors = [
            abs(row["gain"] - expected)
            for row in rows
            if row["transform"] == transform
            and (expected := _reference(row["n"], row["rho"], transform)) is not None
        ]
        if errors:
            yield Check(
                f"gain of {transform} on AR(1): reference table, {len(errors)} rows (largest "
                "error in dB)",
                "reference",
                max(errors),
                "at most",
                DIGITS,
            )


def _reference(n: int, rho: float, transform: Coder) -> float | None:
    """The gain in the reference table, if it is there."""
    table: dict[str, Any] = _references.load("coding_gain")
    row = table.get(f"{n} {rho:g}")
    return None if row is None else row[table["transforms"].index(transform)]


def _klt_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The KLT's gain is known, and the largest."""
    errors = [
        abs(row["gain"] + 10 * (row["n"] - 1) / row["n"] * np.log10(1 - row["rho"] ** 2))
        for row in rows
        if row["transform"] == "KLT"
    ]
    others = [row["loss"] for row in rows if row["transform"] != "KLT"]
    yield Check(
        f"gain of the KLT = -10 (n-1)/n log10(1 - rho^2): {len(errors)} rows (largest error in dB)",
        "ours, proved",
        max(errors),
        "at most",
        ROUND_OFF,
    )
    yield Check(
        f"no transform exceeds the KLT: {len(others)} rows (smallest loss in dB)",
        "ours, proved",
        min(others),
        "at least",
        0.0,
        tolerance=ROUND_OFF,
    )


def _limit_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """At large correlations the DCT-II has next to no loss against that of all others."""
    rho = max(row["rho"] for row in rows)
    for n in dict.fromkeys(row["n"] for row in rows if rho >= NEAR_ONE):
        losses = {
            row["transform"]: row["loss"]
            for row in rows
            if (row["n"], row["rho"]) == (n, rho) and row["transform"] != "KLT"
        }
        others = [loss for name, loss in losses.items() if name != "DCT-II"]
        yield Check(
            f"loss of DCT-II over the smallest other one, n={n}, rho={rho:g}",
            "measured",
            losses["DCT-II"] / min(others),
            "at most",
            0.05,
        )


EXPERIMENT = Experiment(
    name="coding_gain",
    question="How close do classical transforms come to the KLT on AR(1) covariances?",
    presets={
        "smoke": Preset(Config(points=(8,), correlations=(0.5, 0.95, 0.99)), minutes=0.1),
        "quick": Preset(Config(points=(8, 16)), minutes=0.2),
        "paper": Preset(Config(), minutes=0.3),
    },
    trials=trials,
    run=run,
    checks=checks,
)
