"""Rounding one coordinate of a rotated vector to the best levels for the normal law: what it costs.

Two methods, each with rows of its own:

* "exact": the mean squared error of a coordinate, from its law (`lloyd_max_distortion`): for a
  uniform vector, and for three 0-1 vectors after two blocks; also with the levels rescaled by the
  factor that is best for the law;
* "eden": messages of `hadax.compression.eden` after two blocks, with the error of both scales. The
  input "uniform" is drawn anew for every message: so is its rotation, whatever the rotation is,
  which makes it the row of a uniform (Haar) rotation. "random" is one such vector for all messages
  of a row. Float32: the round-off of an error is below 1e-6 of it.

A message has a factor of its own, so its least error is at most the rescaled one, and can be far
less: given the parity of the last signs all entries of such a vector lie on a lattice of twice the
span. Bands of "eden" rows are 4 standard errors: 6e-5 false alarms a comparison.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._sampling import sample
from experiments._settings import check_settings
from hadax import compression, discrepancy

Input: TypeAlias = Literal["uniform", "e1", "two", "plane4", "random"]
Method: TypeAlias = Literal["exact", "eden"]
Scale: TypeAlias = Literal["unbiased", "mmse"]

NONZEROS = {"e1": 1, "two": 2, "plane4": 4}
BLOCKS = 2
ERRORS = 4  # standard errors of a band


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    log2_d: tuple[int, ...] = (4, 6, 7, 8, 9, 10, 11, 12)
    """Logarithms of the dimensions."""
    bits: tuple[int, ...] = (1, 2, 3, 4)
    """Bits a coordinate."""
    inputs: tuple[Input, ...] = ("uniform", "e1", "two", "plane4", "random")
    """A new uniform vector for each message, 1, 2 and 4 equal entries, one uniform vector."""
    values: int = 1 << 24
    """Numbers that the messages of a row hold."""

    def __post_init__(self) -> None:
        check_settings(self, values=1, log2_d=(2, 16), bits=(1, 8))


@dataclass(frozen=True)
class Trial:
    """One error: of which input, dimension and number of bits, by which method."""

    input: Input
    d: int
    bits: int
    method: Method
    messages: int


def trials(config: Config) -> Iterator[Trial]:
    """List the simulated rows, and the exact row where there is one."""
    for d in (2**m for m in config.log2_d):
        for bits in config.bits:
            for name in config.inputs:
                if name != "random":
                    yield Trial(name, d, bits, "exact", 0)
                yield Trial(name, d, bits, "eden", max(100, config.values // d))


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Compute or simulate one error."""
    d, bits = trial.d, trial.bits
    if trial.method == "exact":
        law: dict[str, Any] = {"d": d}
        if trial.input != "uniform":
            law = {"x": (np.arange(d) < NONZEROS[trial.input]).astype(int), "blocks": BLOCKS}
        error, rescaled = (
            discrepancy.lloyd_max_distortion(bits, rescaled=rescaled, **law)
            for rescaled in (False, True)
        )
        return {"error": error, "error_se": 0.0, "rescaled": rescaled}
    key_input, key_draws = jax.random.split(key)
    fixed = None if trial.input == "uniform" else _vector(trial.input, d, key_input)
    errors = functools.partial(_message_errors, fixed, d, bits)
    least, unbiased = sample(errors, key_draws, trial.messages, size=d)
    return {
        "error": float(least.mean(dtype=np.float64)),
        "error_se": float(least.std(ddof=1, dtype=np.float64)) / math.sqrt(trial.messages),
        "unbiased": float(unbiased.mean(dtype=np.float64)),
        "unbiased_se": float(unbiased.std(ddof=1, dtype=np.float64)) / math.sqrt(trial.messages),
    }


@functools.partial(jax.jit, static_argnums=(1, 2))
def _message_errors(
    fixed: jax.Array | None, d: int, bits: int, keys: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """|xhat - x|^2 / |x|^2 of a message for each key, with the scales "mmse" and "unbiased"."""

    def errors(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        key_input, key_message = jax.random.split(key)
        x = jax.random.normal(key_input, (d,), "float32") if fixed is None else fixed

        def error(scale: Scale) -> jax.Array:
            message = compression.eden(key_message, x, bits=bits, blocks=BLOCKS, scale=scale)
            sent = compression.decompress(key_message, message)
            return jnp.sum(jnp.square(sent - x)) / jnp.sum(jnp.square(x))

        return error("mmse"), error("unbiased")

    return jax.vmap(errors)(keys)


def _vector(name: Input, d: int, key: jax.Array) -> jax.Array:
    """A vector that all messages of a row hold."""
    if name == "random":
        return jax.random.normal(key, (d,), "float32")
    return (jnp.arange(d) < NONZEROS[name]).astype("float32")


def checks(rows: Sequence[Row]) -> list[Check]:
    """The reference table, the least error, the unbiased one, and how both meet in the limit."""
    exact = {_place(row): row for row in rows if row["method"] == "exact"}
    eden = {_place(row): row for row in rows if row["method"] == "eden"}
    return [
        *_reference_checks(exact),
        *_scale_checks(exact, eden),
        *_structure_checks(eden),
        *_closed_form_checks(eden),
    ]


def _place(row: Row) -> tuple[str, int, int]:
    """Return what the row is about, whatever its method."""
    return row["input"], row["d"], row["bits"]


def _reference_checks(exact: dict[tuple[str, int, int], Row]) -> Iterator[Check]:
    """Uniform values to six digits, ratios to those of uniform to the digits printed."""
    table = _references.load("lloyd_max")
    errors = [
        abs(exact["uniform", entry["d"], entry["bits"]]["error"] - entry["error"])
        for entry in table["uniform"]
        if ("uniform", entry["d"], entry["bits"]) in exact
    ]
    if errors:
        yield Check(
            f"uniform: reference table, {len(errors)} rows (largest error)",
            "reference",
            max(errors),
            "at most",
            1e-6,
        )
    for entry in table["ratios"]:
        for name, ratio in entry["ratios"].items():
            places = [(each, entry["d"], entry["bits"]) for each in (name, "uniform")]
            if all(place in exact for place in places):
                yield Check(
                    f"error({name}) / error(uniform), {entry['bits']} bits, d={entry['d']}",
                    "reference",
                    exact[places[0]]["error"] / exact[places[1]]["error"],
                    "equals",
                    ratio,
                    tolerance=0.55 * entry["last_digit"],  # the table was rounded twice
                )
    for (name, d, bits), row in exact.items():
        if name in NONZEROS and (d, bits) == (4096, 4) and ("uniform", d, bits) in exact:
            yield Check(
                f"error({name}) / error(uniform), 4 bits, d=4096",
                "reference",
                row["error"] / exact["uniform", d, bits]["error"],
                "at most",
                table["ratio_at_4096"],
                tolerance=5e-4,  # as printed
            )


def _scale_checks(
    exact: dict[tuple[str, int, int], Row], eden: dict[tuple[str, int, int], Row]
) -> Iterator[Check]:
    """The factor of a message is the best for it: better than the best factor for the law."""
    excess = [
        (row["error"] - exact[place]["rescaled"]) / row["error_se"]
        for place, row in eden.items()
        if place in exact
    ]
    if excess:
        yield Check(
            f"EDEN's least error <= rescaled distortion, {len(excess)} rows (largest excess in "
            "standard errors)",
            "ours, proved",
            max(excess),
            "at most",
            ERRORS,
        )


def _structure_checks(eden: dict[tuple[str, int, int], Row]) -> Iterator[Check]:
    """Random vectors cannot tell two blocks from a uniform rotation, sparse ones hardly at 4096."""
    for (name, d, bits), row in eden.items():
        uniform = eden.get(("uniform", d, bits))
        if uniform is None or not (name == "random" or (name in NONZEROS and d >= 4096)):
            continue
        ratio, radius = _ratio(row, uniform, "unbiased")
        tolerance = 0.01 if name == "random" else 0.02
        yield Check(
            f"EDEN, unbiased: {name} over uniform, {bits} bits, d={d}: 1 to {tolerance:.0%}",
            "measured",
            ratio,
            "equals",
            1.0,
            low=ratio - radius,
            high=ratio + radius,
            tolerance=tolerance,
        )


def ratios(rows: Sequence[Row], name: str, method: Method) -> list[tuple[int, float, float]]:
    """Errors of an input over those of a uniform vector: (d, ratio, half width of its band)."""
    here = {(row["input"], row["d"]): row for row in rows if row["method"] == method}
    found = []
    for (each, d), row in here.items():
        uniform = here.get(("uniform", d))
        if each == name and uniform is not None:
            found.append((d, *_ratio(row, uniform, "error")))
    return found


def _ratio(row: Row, other: Row, column: str) -> tuple[float, float]:
    """Return the ratio of two errors and the half width of its band."""
    ratio = row[column] / other[column]
    relative = [each[f"{column}_se"] / each[column] for each in (row, other)]
    return ratio, ERRORS * ratio * math.hypot(*relative)


def _closed_form_checks(eden: dict[tuple[str, int, int], Row]) -> Iterator[Check]:
    """A uniform rotation has the closed forms in the limit; the next order is a few over d."""
    for (name, d, bits), row in eden.items():
        if name != "uniform" or d < 1024:
            continue
        scales: tuple[tuple[Scale, str], ...] = (
            ("unbiased", "unbiased"),
            ("mmse", "error"),
        )
        for scale, column in scales:
            limit = compression.expected_nmse(bits, scale=scale)
            radius = ERRORS * row[f"{column}_se"]
            yield Check(
                f"EDEN, {scale}: uniform rotation, {bits} bits, d={d}: {limit:.4f}, 4/d off",
                "reference",
                row[column],
                "equals",
                limit,
                low=row[column] - radius,
                high=row[column] + radius,
                tolerance=4 * limit / d,
            )


EXPERIMENT = Experiment(
    name="lloyd_max",
    question="What does rounding to 1 to 4 bits cost after two blocks, and after a Haar rotation?",
    presets={
        "smoke": Preset(Config(log2_d=(6,), bits=(1, 2), values=1 << 16), minutes=0.1),
        "quick": Preset(Config(log2_d=(6, 8, 10), bits=(1, 2, 4), values=1 << 20), minutes=0.6),
        "paper": Preset(Config(), minutes=4),
    },
    trials=trials,
    run=run,
    checks=checks,
)
