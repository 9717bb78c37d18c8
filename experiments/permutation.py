"""One random permutation before the last signs: what it repairs, and what it does not.

Two kinds of rows:

* "sorted": the upper bound of W2 for k blocks with a fresh permutation (`discrepancy.w2_sorted`);
  "every" block of w permutes, or "none" does and only the last signs of all are permuted;
* "joint": laws of two blocks that see more than one coordinate, without a permutation, with one
  that is the same for every rotation, with a Feistel network of random tables (sqrt(d) random
  numbers in place of d log d), and with a fresh uniform one.

Simulated rotations are float32. False alarms: 4 standard errors in 1 of 16,000 rows; bands of
Kolmogorov distances (DKW, 99 %) in 1 % of rows, those of checks in 1 % of all rows together.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy import stats

import hadax
from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._feistel import feistel
from experiments._inputs import Input, integer_vector, unit_vector
from experiments._sampling import sample
from experiments._settings import check_settings
from hadax import discrepancy, operators

Permute: TypeAlias = Literal["none", "fixed", "feistel", "fresh"]

CONFIDENCE = 0.99
ERRORS = 4
TWO_LIMIT = math.sqrt(2 - 4 * math.sqrt(2) * stats.norm.pdf(stats.norm.ppf(0.75)))
"""W2 for (e_1 + e_2)/sqrt 2, two blocks and a fresh permutation, in the limit."""
REPAIRED_FROM = 1024
"""From here on three permuted blocks are closer than three others can be, for every input tried."""
FIT_FROM = 64
_PAIRED = 32  # coordinates of which all pairs are correlated
_DIGITS = 5  # of a float32 statistic


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    inputs: tuple[Input, ...] = ("e1", "two", "plane4", "flat", "random")
    """What is rotated."""
    log2_d: tuple[int, ...] = (6, 8, 10, 12)
    """Logarithms of the dimensions of the bound of W2."""
    samples: int = 4_000
    """Pairs of sorted vectors of a row."""
    joint_log2_d: int = 8
    """Logarithm of the dimension of the joint laws."""
    joint_samples: int = 40_000
    """Simulated rotations of a row of joint laws."""

    def __post_init__(self) -> None:
        check_settings(self, samples=2, joint_samples=4, log2_d=(3, 16), joint_log2_d=(5, 16))


@dataclass(frozen=True)
class Trial:
    """One bound of W2, or the joint laws of one way to permute."""

    kind: Literal["sorted", "joint"]
    input: Input
    d: int
    blocks: int
    permute: str
    samples: int


def trials(config: Config) -> Iterator[Trial]:
    """List the bounds for two and three blocks, then the joint laws of two."""
    for d in (2**m for m in config.log2_d):
        for name in config.inputs:
            yield Trial("sorted", name, d, 2, "none", config.samples)
            yield Trial("sorted", name, d, 3, "none", config.samples)
            yield Trial("sorted", name, d, 3, "every", config.samples)
    for name in config.inputs:
        for permute in ("none", "fixed", "feistel", "fresh"):
            yield Trial("joint", name, 2**config.joint_log2_d, 2, permute, config.joint_samples)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Simulate one row."""
    key_input, key_draws = jax.random.split(key)
    x = unit_vector(trial.input, trial.d, key_input)
    if trial.kind == "joint":
        return _joint(x, trial, key_draws)
    bound = discrepancy.w2_sorted(
        key_draws,
        x,
        blocks=trial.blocks,
        permute="fresh" if trial.permute == "every" else "none",
        samples=trial.samples,
    )
    return {"w2": bound.value, "w2_se": bound.standard_error}


def _joint(x: jax.Array, trial: Trial, key: jax.Array) -> dict[str, float]:
    """Correlated pairs, the law of the largest coordinate, of the overlap and of a coordinate."""
    d, samples = trial.d, trial.samples
    drawn = sample(functools.partial(_statistics, x, trial.permute), key, samples, size=2 * d)
    coordinate, overlap, largest, uniform_largest, sizes = drawn
    correlations = np.corrcoef(sizes.astype(np.float64), rowvar=False)
    result = {
        "correlation": float(np.max(np.abs(correlations - np.eye(len(correlations))))),
        "largest": discrepancy.ks_two_band(_rounded(largest), _rounded(uniform_largest)).value,
        "largest_radius": 2 * discrepancy.dkw_radius(samples, confidence=1 - (1 - CONFIDENCE) / 2),
    }
    for name, values in (("coordinate", coordinate), ("overlap", overlap)):
        band = discrepancy.ks_band(_rounded(values), d, confidence=CONFIDENCE)
        result |= {name: band.value, f"{name}_low": band.low, f"{name}_high": band.high}
    return result


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Values, equal where they differ by round-off."""
    return np.round(values.astype(np.float64), _DIGITS)


@functools.partial(jax.jit, static_argnums=1)
def _statistics(x: jax.Array, permute: Permute, keys: jax.Array) -> tuple[jax.Array, ...]:
    """For each key, of two independent rotations and a uniform vector, scaled to variance 1."""
    scale = math.sqrt(x.size)

    def one(key: jax.Array) -> tuple[jax.Array, ...]:
        key_a, key_b, key_u = jax.random.split(key, 3)
        y, other = (_rotation(k, x.size, permute)(x) for k in (key_a, key_b))
        u = jax.random.normal(key_u, x.shape, x.dtype)
        u = u / jnp.linalg.norm(u)
        sizes = jnp.abs(y)
        return (
            scale * y[3],
            scale * (y @ other),
            scale * jnp.max(sizes),
            scale * jnp.max(jnp.abs(u)),
            scale * sizes[:_PAIRED],
        )

    return jax.vmap(one)(keys)


def _rotation(key: jax.Array, d: int, permute: Permute) -> operators.LinearOperator:
    """Two blocks with this permutation between them."""
    if permute != "feistel":
        return hadax.randomized_hadamard(key, d, 2, permute=permute)
    key_first, key_shuffle, key_last = jax.random.split(key, 3)
    shuffle = operators.permutation(feistel(key_shuffle, d))
    first, last = (hadax.randomized_hadamard(k, d, 1) for k in (key_first, key_last))
    return last @ shuffle @ first


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with limits, bounds and the reference tables."""
    bounds = sorted(
        (row for row in rows if row["kind"] == "sorted"), key=lambda row: (row["input"], row["d"])
    )
    joint = [row for row in rows if row["kind"] == "joint"]
    return [
        *_limit_checks(bounds),
        *_rate_checks(bounds),
        *_joint_checks(joint),
        *_reference_checks(bounds, joint),
    ]


def fit_rate(rows: Sequence[Row]) -> tuple[float, float] | None:
    """Exponent of d in the bound of W2, with its standard error; None for fewer than 3 rows."""
    if len(rows) < 3:
        return None
    log_d = np.log([row["d"] for row in rows])
    weights = (log_d - log_d.mean()) / np.square(log_d - log_d.mean()).sum()
    slope = float(weights @ np.log([row["w2"] for row in rows]))
    errors = np.array([row["w2_se"] / row["w2"] for row in rows])
    return slope, float(np.linalg.norm(weights * errors))


def select(rows: Sequence[Row], name: str, blocks: int, permute: str) -> list[Row]:
    """Return the bounds of W2 of one input, in the order of the dimensions."""
    wanted = (name, blocks, permute)
    return [row for row in rows if (row["input"], row["blocks"], row["permute"]) == wanted]


def _limit_checks(bounds: Sequence[Row]) -> Iterator[Check]:
    """Two blocks keep their distance on e_1 and (e_1 + e_2)/sqrt 2; three beat every input's."""
    for row in select(bounds, "e1", 2, "none"):
        yield _check(
            row, "measured", "equals", discrepancy.w2_one_sparse(row["d"]), "sqrt(2 - 2 c_d)"
        )
    for row in select(bounds, "two", 2, "none")[-1:]:
        yield _check(
            row, "measured", "equals", TWO_LIMIT, "its limit .44987", tolerance=1 / row["d"]
        )
    for name in dict.fromkeys(row["input"] for row in bounds):
        for row in select(bounds, name, 3, "none")[-1:]:
            if row["d"] < REPAIRED_FROM:
                continue
            lower = discrepancy.w2_lower(row["d"], 3)
            yield _check(
                row, "measured", "at most", lower, "what 3 blocks without a permutation never reach"
            )


def _rate_checks(bounds: Sequence[Row]) -> Iterator[Check]:
    """Three blocks and a permutation come closer with d, at the rate of sorted samples."""
    for name in dict.fromkeys(row["input"] for row in bounds):
        fit = fit_rate([r for r in select(bounds, name, 3, "none") if r["d"] >= FIT_FROM])
        if fit is not None:
            slope, error = fit
            yield Check(
                f"exponent of W2 bound ({name}, 3 blocks, permuted), d >= {FIT_FROM}",
                "measured",
                slope,
                "at most",
                -0.4,
                low=slope - ERRORS * error,
                high=slope + ERRORS * error,
            )


def _joint_checks(joint: Sequence[Row]) -> Iterator[Check]:
    """Permuted or not, a coordinate has the same law; copies of coordinates go."""
    exact = [row for row in joint if row["input"] in ("e1", "two", "plane4")]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(exact))
    ratios = []
    for row in exact:
        distance = discrepancy.kolmogorov_exact(integer_vector(row["input"], row["d"]))
        radius = discrepancy.dkw_radius(row["samples"], confidence=confidence)
        ratios.append(abs(row["coordinate"] - distance) / radius)
    if ratios:
        yield Check(
            f"d_K of a coordinate, permuted or not, is that of two blocks in {len(ratios)} rows "
            "(largest difference / DKW radius)",
            "measured",
            max(ratios),
            "at most",
            1.0,
        )
    for row in joint:
        if row["input"] == "two":
            copies = row["permute"] == "none"
            yield Check(
                f"largest correlation of |y_i| and |y_l| (two, d={row['d']}): {row['permute']} "
                "permutation",
                "ours, proved" if copies else "measured",
                row["correlation"],
                "at least" if copies else "at most",
                # Of so many pairs, beyond 5 standard errors of one.
                0.999 if copies else 0.02 + 5 / math.sqrt(row["samples"]),
            )


def _reference_checks(bounds: Sequence[Row], joint: Sequence[Row]) -> Iterator[Check]:
    """The reference tables, within 4 standard errors or the bands of both sides."""
    table = _references.load("permutation")
    off = []
    for row in bounds:
        permute = "every" if row["blocks"] == 3 else "none"
        value = table["sorted"].get(row["input"], {}).get(f"{row['d']}, {row['blocks']}")
        if value is not None and row["permute"] == permute:
            samples = table["samples"][str(row["d"])]
            error = row["w2_se"] * math.sqrt(1 + row["samples"] / samples)
            off.append(abs(row["w2"] - value) / math.hypot(error, 0.3e-4))
    if off:
        yield Check(
            f"bounds of W2: reference table, {len(off)} rows (largest difference, in standard "
            "errors of both)",
            "reference",
            max(off),
            "at most",
            ERRORS,
        )
    wider = 1 - (1 - CONFIDENCE) / max(1, 3 * len(joint))
    off = []
    for row in joint:
        values = table["joint"].get(row["input"], {}).get(row["permute"])
        if values is not None and row["d"] == table["d"]:
            radius = sum(
                discrepancy.dkw_radius(n, confidence=wider)
                for n in (row["samples"], table["joint_samples"])
            )
            off += [abs(row["largest"] - values[0]) / (2 * radius)]
            off += [abs(row["overlap"] - values[1]) / (math.sqrt(2) * radius)]
    if off:
        yield Check(
            f"joint laws: reference table, {len(off)} distances (largest difference / bands)",
            "reference",
            max(off),
            "at most",
            1.0,
        )


def _check(row: Row, source: Any, relation: Any, reference: float, what: str, **more: Any) -> Check:
    """Return a check of one bound of W2, with its 4 standard errors."""
    radius = ERRORS * row["w2_se"]
    return Check(
        f"W2 bound ({row['input']}, d={row['d']}, {row['blocks']} blocks, permuted): {what}",
        source,
        row["w2"],
        relation,
        reference,
        low=row["w2"] - radius,
        high=row["w2"] + radius,
        **more,
    )


EXPERIMENT = Experiment(
    name="permutation",
    question="What does one random permutation before the last signs repair?",
    presets={
        "smoke": Preset(
            Config(inputs=("two",), log2_d=(6,), samples=200, joint_samples=400), minutes=0.1
        ),
        "quick": Preset(
            Config(
                inputs=("e1", "two", "random"),
                log2_d=(6, 8, 10),
                samples=400,
                joint_samples=4_000,
            ),
            minutes=0.5,
        ),
        "paper": Preset(Config(), minutes=5),
    },
    trials=trials,
    run=run,
    checks=checks,
)
