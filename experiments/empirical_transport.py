"""Why W2 is never estimated from samples here: optimal transport between two finite samples.

A row draws n points of the two-block rotation of e_1 and n uniform ones, and matches them as
cheaply as possible (an assignment problem, O(n^3)). The root of the mean squared distance estimates
W2, which is known exactly; a second sample of uniform points is matched in the same way, where W2
is 0. In d dimensions a sample of n points is of the order n^(-1/d) from its law, so that beyond a
few dimensions the two numbers say nothing but the distance between finite samples. Draws are
float32.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

import hadax
from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from hadax import discrepancy


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    log2_d: tuple[int, ...] = (2, 3, 4, 5, 6, 8)
    """Logarithms of the dimensions."""
    points: tuple[int, ...] = (125, 500, 2000)
    """Points of a sample."""
    repeats: int = 4
    """Pairs of samples of a row, for its spread."""

    def __post_init__(self) -> None:
        check_settings(self, repeats=2, log2_d=(2, 12), points=1)


@dataclass(frozen=True)
class Trial:
    """Estimates in one dimension from samples of one size."""

    d: int
    points: int
    repeats: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every dimension and size of sample."""
    for m in config.log2_d:
        for points in config.points:
            yield Trial(2**m, points, config.repeats)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Match samples, and compute the distance that they stand for."""
    estimates = np.array(
        [_estimates(k, trial.d, trial.points) for k in jax.random.split(key, trial.repeats)]
    )
    rotated, uniform = estimates.mean(axis=0)
    rotated_se, uniform_se = estimates.std(axis=0, ddof=1) / trial.repeats**0.5
    return {
        "rotated": float(rotated),
        "rotated_se": float(rotated_se),
        "uniform": float(uniform),
        "uniform_se": float(uniform_se),
        "exact": discrepancy.w2_one_sparse(trial.d),
    }


def _estimates(key: jax.Array, d: int, points: int) -> tuple[float, float]:
    """Root mean squared distance of matched samples: rotated to uniform, uniform to uniform."""
    key_rotated, key_one, key_two = jax.random.split(key, 3)
    e1 = jnp.zeros(d, "float32").at[0].set(1)
    keys = jax.random.split(key_rotated, points)
    rotated = jax.vmap(lambda k: hadax.randomized_hadamard(k, d, 2)(e1))(keys)
    one, two = (_uniform(k, points, d) for k in (key_one, key_two))
    return _matched(np.asarray(rotated), one), _matched(two, one)


def _uniform(key: jax.Array, points: int, d: int) -> NDArray[np.float32]:
    """Uniform unit vectors."""
    g = jax.random.normal(key, (points, d), "float32")
    return np.asarray(g / jnp.linalg.norm(g, axis=-1, keepdims=True))


def _matched(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Root mean squared distance of the cheapest matching of unit vectors."""
    cost = 2 - 2 * a.astype(np.float64) @ b.T.astype(np.float64)
    return float(np.sqrt(np.mean(cost[linear_sum_assignment(cost)])))


def checks(rows: Sequence[Row]) -> list[Check]:
    """Samples mislead in 64 dimensions, and the values are those of the reference table."""
    found = []
    for row in rows:
        if row["d"] >= 64:
            where = f"d={row['d']}, {row['points']} points"
            found += [
                Check(
                    f"sampled W2 ({where}) is 1.5 times the distance it estimates",
                    "measured",
                    row["rotated"] / row["exact"],
                    "at least",
                    1.5,
                ),
                Check(
                    f"sampled W2 ({where}), rotated over uniform to uniform: no difference",
                    "measured",
                    row["rotated"] / row["uniform"],
                    "equals",
                    1.0,
                    tolerance=0.05,
                ),
            ]
    table = _references.load("empirical_transport")
    errors = [
        abs(row["rotated"] - table["rotated"][str(row["d"])])
        for row in rows
        if row["points"] == table["points"] and str(row["d"]) in table["rotated"]
    ]
    if errors:
        found.append(
            Check(
                f"sampled W2 of {table['points']} points: reference table, {len(errors)} rows "
                "(largest difference)",
                "reference",
                max(errors),
                "at most",
                0.01,
            )
        )
    return found


EXPERIMENT = Experiment(
    name="empirical_transport",
    question="Can the Wasserstein distance be estimated from samples? (No.)",
    presets={
        "smoke": Preset(Config(log2_d=(2, 6), points=(50,), repeats=2), minutes=0.1),
        "quick": Preset(Config(log2_d=(2, 4, 6), points=(125, 500)), minutes=0.2),
        "paper": Preset(Config(), minutes=2),
    },
    trials=trials,
    run=run,
    checks=checks,
)
