"""Squared length of a sketched unit vector: subsampled Hadamard transforms beside a Gaussian map.

A row sketches one unit vector x by m of the n rows of sqrt(n/m) H D_k ... H D_1 (`hadax.srht` after
k - 1 blocks) with fresh signs and rows each time. The m rows are drawn without replacement, so that
given y = H D_k ... x the variance of the squared length is that of a sample mean, and

    Var |Phi x|^2 = (n E|y|_4^4 - 1) (n - m) / (m (n - 1)),

with the fourth moment that `discrepancy.fourth_moment` knows exactly. A Gaussian map has 2/m.
Draws are float32. A simulated mean or variance is more than 4 standard errors off in 1 of 16,000.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

import hadax
from experiments._contract import Check, Experiment, Preset, Row
from experiments._inputs import Input, unit_vector
from experiments._sampling import sample
from experiments._settings import check_settings
from hadax import discrepancy

ERRORS = 4
ROUND_OFF = 1e-5  # of a float32 squared length: some rows do not vary at all
LEVEL = 0.99


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    log2_n: int = 10
    """Logarithm of the length of x."""
    rows: tuple[int, ...] = (16, 64, 128, 256)
    """Lengths m of the sketch."""
    inputs: tuple[Input, ...] = ("e1", "two", "plane4", "flat", "power", "random")
    """What is sketched."""
    blocks: tuple[int, ...] = (1, 2)
    """Numbers of blocks before the rows are chosen."""
    samples: int = 40_000
    """Sketches of a row."""

    def __post_init__(self) -> None:
        check_settings(self, samples=2, log2_n=(2, 20), blocks=1)
        check_settings(self, rows=(1, 2**self.log2_n))


@dataclass(frozen=True)
class Trial:
    """The squared lengths of the sketches of one vector."""

    input: Input
    n: int
    m: int
    blocks: int
    samples: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every input, size and number of blocks."""
    for name in config.inputs:
        for m in config.rows:
            for blocks in config.blocks:
                yield Trial(name, 2**config.log2_n, m, blocks, config.samples)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Simulate the squared lengths and compute their spread."""
    n, m, samples = trial.n, trial.m, trial.samples
    key_input, key_draws = jax.random.split(key)
    x = unit_vector(trial.input, n, key_input)
    lengths = functools.partial(_squared_lengths, x, m, trial.blocks)
    off = sample(lengths, key_draws, samples, size=n).astype(np.float64) - 1
    fourth = float(discrepancy.fourth_moment(x, blocks=trial.blocks))
    squares = np.square(off)
    return {
        "mean": float(off.mean()),
        "mean_se": float(off.std()) / math.sqrt(samples),
        "variance": float(squares.mean()),
        "variance_se": float(squares.std()) / math.sqrt(samples),
        "exact": max(0.0, n * fourth - 1) * (n - m) / (m * (n - 1)),
        "uniform": 2 * (n - m) / (m * (n + 2)),
        "gaussian": 2 / m,
        "quantile": float(np.quantile(np.abs(off), LEVEL)),
        "gaussian_quantile": _gaussian_quantile(m),
    }


def _gaussian_quantile(m: int) -> float:
    """The LEVEL quantile of | |Phi x|^2 - 1 | for a Gaussian map, from the law chi^2_m / m."""
    law = stats.chi2(m, scale=1 / m)
    low, high = 0.0, 10.0
    for _ in range(60):  # bisection
        middle = (low + high) / 2
        inside = law.cdf(1 + middle) - law.cdf(1 - middle)
        low, high = (middle, high) if inside < LEVEL else (low, middle)
    return high


@functools.partial(jax.jit, static_argnums=(1, 2))
def _squared_lengths(x: jax.Array, m: int, blocks: int, keys: jax.Array) -> jax.Array:
    """|Phi x|^2 for each key."""

    def squared_length(key: jax.Array) -> jax.Array:
        key_blocks, key_sketch = jax.random.split(key)
        y = x
        if blocks > 1:
            y = hadax.randomized_hadamard(key_blocks, x.size, blocks - 1)(x)
        return jnp.sum(jnp.square(hadax.srht(key_sketch, x.size, m)(y)))

    return jax.vmap(squared_length)(keys)


def checks(rows: Sequence[Row]) -> list[Check]:
    """Lengths are kept in the mean, and spread as the fourth moment says."""
    found = []
    for blocks in sorted({row["blocks"] for row in rows}):
        own = [row for row in rows if row["blocks"] == blocks]
        where = f"(k = {blocks}, {len(own)} rows; largest difference, in standard errors)"
        means = [_errors(row["mean"], row["mean_se"]) for row in own]
        spreads = [_errors(row["variance"] - row["exact"], row["variance_se"]) for row in own]
        found += [
            Check(f"E|Phi x|^2 = 1 {where}", "measured", max(means), "at most", ERRORS),
            Check(
                f"Var|Phi x|^2 = (n E|y|_4^4 - 1)(n - m)/(m(n - 1)) {where}",
                "measured",
                max(spreads),
                "at most",
                ERRORS,
            ),
        ]
        found.append(
            Check(
                f"Var|Phi x|^2 <= that of a Gaussian map, 2/m (k = {blocks}, largest ratio)",
                "ours, proved",
                max(row["exact"] / row["gaussian"] for row in own),
                "at most",
                1.0,
            )
        )
    return found


def _errors(difference: float, error: float) -> float:
    """A difference beyond round-off, in standard errors."""
    off = max(0.0, abs(difference) - ROUND_OFF)
    return off / error if error else off / ROUND_OFF


EXPERIMENT = Experiment(
    name="johnson_lindenstrauss",
    question="How much does a subsampled Hadamard transform distort lengths, for which inputs?",
    presets={
        "smoke": Preset(
            Config(log2_n=6, rows=(16,), inputs=("e1", "power"), samples=500), minutes=0.1
        ),
        "quick": Preset(
            Config(rows=(16, 128), inputs=("two", "power", "random"), samples=4_000), minutes=0.3
        ),
        "paper": Preset(Config(), minutes=3),
    },
    trials=trials,
    run=run,
    checks=checks,
)
