"""How uniform the coordinates of one rotated vector look: what a user of one rotation gets.

For each draw of the k-block rotation of x, the Kolmogorov distance of its d coordinates from the
law of a uniform one (`discrepancy.quenched_ks`), times sqrt(d), averaged over draws; 0 blocks stand
for a uniform vector. Float32 and the counts of long vectors move a distance by 2e-6 at most: less
than 0.3 % at d = 2**20.

The bars are 4 standard errors: 1 false alarm in 16,000 rows for a normal mean. A row of less than
30 draws takes at least the standard deviation of Kolmogorov's law, unless all its draws are equal.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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

ERRORS = 4
INDEPENDENT = math.sqrt(math.pi / 2) * math.log(2)
"""Mean of Kolmogorov's law: sqrt(n) times the distance of n independent draws."""
INDEPENDENT_SD = math.sqrt(math.pi**2 / 12 - INDEPENDENT**2)
UNIFORM, TWO_BLOCKS, THREE_BLOCKS = 1.1, 2.5, 1.25
"""What a uniform vector and so many blocks may cost, as factors of independent draws."""
_FEW = 30


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    log2_d: tuple[int, ...] = (10, 12, 14, 17, 20)
    """Logarithms of the dimensions."""
    inputs: tuple[Input, ...] = ("e1", "two", "plane4", "flat", "random")
    """What is rotated."""
    blocks: tuple[int, ...] = (1, 2, 3)
    """Numbers of blocks."""
    draws: int = 500
    """Rotations of a row."""
    values: int = 1 << 24
    """Most numbers a row draws: at large d there are fewer rotations, but 4 at least."""

    def __post_init__(self) -> None:
        check_settings(self, draws=4, values=1, log2_d=(3, 22), blocks=1)


@dataclass(frozen=True)
class Trial:
    """One mean: of which input, after how many blocks, in which dimension."""

    input: Input
    blocks: int
    d: int
    draws: int


def trials(config: Config) -> Iterator[Trial]:
    """List the uniform vector and every input and number of blocks, for each dimension."""
    for d in (2**m for m in config.log2_d):
        draws = max(4, min(config.draws, config.values // d))
        yield Trial("random", 0, d, draws)
        for name in config.inputs:
            for blocks in config.blocks:
                yield Trial(name, blocks, d, draws)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Return the mean distance times sqrt(d), and the standard deviation of one draw's."""
    key_input, key_draws = jax.random.split(key)
    x = unit_vector(trial.input, trial.d, key_input)
    measure = functools.partial(_distances, x, trial.blocks)
    drawn = math.sqrt(trial.d) * sample(measure, key_draws, trial.draws, size=trial.d)
    drawn = drawn.astype(np.float64)
    return {"scaled": float(drawn.mean()), "sd": float(drawn.std(ddof=1))}


@functools.partial(jax.jit, static_argnums=1)
def _distances(x: jax.Array, blocks: int, keys: jax.Array) -> jax.Array:
    """Distance of the coordinates of one rotation of x, or one uniform vector, for each key."""

    def distance(key: jax.Array) -> jax.Array:
        if blocks == 0:
            u = jax.random.normal(key, x.shape, x.dtype)
            return discrepancy.quenched_ks(u / jnp.linalg.norm(u))
        return discrepancy.quenched_ks(hadax.randomized_hadamard(key, x.size, blocks)(x))

    return jax.vmap(distance)(keys)


def radius(row: Row) -> float:
    """Four standard errors of a row's mean."""
    sd = row["sd"]
    if row["draws"] < _FEW and sd > 0:
        sd = max(sd, INDEPENDENT_SD)
    return ERRORS * sd / math.sqrt(row["draws"])


def checks(rows: Sequence[Row]) -> list[Check]:
    """Two blocks cost a constant factor, three nothing that shows; and the reference table."""
    ordered = sorted(rows, key=lambda row: (row["input"], row["blocks"], row["d"]))
    return [*_size_checks(ordered), *_reference_checks(ordered)]


def _size_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Compare each input, averaged over dimensions, with independent draws of a coordinate."""
    factors = {0: UNIFORM, 2: TWO_BLOCKS, 3: THREE_BLOCKS}
    what = {
        0: "about that of independent draws",
        2: "a constant factor above independent draws",
        3: "little more than independent draws",
    }
    for name, blocks in dict.fromkeys((row["input"], row["blocks"]) for row in rows):
        own = [row for row in rows if (row["input"], row["blocks"]) == (name, blocks)]
        if blocks in factors:
            mean = float(np.mean([row["scaled"] for row in own]))
            error = float(np.linalg.norm([radius(row) for row in own])) / len(own)
            label = "a uniform vector" if blocks == 0 else f"{name}, {blocks} blocks"
            yield Check(
                f"sqrt(d) * quenched KS ({label}), mean over {len(own)} dimensions: {what[blocks]}",
                "measured",
                mean,
                "at most",
                factors[blocks] * INDEPENDENT,
                low=mean - error,
                high=mean + error,
            )
        elif blocks == 1 and name in ("e1", "two", "plane4"):
            row, scale = own[-1], math.sqrt(own[-1]["d"])
            yield Check(
                f"quenched KS ({name}, 1 block, d={row['d']}): does not vanish",
                "measured",
                row["scaled"] / scale,
                "at least",
                0.25,
                low=(row["scaled"] - radius(row)) / scale,
                high=(row["scaled"] + radius(row)) / scale,
            )


def _reference_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The reference table, within 4 standard errors of both means and the digits printed."""
    table = _references.load("quenched")
    off = {
        f"{row['input']}, {row['blocks']} blocks, d={row['d']}": _standard_errors_off(row, table)
        for row in rows
        if 0 < row["blocks"] <= 3
        and table.get(row["input"], {}).get(str(row["d"]), [None] * 3)[row["blocks"] - 1]
    }
    if off:
        worst = max(off, key=lambda place: off[place])
        yield Check(
            f"reference table, {len(off)} means (largest difference, in standard errors of both: "
            f"{worst})",
            "reference",
            off[worst],
            "at most",
            ERRORS,
        )


def _standard_errors_off(row: Row, table: dict[str, Any]) -> float:
    """How many standard errors a mean is from that of the table, beyond the table's rounding."""
    printed = table[row["input"]][str(row["d"])][row["blocks"] - 1]
    rounding = 0.5 * 10.0 ** -len(printed.partition(".")[2])
    gap = max(0.0, abs(row["scaled"] - float(printed)) - rounding - 1e-9)
    draws = table["draws"][str(row["d"])]
    error = radius(row) / ERRORS * math.sqrt(1 + row["draws"] / draws)
    return gap / error if error else math.inf * gap if gap else 0.0


EXPERIMENT = Experiment(
    name="quenched",
    question="How uniform do the coordinates of one rotated vector look?",
    presets={
        "smoke": Preset(Config(log2_d=(10,), inputs=("e1", "random"), draws=16), minutes=0.1),
        "quick": Preset(Config(log2_d=(10, 12, 14), draws=100, values=1 << 19), minutes=0.5),
        "paper": Preset(Config(), minutes=4),
    },
    trials=trials,
    run=run,
    checks=checks,
)
