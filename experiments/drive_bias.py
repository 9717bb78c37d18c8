"""What averaging leaves of one-bit DRIVE when the rotation is k Hadamard blocks.

The mean over clients of xhat = R^T sign(Rx) / |Rx|_1 tends to E xhat, and |E xhat - x|^2 is the
floor below which no number of clients brings the error of a unit vector x. Each row simulates it
with `hadax.discrepancy.drive_bias`: float64, and the sign of what is zero up to 12 decimals is 0.

Inputs: "pair" (.8, .6, 0, ...); "edge" (cos p, sin p, 0, ...) with p = pi/4 - 1/(2 sqrt d), the
worst that is known for two blocks; "golden", the same at p = atan(golden ratio) - pi/4;
"geometric", x_j ~ 2^-j; "random", uniform on the sphere, its own for each row. For the first three
the bias has one direction, v = (-sin p, cos p, 0, ...), since <xhat, x> = 1 and the entries where x
is zero have no bias; `along` is the bias along v.

False alarms: comparisons allow 4 standard errors. Those of floors come from at least 40 batches, in
the paper preset 256, so that fewer than 1e-4 are wrong by chance.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import numpy as np
from numpy.typing import NDArray

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from hadax import discrepancy

Input: TypeAlias = Literal["pair", "edge", "golden", "geometric", "random"]

ERRORS = 4  # standard errors of a band
GOLDEN = (1 + math.sqrt(5)) / 2
# One block sends the largest entry alone: where it exceeds the sum of the others, in every draw.
ONE_BLOCK = {"pair": 0.5625, "geometric": 1 / 3}


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    log2_d: tuple[int, ...] = (6, 8, 10, 12)
    """Logarithms of the dimensions."""
    inputs: tuple[Input, ...] = ("pair", "edge", "golden", "geometric", "random")
    """Vectors that are sent."""
    blocks: tuple[int, ...] = (1, 2, 3, 4)
    """Numbers of blocks."""
    values: int = 1 << 27
    """Numbers that a row draws: it has values / d rotations."""

    def __post_init__(self) -> None:
        check_settings(self, values=1, log2_d=(6, 20), blocks=1)


@dataclass(frozen=True)
class Trial:
    """One floor: of which input, how many blocks, in which dimension."""

    input: Input
    blocks: int
    d: int
    draws: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every dimension, input and number of blocks."""
    for d in (2**m for m in config.log2_d):
        for name in config.inputs:
            for blocks in config.blocks:
                yield Trial(name, blocks, d, max(100, config.values // d))


def run(trial: Trial, key: jax.Array) -> dict[str, float | None]:
    """Simulate one floor, with the error of one xhat in which zeros have the sign 0."""
    key_input, key_draws = jax.random.split(key)
    x = _unit_vector(trial.input, trial.d, key_input)
    found = discrepancy.drive_bias(key_draws, x, blocks=trial.blocks, draws=trial.draws)
    one_direction = trial.input in ("pair", "edge", "golden")
    return {
        "floor": found.floor.value,
        "floor_se": found.floor.standard_error,
        "symmetric_nmse": found.symmetric_nmse.value,
        "symmetric_nmse_se": found.symmetric_nmse.standard_error,
        # <bias, x> = 0 leaves of a bias on two entries only -bias_0 / x_1 along v.
        "along": -float(found.value[0] / x[1]) if one_direction else None,
        "along_se": float(found.standard_error[0] / x[1]) if one_direction else None,
        "radial": abs(float(found.value @ x)),
    }


def _unit_vector(name: Input, d: int, key: jax.Array) -> NDArray[np.float64]:
    """The vector that is sent."""
    if name == "geometric":
        x = 0.5 ** np.arange(d)
    elif name == "random":
        x = np.asarray(jax.random.normal(key, (d,), "float32"), np.float64)
    else:
        angle = {
            "pair": math.atan2(0.6, 0.8),
            "edge": math.pi / 4 - 0.5 / math.sqrt(d),
            "golden": math.atan(GOLDEN) - math.pi / 4,
        }[name]
        x = np.zeros(d)
        x[:2] = math.cos(angle), math.sin(angle)
    return x / np.linalg.norm(x)


def resolved(row: Row) -> bool:
    """Whether a floor stands out of its noise."""
    return row["floor"] > ERRORS * row["floor_se"]


def checks(rows: Sequence[Row]) -> list[Check]:
    """The identity, what one block leaves, how floors fall with d and with blocks, the table."""
    found = {(row["input"], row["blocks"], row["d"]): row for row in rows}
    return [
        Check(
            f"<E xhat - x, x> = 0 in {len(rows)} rows (largest magnitude)",
            "ours, proved",
            max(row["radial"] for row in rows),
            "at most",
            1e-9,
        ),
        *_one_block_checks(rows),
        *_edge_checks(rows),
        *_repair_checks(found),
        *_reference_checks(found),
    ]


def _one_block_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """With one block the mean tends to e_1 / x_1, whatever d is."""
    for row in rows:
        if row["blocks"] == 1 and row["input"] in ONE_BLOCK:
            yield Check(
                f"floor({row['input']}, 1 block, d={row['d']}) = 1/x_1^2 - 1",
                "ours, proved",
                row["floor"],
                "equals",
                ONE_BLOCK[row["input"]],
                tolerance=1e-9,
            )


def _edge_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Two blocks on the edge: a bias of the order d^(-1/2)."""
    edge = sorted(
        (row for row in rows if (row["input"], row["blocks"]) == ("edge", 2)),
        key=lambda row: row["d"],
    )
    for row in edge:
        root = math.sqrt(row["d"])
        radius = ERRORS * row["along_se"] * root
        yield Check(
            f"sqrt(d) bias(edge, 2 blocks, d={row['d']}) <= -0.55: it falls no faster",
            "measured",
            row["along"] * root,
            "at most",
            -0.55,
            low=row["along"] * root - radius,
            high=row["along"] * root + radius,
        )


def _repair_checks(found: dict[tuple[str, int, int], Row]) -> Iterator[Check]:
    """A third block takes most of the worst floor of two away."""
    for (name, blocks, d), row in found.items():
        three = found.get((name, 3, d))
        if (name, blocks) == ("edge", 2) and three is not None:
            yield Check(
                f"floor(edge, d={d}): 3 blocks over 2 blocks",
                "measured",
                three["floor"] / row["floor"],
                "at most",
                0.05,
                low=(three["floor"] - ERRORS * three["floor_se"]) / row["floor"],
                high=(three["floor"] + ERRORS * three["floor_se"]) / row["floor"],
            )


def _reference_checks(found: dict[tuple[str, int, int], Row]) -> Iterator[Check]:
    """Floors and scaled biases have the values of the reference table."""
    table = _references.load("drive_bias")
    for entry in table["biases"]:
        row = found.get((entry["input"], entry["blocks"], entry["d"]))
        if row is None:
            continue
        scale = row["d"] ** entry["power"]
        radius = ERRORS * math.hypot(row["along_se"] * scale, entry["se"]) + entry["digit"]
        yield Check(
            f"d^{entry['power']:g} bias({entry['input']}, {entry['blocks']} blocks, d={row['d']}): "
            "reference table (4 standard errors)",
            "reference",
            row["along"] * scale,
            "equals",
            entry["value"],
            low=row["along"] * scale - radius,
            high=row["along"] * scale + radius,
        )
    for entry in table["floors"]:
        row = found.get((entry["input"], entry["blocks"], entry["d"]))
        if row is None:
            continue
        where = f"floor({entry['input']}, {entry['blocks']} blocks, d={row['d']})"
        radius = ERRORS * row["floor_se"]
        if entry["relation"] == "equals":
            radius += ERRORS * entry["se"] + entry["digit"]
        yield Check(
            f"{where}: reference table (4 standard errors)",
            "reference",
            row["floor"],
            entry["relation"],
            entry["value"],
            low=row["floor"] - radius,
            high=row["floor"] + radius,
        )


EXPERIMENT = Experiment(
    name="drive_bias",
    question="How much of one-bit DRIVE's error does averaging leave, with 1 to 4 Hadamard blocks?",
    presets={
        "smoke": Preset(
            Config(log2_d=(6,), inputs=("pair", "edge", "random"), blocks=(1, 2), values=1 << 18),
            minutes=0.1,
        ),
        "quick": Preset(Config(log2_d=(6, 8, 10), blocks=(1, 2, 3), values=1 << 24), minutes=0.5),
        "paper": Preset(Config(), minutes=8),
    },
    trials=trials,
    run=run,
    checks=checks,
)
