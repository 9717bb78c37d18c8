"""Fourth moment of the k-block rotation: simulated, beside the exact recursion.

A row simulates d E|y|_4^4, the kurtosis of a coordinate, over independent rotations of one input.
The recursion is exact for every input, so that a simulated mean is more than 4 standard errors off
in 1 row of 16,000: less than 1 % for all rows of a run together.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

import hadax
from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._inputs import Input, unit_vector
from experiments._sampling import sample
from experiments._settings import check_settings
from hadax import discrepancy

ERRORS = 4  # standard errors that a simulated mean may be off
ROUND_OFF = 1e-5  # of a float32 kurtosis, relative: some rows do not vary at all


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    log2_d: tuple[int, ...] = (4, 6, 8, 10)
    """Logarithms of the dimensions."""
    inputs: tuple[Input, ...] = ("e1", "two", "plane4", "power", "random", "flat")
    """What is rotated."""
    blocks: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Numbers of blocks."""
    samples: int = 100_000
    """Simulated rotations of a row."""

    def __post_init__(self) -> None:
        check_settings(self, samples=2, log2_d=(2, 20), blocks=0)


@dataclass(frozen=True)
class Trial:
    """One fourth moment: of which input, in which dimension, after how many blocks."""

    input: Input
    d: int
    blocks: int
    samples: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every dimension, input and number of blocks."""
    for d in (2**m for m in config.log2_d):
        for name in config.inputs:
            for blocks in config.blocks:
                yield Trial(name, d, blocks, config.samples if blocks else 1)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Simulate the kurtosis and compute it."""
    key_input, key_draws = jax.random.split(key)
    x = unit_vector(trial.input, trial.d, key_input)
    draws = sample(
        functools.partial(_kurtosis, x, trial.blocks), key_draws, trial.samples, size=trial.d
    ).astype(np.float64)
    spread = float(draws.std(ddof=1)) if trial.samples > 1 else 0.0
    return {
        "kurtosis": float(draws.mean()),
        "standard_error": spread / math.sqrt(trial.samples),
        "exact": trial.d * float(discrepancy.fourth_moment(x, blocks=trial.blocks)),
        "uniform": 3 * trial.d / (trial.d + 2),
    }


@functools.partial(jax.jit, static_argnums=1)
def _kurtosis(x: jax.Array, blocks: int, keys: jax.Array) -> jax.Array:
    """d |y|_4^4 of a rotation of x for each key."""

    def kurtosis(key: jax.Array) -> jax.Array:
        y = hadax.randomized_hadamard(key, x.size, blocks)(x) if blocks else x
        return x.size * jnp.sum(y**4)

    return jax.vmap(kurtosis)(keys)


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with the recursion, input by input, and with the reference table."""
    found = []
    for name in dict.fromkeys(row["input"] for row in rows):
        errors = [_error(row) for row in rows if row["input"] == name]
        found.append(
            Check(
                f"d E|y|_4^4 ({name}): the recursion, {len(errors)} rows (largest difference, in "
                "standard errors)",
                "measured",
                max(errors),
                "at most",
                ERRORS,
            )
        )
    table = _references.load("fourth_moment")
    errors = [
        abs(row["exact"] - table[row["input"]][str(row["blocks"])])
        for row in rows
        if row["d"] == table["d"] and str(row["blocks"]) in table.get(row["input"], {})
    ]
    if errors:
        found.append(
            Check(
                f"d E|y|_4^4 at d={table['d']}: 4 digits of the reference table",
                "reference",
                max(errors),
                "at most",
                0.51e-4,
            )
        )
    return found


def _error(row: Row) -> float:
    """Difference between simulation and recursion, beyond round-off, in standard errors."""
    off = max(0.0, abs(row["kurtosis"] - row["exact"]) - ROUND_OFF * row["exact"])
    return off / row["standard_error"] if row["standard_error"] else off / ROUND_OFF


EXPERIMENT = Experiment(
    name="fourth_moment",
    question="How fast does the fourth moment of a rotated vector become that of a uniform one?",
    presets={
        "smoke": Preset(Config(log2_d=(8,), inputs=("e1", "two"), samples=500), minutes=0.1),
        "quick": Preset(Config(log2_d=(4, 8), samples=10_000), minutes=0.3),
        "paper": Preset(Config(), minutes=2),
    },
    trials=trials,
    run=run,
    checks=checks,
)
