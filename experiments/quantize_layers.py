"""Why rotation helps: statistics and rounding errors of a language model, layer by layer.

"layers" rounds a model to W4A4 and W4A16, as the experiment quantize_rotations does, and looks at
what its linears read, at its kernels and at its blocks: kurtosis, incoherence (max|x| over root
mean square), and relative squared errors. Rounded blocks are fed what those that are not make.
Without a rotation the norms' gains are among what linears read; with one they are in the kernels.

"quality" asks whether a vector is rounded worse by a rotation that is farther from a uniform one:
real activations of three lengths, and vectors that are adversarial for Hadamard rotations. Every
vector has a rotation of its own, so that distances are those of the law over keys. They are at
least about 0.9 over the root of the number of entries, which a uniform rotation has as well.

The shipped weights of SmolLM2 are already rounded to 4 bits in groups of 32: its kernels lose the
grid when they are rotated.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp

from experiments import _layers_checks
from experiments._contract import Check, Experiment, Preset, Row
from experiments._effort import Calibration
from experiments._language import judged_tokens, load_corpus, load_model
from experiments._layers import activations, adversary, by_layer, quality
from experiments._settings import SEEDS, check_settings
from experiments._systems import rotated, rotated_and_rounded

Rotation: TypeAlias = Literal["none", "one block", "two blocks", "three blocks", "haar"]
Measure: TypeAlias = Literal["layers", "quality"]
Place: TypeAlias = Literal["value", "residual", "hidden"]
Vectors: TypeAlias = Literal["activations", "e1", "two", "peaks"]

_UNSEEN = Calibration()


@dataclass(frozen=True)
class Config:
    """Which rotations, how often drawn, on how much text."""

    seed: int = 0
    """Draw i of a rotation has the key of seed + i; single vectors are rotated by keys of it."""
    model: str = "smollm2"
    """smollm2 (fetched), tiny (random weights), or a Llama's GGUF file or Hugging Face folder."""
    text: str = "lee"
    """lee (fetched), or a UTF-8 text file."""
    time: int = 256
    """Tokens of a window."""
    windows: int = 2
    """Windows."""
    rotations: tuple[Rotation, ...] = get_args(Rotation)
    """Kinds of rotation."""
    draws: int = 2
    """Models drawn of each kind."""
    places: tuple[Place, ...] = get_args(Place)
    """Activations: of value heads, of the residual stream, and what W_down reads."""
    tokens: int = 64
    """Tokens in every layer whose activations are rotated one by one."""
    adversaries: tuple[Vectors, ...] = ("e1", "two", "peaks")
    """One entry, two equal ones, or the largest four of an activation with outliers; of value heads
    and of the stream."""
    copies: int = 8192
    """Rotations of each of those."""

    def __post_init__(self) -> None:
        check_settings(self, time=2, windows=1, draws=1, tokens=1, copies=2)
        if "activations" in self.adversaries:
            raise ValueError("--adversaries must not name activations, which are there anyway")
        if self.tokens > self.time * self.windows:
            raise ValueError(f"--tokens must be at most --windows x --time, but is {self.tokens}")
        if self.seed + self.draws > SEEDS:
            raise ValueError(f"--seed must leave room for --draws, but is {self.seed}")


@dataclass(frozen=True)
class Trial:
    """One model layer by layer, or one kind of vectors; `count` of these."""

    measure: Measure
    model: str
    text: str
    time: int
    windows: int
    rotation: Rotation
    draw: int = 0
    place: Place | Literal[""] = ""
    vectors: Vectors | Literal[""] = ""
    count: int = 0


def trials(config: Config) -> Iterator[Trial]:
    """List kinds of vectors, then the models draw by draw."""
    base = (config.model, config.text, config.time, config.windows)
    for place in config.places:
        wanted: dict[Vectors, int] = {"activations": config.tokens}
        if place != "hidden":
            wanted |= dict.fromkeys(config.adversaries, config.copies)
        for vectors, count in wanted.items():
            for rotation in config.rotations:
                if vectors == "activations" or rotation != "none":
                    yield Trial("quality", *base, rotation, 0, place, vectors, count)
    for i in range(config.draws):
        for rotation in config.rotations:
            if i == 0 or rotation != "none":
                yield Trial("layers", *base, rotation, config.seed + i)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Measure one model, drawn by `trial.draw`, or vectors, rotated by the key."""
    if trial.measure == "layers":
        made = (trial.model, trial.text, trial.rotation)
        tokens = _tokens(trial.model, trial.text, trial.time, trial.windows)
        plain = rotated(*made, trial.draw, _UNSEEN)
        at_w4a4, at_w4a16 = (
            rotated_and_rounded(*made, setting, trial.draw, _UNSEEN)
            for setting in ("W4A4", "W4A16")
        )
        return by_layer(plain, at_w4a4, at_w4a16, tokens)
    found = _found(trial.model, trial.text, trial.time, trial.windows)[trial.place]
    if trial.vectors == "activations":
        tokens = trial.time * trial.windows
        whole = found.reshape(len(found), tokens, -1)  # value heads are several a token
        chosen = whole[:, jnp.arange(trial.count) * tokens // trial.count]
        layers = chosen.reshape(len(found), -1, found.shape[2])
    else:
        x = adversary(trial.vectors, found)
        layers = jnp.broadcast_to(x, (1, trial.count, len(x)))
    rows = [
        quality(jax.random.fold_in(key, i), vectors, trial.rotation)
        for i, vectors in enumerate(layers)
    ]
    return {"width": found.shape[2], **{name: [row[name] for row in rows] for name in rows[0]}}


def _tokens(model: str, text: str, time: int, windows: int) -> jax.Array:
    """The text."""
    return judged_tokens(load_corpus(model, text), windows, time)


@cache
def _found(model: str, text: str, time: int, windows: int) -> dict[str, jax.Array]:
    """The activations of the model as it is."""
    return activations(load_model(model), _tokens(model, text, time, windows))


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with no rotation, and with a uniform one."""
    return list(_layers_checks.checks(rows))


EXPERIMENT = Experiment(
    name="quantize_layers",
    question="What do rotations do to what is rounded, and is farther from uniform worse?",
    presets={
        "smoke": Preset(
            Config(
                model="tiny",
                time=8,
                windows=2,
                rotations=("none", "one block", "haar"),
                draws=1,
                places=("value", "residual"),
                tokens=4,
                adversaries=("e1",),
                copies=16,
            ),
            minutes=0.1,
        ),
        "quick": Preset(
            Config(
                time=128,
                windows=1,
                rotations=("none", "one block"),
                draws=1,
                tokens=16,
                copies=1024,
            ),
            minutes=1,
        ),
        "paper": Preset(Config(), minutes=8),
    },
    trials=trials,
    run=run,
    checks=checks,
)
