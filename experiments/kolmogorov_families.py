"""Kolmogorov distance of a coordinate after two blocks, exactly, for families of inputs.

Equal entries on subspaces of the indices, on independent indices and on all of them, and a random
vector. Three methods:

* "exact": the lattice law, all signs of D_1 enumerated;
* "lattice": the same with D_1 drawn, 99 % bootstrap bands (1 % false alarms a row);
* "generic": the characteristic function of a law without a lattice, D_1 drawn, bands likewise.

Each row holds the bound for every x and the certificate of this x, both proved, and d**-0.2, the
rate of the paper's abstract with the constant 1, which is not the paper's.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import numpy as np

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._inputs import Input, integer_vector, unit_vector
from experiments._settings import check_settings
from experiments.kolmogorov import FIT_FROM, fit_exponent
from hadax import discrepancy

Method: TypeAlias = Literal["exact", "lattice", "generic"]

CONFIDENCE = 0.99
SMALLEST_LOG2 = {"flat8": 3, "flat16": 4, "ind3": 3, "ind4": 4, "ind6": 6, "ind8": 8}
"""Logarithm of the first dimension that has so many indices of this kind."""
_DENSITY = 1 / math.sqrt(2 * math.pi)
LIMITS = {
    "e1": _DENSITY,
    "two": math.sqrt(2) * _DENSITY,
    "plane4": 1.5 * _DENSITY,
    "flat8": 0.4584,
    "flat16": 0.3066,
    "ind3": _DENSITY / math.sqrt(3),
    "ind4": _DENSITY,
    "ind6": 2 * _DENSITY / math.sqrt(6),
}
"""Of sqrt(d) times the distance, by the lattice rule: half of the mean span times the density."""
LIMIT_FROM = 4096
_EXACT_FLAT = 16  # the largest dimension in which the flat vector's signs are enumerated
_LARGEST_FLAT = 4096
_GENERIC = (32, 256)  # where the method is both accurate and sharper than round-off


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    log2_d: tuple[int, ...] = tuple(range(2, 15))
    """Logarithms of the dimensions."""
    inputs: tuple[Input, ...] = (
        *("e1", "two", "plane4", "flat8", "flat16"),
        *("ind3", "ind4", "ind6", "flat", "random"),
    )
    """What is rotated."""
    draws: int = 4_000
    """First blocks drawn for flat and random inputs."""
    drawn_values: int = 1 << 20
    """Most numbers these draws hold: at large d there are fewer."""

    def __post_init__(self) -> None:
        check_settings(self, draws=discrepancy.MIN_DRAWS, drawn_values=1, log2_d=(2, 16))


@dataclass(frozen=True)
class Trial:
    """One distance: of which input, in which dimension, by which method."""

    input: Input
    d: int
    method: Method
    draws: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for each input and dimension that a method reaches."""
    for m in config.log2_d:
        d = 2**m
        for name in config.inputs:
            method = _method(name, d)
            if m >= SMALLEST_LOG2.get(name, 0) and method is not None:
                draws = max(discrepancy.MIN_DRAWS, min(config.draws, config.drawn_values // d))
                yield Trial(name, d, method, 0 if method == "exact" else draws)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Compute one distance and the bounds that hold for it."""
    key_input, key_draws = jax.random.split(key)
    if trial.method == "generic":
        x = np.asarray(unit_vector(trial.input, trial.d, key_input), np.float64)
        band = discrepancy.kolmogorov_rao_blackwell(
            key_draws, x, draws=trial.draws, confidence=CONFIDENCE
        )
    else:
        x = integer_vector(trial.input, trial.d)
        if trial.method == "exact":
            band = discrepancy.Band(*[discrepancy.kolmogorov_exact(x)] * 3)
        else:
            band = discrepancy.kolmogorov_sampled(
                key_draws, x, draws=trial.draws, confidence=CONFIDENCE
            )
    return {
        "distance": band.value,
        "low": band.low,
        "high": band.high,
        "certificate": discrepancy.kolmogorov_certificate(x),
        "bound": discrepancy.kolmogorov_bound(trial.d),
        "paper": discrepancy.kolmogorov_bound(trial.d, source="paper"),
    }


def _method(name: Input, d: int) -> Method | None:
    """The method for an input, where there is one."""
    if name in ("random", "power"):
        return "generic" if _GENERIC[0] <= d <= _GENERIC[1] else None
    if name == "flat" and d > _EXACT_FLAT:
        return "lattice" if d <= _LARGEST_FLAT else None
    return "exact"


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with the bounds, the exponents, the limits and the reference table."""
    families = {
        name: sorted((row for row in rows if row["input"] == name), key=lambda row: row["d"])
        for name in dict.fromkeys(row["input"] for row in rows)
    }
    return [
        *_bound_checks(families),
        *_exponent_checks(families),
        *_limit_checks(families),
        *_reference_checks(families),
    ]


def _bound_checks(families: dict[str, list[Row]]) -> Iterator[Check]:
    """Every row is below its certificate, that below the bound; and below the paper's rate."""
    for name, rows in families.items():
        for row in rows:
            yield Check(
                f"d_K({name}, d={row['d']}) <= 0.56 E|<s,x>|^3/sqrt(d) + 0.162/d",
                "ours, proved",
                row["distance"],
                "at most",
                row["certificate"],
                low=row["low"],
                high=row["high"],
            )
        if name != "random":  # for real inputs the certificate is cut off at the bound
            yield Check(
                f"certificate({name}) <= 0.894/sqrt(d) + 0.162/d in {len(rows)} rows (largest "
                "ratio)",
                "ours, proved",
                max(row["certificate"] / row["bound"] for row in rows),
                "at most",
                1.0,
                tolerance=1e-12,
            )
        yield Check(
            f"d_K({name}) <= d^(-1/5), the constant 1 being ours, in {len(rows)} rows (largest "
            "ratio, upper ends of bands)",
            "measured",
            max(row["high"] / row["paper"] for row in rows),
            "at most",
            1.0,
        )


def _exponent_checks(families: dict[str, list[Row]]) -> Iterator[Check]:
    """The fitted exponents: -1/2 where the lattice has a span of order 1, -1 for flat."""
    for name, rows in families.items():
        fit = fit_exponent(rows)
        if fit is None or name not in (*LIMITS, "flat"):
            continue
        yield Check(
            f"exponent of d_K({name}), d >= {FIT_FROM}",
            "measured",
            fit.value,
            "equals",
            -1.0 if name == "flat" else -0.5,
            low=fit.low,
            high=fit.high,
            tolerance=0.05 if name == "flat" else 0.005,
        )


def _limit_checks(families: dict[str, list[Row]]) -> Iterator[Check]:
    """sqrt(d) times the distance at the largest dimension is what the lattice rule says."""
    for name, limit in LIMITS.items():
        for row in families.get(name, [])[-1:]:
            if row["d"] >= LIMIT_FROM:
                yield Check(
                    f"sqrt(d) d_K({name}, d={row['d']}): lattice rule",
                    "measured",
                    math.sqrt(row["d"]) * row["distance"],
                    "equals",
                    limit,
                    tolerance=1e-3,
                )


def _reference_checks(families: dict[str, list[Row]]) -> Iterator[Check]:
    """The reference table: exact rows to 1e-6, sampled ones within the bands of both."""
    table = _references.load("kolmogorov_families")
    for name, values in table["exact"].items():
        known = dict(zip(table["d"], values, strict=True))
        errors = [
            abs(row["distance"] - known[row["d"]])
            for row in families.get(name, [])
            if row["method"] == "exact" and known.get(row["d"]) is not None
        ]
        if errors:
            yield Check(
                f"d_K({name}): reference table, {len(errors)} exact rows (largest error)",
                "reference",
                max(errors),
                "at most",
                1e-6,
            )
    ratios = [
        abs(row["distance"] - value) / ((row["high"] - row["low"]) / 2 * _both(row["draws"], draws))
        for row in families.get("flat", [])
        for value, draws in [table["sampled"].get(str(row["d"]), (None, 0))]
        if value is not None
    ]
    if ratios:
        yield Check(
            f"d_K(flat): reference table, {len(ratios)} sampled rows (largest difference / 99 % "
            "band of both)",
            "reference",
            max(ratios),
            "at most",
            1.0,
        )


def _both(draws: int, others: int) -> float:
    """How much wider the band of a difference of two samples is than that of the first."""
    return math.sqrt(1 + draws / others)


EXPERIMENT = Experiment(
    name="kolmogorov_families",
    question="Which inputs are worst for a coordinate after two blocks, and at what rate?",
    presets={
        "smoke": Preset(
            Config(log2_d=(5, 6), inputs=("e1", "plane4", "flat", "random"), draws=40), minutes=0.1
        ),
        "quick": Preset(
            Config(log2_d=(4, 6, 8, 10, 12), draws=400, drawn_values=1 << 17), minutes=0.5
        ),
        "paper": Preset(Config(), minutes=3),
    },
    trials=trials,
    run=run,
    checks=checks,
)
