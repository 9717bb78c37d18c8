"""What one, two and three blocks get right and wrong: a table of laws, and failures that stay.

Two kinds of rows, from pairs of independent rotations y, y' of x in float32:

* "table": in one dimension, for each number of blocks (0 stands for uniform vectors): distances of
  a coordinate, of the direction of a Hadamard row, of the overlap <y, y'> and of the largest
  coordinate from their uniform laws; the mean distance of the coordinates of one draw; the mean
  largest coordinate; and the error 1 - |y|_1^2 / d of the best 1-bit code sign(y) with one scale;
* "failure": over the dimensions, what two blocks leave wrong.

Simulated distances have bands of Dvoretzky, Kiefer and Wolfowitz (99 %, 1 % false alarms a row),
means 4 standard errors (1 in 16,000). Checks over several rows have 1 % for all of them together.
"""

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

import hadax
from experiments._contract import Experiment, Preset
from experiments._inputs import Input, integer_vector, unit_vector
from experiments._sampling import sample
from experiments._separation_checks import CONFIDENCE, checks
from experiments._settings import check_settings
from hadax import discrepancy

Kind: TypeAlias = Literal["table", "failure"]

COLUMNS = {
    "coordinate": "$d_K$ coordinate",
    "direction": "$d_K$ row of $H$",
    "overlap": "$d_K$ overlap",
    "largest_distance": r"$d_K$ of $|y|_\infty$",
    "quenched": "$d_K$ in one draw",
    "one_bit": "1-bit error",
}
"""The columns of the table, with their names in a figure."""
_ROW = 5  # of H
_LATTICE = ("e1", "two", "plane4", "ind8", "flat")


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    inputs: tuple[Input, ...] = ("e1", "two", "plane4", "ind8", "power", "flat", "random")
    """What is rotated."""
    blocks: tuple[int, ...] = (1, 2, 3)
    """Numbers of blocks of the table."""
    log2_d: int = 8
    """Logarithm of the dimension of the table."""
    samples: int = 100_000
    """Pairs of rotations of a row of the table."""
    quenched_samples: int = 2_000
    """Rotations whose own coordinates are compared, a row."""
    failure_log2_d: tuple[int, ...] = (6, 7, 8, 9, 10, 11, 12)
    """Logarithms of the dimensions of the failures."""
    failure_inputs: tuple[Input, ...] = ("e1", "two", "plane4", "flat", "random")
    """What is rotated there."""
    failure_samples: int = 20_000
    """Pairs of rotations of a row of failures."""

    def __post_init__(self) -> None:
        check_settings(
            self,
            samples=2,
            quenched_samples=2,
            failure_samples=2,
            log2_d=(8, 16),
            failure_log2_d=(4, 16),
            blocks=1,
        )


@dataclass(frozen=True)
class Trial:
    """The laws of one input after so many blocks."""

    kind: Kind
    input: Input
    blocks: int
    d: int
    samples: int
    quenched_samples: int


def trials(config: Config) -> Iterator[Trial]:
    """List the table, and two blocks over the dimensions."""
    d, draws = 2**config.log2_d, (config.samples, config.quenched_samples)
    yield Trial("table", "random", 0, d, *draws)
    for name in config.inputs:
        for blocks in config.blocks:
            yield Trial("table", name, blocks, d, *draws)
    for d in (2**m for m in config.failure_log2_d):
        for name in config.failure_inputs:
            yield Trial("failure", name, 2, d, config.failure_samples, 50)


def run(trial: Trial, key: jax.Array) -> dict[str, float | None]:
    """Simulate one row, and add what is known exactly."""
    key_input, key_pairs, key_quenched = jax.random.split(key, 3)
    d, samples = trial.d, trial.samples
    x = unit_vector(trial.input, d, key_input)
    pairs = functools.partial(_statistics, x, trial.blocks)
    drawn = sample(pairs, key_pairs, samples, size=3 * d)
    drawn = {name: values.astype(np.float64) for name, values in drawn.items()}
    single = functools.partial(_quenched, x, trial.blocks)
    drawn["quenched"] = sample(single, key_quenched, trial.quenched_samples, size=d)
    radius = discrepancy.dkw_radius(samples, confidence=CONFIDENCE)
    two_sample = discrepancy.ks_two_band(
        drawn["largest"], drawn["uniform_largest"], confidence=CONFIDENCE
    )
    return {
        **{
            name: discrepancy.ks_band(drawn[name], d).value
            for name in ("coordinate", "direction", "overlap")
        },
        "radius": radius,
        "largest_distance": two_sample.value,
        "largest_radius": 2 * discrepancy.dkw_radius(samples, confidence=(1 + CONFIDENCE) / 2),
        **_means({name: drawn[name] for name in ("quenched", "largest", "one_bit")}),
        "pairs": float(jnp.max(discrepancy.pair_dependence(x)[1:])),
        **_exact(trial),
    }


def _means(drawn: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Means and their standard errors."""
    result = {}
    for name, values in drawn.items():
        result[name] = float(values.mean())
        result[f"{name}_se"] = float(values.std(ddof=1)) / math.sqrt(values.size)
    return result


def _exact(trial: Trial) -> dict[str, float | None]:
    """Distances that are known: of a coordinate up to two blocks, of a row up to three."""
    coordinate = direction = None
    if trial.input in _LATTICE:
        x = integer_vector(trial.input, trial.d)
        most = 1 if trial.input == "flat" else 2  # the flat vector has too many signs to enumerate
        if 1 <= trial.blocks <= most:
            coordinate = discrepancy.kolmogorov_exact(x, blocks=trial.blocks)
        if 1 <= trial.blocks <= most + 1:
            direction = discrepancy.max_sliced(x, blocks=trial.blocks)
    return {"exact_coordinate": coordinate, "exact_direction": direction}


@functools.partial(jax.jit, static_argnums=1)
def _statistics(x: jax.Array, blocks: int, keys: jax.Array) -> dict[str, jax.Array]:
    """For each key, of two independent rotations and a uniform vector, scaled to variance 1."""
    scale = math.sqrt(x.size)

    def one(key: jax.Array) -> dict[str, jax.Array]:
        key_a, key_b, key_u = jax.random.split(key, 3)
        y, other = (_rotated(part, x, blocks) for part in (key_a, key_b))
        return {
            "coordinate": scale * y[3],
            "direction": scale * hadax.fwht(y)[_ROW],
            "overlap": scale * jnp.sum(y * other),
            "largest": scale * jnp.max(jnp.abs(y)),
            "uniform_largest": scale * jnp.max(jnp.abs(_rotated(key_u, x, 0))),
            "one_bit": 1 - jnp.square(jnp.sum(jnp.abs(y))) / x.size,
        }

    return jax.vmap(one)(keys)


@functools.partial(jax.jit, static_argnums=1)
def _quenched(x: jax.Array, blocks: int, keys: jax.Array) -> jax.Array:
    """Distance of the coordinates of one rotation, for each key."""
    return discrepancy.quenched_ks(jax.vmap(lambda key: _rotated(key, x, blocks))(keys))


def _rotated(key: jax.Array, x: jax.Array, blocks: int) -> jax.Array:
    """The rotated x, or a uniform vector for 0 blocks."""
    if blocks > 0:
        return hadax.randomized_hadamard(key, x.size, blocks)(x)
    u = jax.random.normal(key, x.shape, x.dtype)
    return u / jnp.linalg.norm(u)


EXPERIMENT = Experiment(
    name="separation",
    question="What do one, two and three blocks get right and wrong, and what does not vanish?",
    presets={
        "smoke": Preset(
            Config(
                inputs=("e1", "two"),
                blocks=(2,),
                samples=2_000,
                quenched_samples=50,
                failure_log2_d=(8,),
                failure_inputs=("two",),
                failure_samples=2_000,
            ),
            minutes=0.1,
        ),
        "quick": Preset(
            Config(
                samples=10_000,
                quenched_samples=200,
                failure_log2_d=(6, 8, 10),
                failure_inputs=("e1", "two", "plane4", "flat"),
                failure_samples=4_000,
            ),
            minutes=0.6,
        ),
        "paper": Preset(Config(), minutes=4),
    },
    trials=trials,
    run=run,
    checks=checks,
)
