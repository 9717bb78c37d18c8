"""How fast errors of means over points fall, by the kind of points and the kind of integrand.

A row is one integrand under one randomisation. Of each of several independent ones the first n
points are taken, for every n: the sequences are extended, so that errors at different n are those
of one sequence. The root mean square error is over the randomisations, and so is the bootstrap that
gives its bands and that of the slope: randomisations are resampled whole. Everything is float64.

Slopes are those of log rmse over log n by least squares from n = 2^8 on, as far as errors are
above round-off. Bands of slopes in the checks are Student's, of their bootstrap standard error; all
of a kind hold together at 99 % (Bonferroni), as do the t statistics of the means. Errors of
scrambled nets have heavier tails than normal ones, for which these levels are approximate.

Rates of nets are asymptotic. That interlaced ones fall faster than n^(-1.9) is checked in two
dimensions: in three they come down in stairs, and have not reached their rate by n = 2^17.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments._contract import Check, Experiment, Preset, Row
from experiments._integrands import NAMES, SMOOTH, Integrand, Name, integrand
from experiments._randomizations import (
    INTERLACED,
    METHODS,
    SCRAMBLED,
    Method,
    draw,
    integrated,
    plain_points,
)
from experiments._settings import check_settings

FIT_FROM = 8
"""The binary logarithm of n from which on slopes are fitted."""
LEAST_POINTS = 4
"""Fewer than so many of them have no slope."""
ROUND_OFF = 1e-13
"""Errors below this part of an integrand's root mean square are left out: they are round-off."""
RESAMPLES = 1000
CONFIDENCE = 0.99
ASYMPTOTIC = 1 << 16
"""Slopes of nets are compared with their rates where n reaches this far."""
_DATES = 16


@dataclass(frozen=True)
class Config:
    """What is integrated, over how many points, how often."""

    seed: int = 0
    """Seed of every random key."""
    integrands: tuple[Name, ...] = NAMES
    """What is integrated: Keister's function, those of Genz, the option at 16 dates."""
    keister_dimensions: tuple[int, ...] = (2, 3, 5)
    """Dimensions of Keister's."""
    genz_dimensions: tuple[int, ...] = (2, 3)
    """Dimensions of those of Genz."""
    methods: tuple[Method, ...] = METHODS
    """How points are placed."""
    log2_n: tuple[int, int] = (4, 17)
    """Binary logarithms of the least and the largest number of points."""
    repeats: int = 96
    """Independent randomisations."""

    def __post_init__(self) -> None:
        check_settings(self, repeats=2, log2_n=(2, 22))
        check_settings(self, keister_dimensions=(1, 20), genz_dimensions=(1, 20))
        for name, known in (("integrands", NAMES), ("methods", METHODS)):
            if unknown := set(getattr(self, name)) - set(known):
                raise ValueError(
                    f"--{name} must be of {', '.join(known)}, but has {', '.join(unknown)}"
                )
        if self.log2_n[0] > self.log2_n[1]:
            raise ValueError(f"--log2-n must be the least one first, but is {self.log2_n}")


@dataclass(frozen=True)
class Trial:
    """Errors of one integrand under one kind of randomisation."""

    integrand: Name
    dimensions: int
    method: Method
    log2_n: tuple[int, int]
    repeats: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every integrand and kind of points."""
    for name in config.integrands:
        for dimensions in _dimensions(name, config):
            for method in config.methods:
                yield Trial(name, dimensions, method, config.log2_n, config.repeats)


def _dimensions(name: Name, config: Config) -> tuple[int, ...]:
    """In how many dimensions an integrand is taken."""
    if name == "keister":
        return config.keister_dimensions
    return (_DATES,) if name.startswith("asian") else config.genz_dimensions


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Integrate by every randomisation, and fit the slope."""
    with jax.enable_x64(True):
        found = integrand(trial.integrand, trial.dimensions)
        errors, size = _errors(found, trial, key)
    exponents = np.arange(trial.log2_n[0], trial.log2_n[1] + 1)
    rng = np.random.default_rng(0)
    drawn = rng.integers(trial.repeats, size=(RESAMPLES, trial.repeats))
    rmse = _rmse(errors)
    resampled = _rmse(errors[drawn])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail), axis=0)
    fitted = (exponents >= FIT_FROM) & (rmse > ROUND_OFF * size)
    enough = fitted.sum() >= LEAST_POINTS
    return {
        "n": (2**exponents).tolist(),
        "rmse": _rounded(rmse),
        "low": _rounded(low),
        "high": _rounded(high),
        "fitted": fitted.tolist(),
        "slope": float(_slope(exponents[fitted], rmse[fitted])) if enough else None,
        "slope_se": (
            float(_slope(exponents[fitted], resampled[:, fitted]).std(ddof=1)) if enough else None
        ),
        "t": _rounded(_t_statistics(errors, found.exact_se, rmse > ROUND_OFF * size)),
    }


def _errors(found: Integrand, trial: Trial, key: jax.Array) -> tuple[NDArray[np.float64], float]:
    """Errors (repeats, numbers of points), and the root mean square of the integrand."""
    least, most = trial.log2_n
    plain = plain_points(trial.method, trial.dimensions, 1 << most)
    function = integrated(trial.method, found.function)

    @jax.jit
    def means(key: jax.Array, plain: Any) -> tuple[jax.Array, jax.Array]:
        values = function(draw(trial.method, key, plain, trial.dimensions, 1 << most))
        firsts = [jnp.mean(values[: 1 << m]) for m in range(least, most + 1)]
        return jnp.stack(firsts), jnp.sqrt(jnp.mean(jnp.square(values)))

    parts = [jax.device_get(means(one, plain)) for one in jax.random.split(key, trial.repeats)]
    return np.stack([part for part, _ in parts]) - found.exact, float(parts[0][1])


def _rmse(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root mean squares over the randomisations, the last axis but one."""
    return np.sqrt(np.mean(np.square(errors), axis=-2))


def _slope(exponents: NDArray[np.int64], rmse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slopes of log2 rmse (..., numbers of points) by least squares."""
    centred = exponents - exponents.mean()
    return np.log2(rmse) @ centred / (centred @ centred)


def _t_statistics(
    errors: NDArray[np.float64], exact_se: float, clear: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mean errors over their standard errors, that of the reference included; 0 for round-off."""
    spread = errors.std(axis=0, ddof=1) / math.sqrt(len(errors))
    radius = np.hypot(spread, exact_se)
    return np.where(clear, errors.mean(axis=0) / np.where(clear, radius, 1.0), 0.0)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    """Five digits are more than is known."""
    return [float(f"{value:.5g}") for value in values]


def checks(rows: Sequence[Row]) -> list[Check]:
    """Independent points have slope -1/2; scrambled nets on smooth integrands -1.3 and -1.9; none
    is biased."""
    sloped = [row for row in rows if row["slope"] is not None]
    smooth = [row for row in sloped if row["integrand"] in SMOOTH and row["n"][-1] >= ASYMPTOTIC]
    interlaced = [row for row in smooth if row["method"] in INTERLACED and row["dimensions"] == 2]
    return [
        *_slopes([row for row in sloped if row["method"] == "iid"], "equals", -0.5),
        *_slopes([row for row in smooth if row["method"] in SCRAMBLED], "at most", -1.3),
        *_slopes(interlaced, "at most", -1.9),
        *_biases(rows),
    ]


def _slopes(rows: Sequence[Row], relation: Any, reference: float) -> Iterator[Check]:
    """Every slope against a number, with bands that hold together."""
    for row in rows:
        quantile = stats.t.isf((1 - CONFIDENCE) / 2 / len(rows), row["repeats"] - 1)
        reach = float(quantile) * row["slope_se"]
        fitted = [n for n, is_fitted in zip(row["n"], row["fitted"], strict=True) if is_fitted]
        yield Check(
            f"slope of the rmse of {row['integrand']}, d = {row['dimensions']}, {row['method']}, "
            f"n = {fitted[0]} to {fitted[-1]}",
            "measured",
            row["slope"],
            relation,
            reference,
            row["slope"] - reach,
            row["slope"] + reach,
        )


def _biases(rows: Sequence[Row]) -> Iterator[Check]:
    """The largest t statistic of a kind of points, and the bound for all of them."""
    count = sum(len(row["t"]) for row in rows)
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        worst = max(own, key=lambda row: max(map(abs, row["t"])))
        bound = stats.t.isf((1 - CONFIDENCE) / 2 / count, worst["repeats"] - 1)
        yield Check(
            f"|t| of the mean error, {method}, {sum(len(row['t']) for row in own)} means of "
            f"{len(own)} integrands (largest: {worst['integrand']}, d = {worst['dimensions']})",
            "measured",
            max(map(abs, worst["t"])),
            "at most",
            float(bound),
        )


EXPERIMENT = Experiment(
    name="qmc_convergence",
    question="How fast do errors of integrals fall with the number of points, for which points?",
    presets={
        "smoke": Preset(
            Config(
                integrands=("gaussian",),
                genz_dimensions=(2,),
                methods=("iid", "lattice", "linear"),
                log2_n=(6, 11),
                repeats=64,
            ),
            minutes=0.1,
        ),
        "quick": Preset(
            Config(
                integrands=("keister", "gaussian", "continuous"),
                keister_dimensions=(3,),
                genz_dimensions=(2,),
                log2_n=(4, 16),
                repeats=32,
            ),
            minutes=0.7,
        ),
        "paper": Preset(Config(), minutes=15),
    },
    trials=trials,
    run=run,
    checks=checks,
)
