"""A sentence encoder in few bits, by method, setting and kind of rotation, over random keys.

MiniLM's weights were never rounded before, unlike those of the language model of the experiment
quantize: here it shows what rotation does to weights alone. Measured are the cosine of every
sentence's embedding to that of the unquantized encoder, and the rank correlation (Spearman) of the
similarities of all pairs of sentences with theirs. Sentences are of the first half of the news
articles; what methods calibrate on is of the other half.

A setting such as "W4A8 g96" gives the bits of weights and activations, and how many inputs of a
kernel share a scale; without g one scale an output channel. Activations have one scale a token,
which reaches to 0.9 of the largest after a rotation and to all of it without. Every site of the
encoder is rotated: value heads, queries and keys, free of charge, and, online, what linears read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np

from experiments import _encoder_checks
from experiments._contract import Check, Experiment, Preset, Row
from experiments._encoder import (
    agreement,
    calibration_windows,
    evaluation_sentences,
    load_encoder_model,
)
from experiments._methods import (
    FACTORIES,
    METHODS,
    ROTATED,
    Apply,
    Given,
    parsed,
    rotating,
    weights_alone,
    without_rounding,
)
from experiments._settings import SEEDS, check_settings
from hadax.models import Encoder, encoder_sites, sentence_embeddings
from hadax.models.methods import GPTQ, place_quantizers

Rotation: TypeAlias = Literal["one block", "two blocks", "three blocks", "haar"]
Setting: TypeAlias = Literal["W4A16", "W4A8", "W4A4", "W3A16", "W2A16", "W4A16 g96", "W2A16 g96"]
Measure: TypeAlias = Literal["agreement", "invariance"]

_BATCH = 16  # sentences at a time


@dataclass(frozen=True)
class Config:
    """Which methods and rotations, how often drawn, at which settings."""

    seed: int = 0
    """Draw i of a rotation has the key of seed + i."""
    model: str = "minilm"
    """minilm (fetched), or tiny (random weights, made on the fly)."""
    sentences: int = 48
    """Sentences that encoders are judged by."""
    time: int = 48
    """Tokens of a sentence."""
    methods: tuple[Given, ...] = get_args(Given)
    """How encoders are quantized; quarot rotates them before they are rounded."""
    rotations: tuple[Rotation, ...] = get_args(Rotation)
    """Kinds of rotation of the two quarot."""
    settings: tuple[Setting, ...] = get_args(Setting)
    """Bits of weights and activations; after g the inputs that share a scale."""
    draws: int = 10
    """Rotations drawn of each kind, rounded to nearest."""
    solved_settings: tuple[Setting, ...] = ("W4A16", "W4A4", "W2A16")
    """Those among the settings at which rotated encoders are rounded by GPTQ."""
    solved_draws: int = 2
    """Rotations drawn of each kind, rounded by GPTQ."""
    calibration_windows: int = 64
    """Sentences of other articles that methods see."""
    calibration_time: int = 32
    """Tokens of such a sentence."""

    def __post_init__(self) -> None:
        check_settings(
            self,
            sentences=3,
            time=3,
            draws=1,
            solved_draws=1,
            calibration_windows=1,
            calibration_time=2,
        )
        if self.seed + max(self.draws, self.solved_draws) > SEEDS:
            raise ValueError(f"--seed must leave room for --draws, but is {self.seed}")


@dataclass(frozen=True)
class Trial:
    """One encoder by one method, and what is measured of it."""

    measure: Measure
    model: str
    sentences: int
    time: int
    method: Given
    rotation: Rotation | Literal["none"]
    setting: str
    draw: int = 0
    calibration_windows: int = 0
    calibration_time: int = 0


def trials(config: Config) -> Iterator[Trial]:
    """List every method: unrounded, and at its settings; of those that rotate, draw by draw."""
    base = (config.model, config.sentences, config.time)
    for method in config.methods:
        seen = (config.calibration_windows, config.calibration_time)
        seen = (0, 0) if method in ("rtn", "quarot rtn") else seen
        settings, draws = config.settings, config.draws
        if method == "quarot":
            settings, draws = config.solved_settings, config.solved_draws
        is_rotated = method in ROTATED
        for i in range(draws if is_rotated else 1):
            draw = config.seed + i
            for rotation in config.rotations if is_rotated else ("none",):
                if i == 0:
                    yield Trial("invariance", *base, method, rotation, "W16A16", draw, *seen)
                for setting in sorted(settings, key=weights_alone):
                    yield Trial("agreement", *base, method, rotation, setting, draw, *seen)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Measure one encoder; it is drawn by `trial.draw`, not by the key."""
    del key
    judged = (trial.model, trial.sentences, trial.time)
    wanted = _reference(*judged)
    model = load_encoder_model(trial.model)
    sites = encoder_sites(model.config)
    seen = (trial.calibration_windows, trial.calibration_time)
    if trial.measure == "invariance":
        tokens, draw = _calibration(trial.model, *seen), jax.random.key(trial.draw)
        apply = _applied(trial.method, trial.rotation)
        same = without_rounding(apply, model, sites, tokens, draw)
        return {"difference": float(jnp.max(jnp.abs(_embeddings(same, *judged) - wanted)))}
    made = (trial.model, trial.method, trial.rotation, weights_alone(trial.setting), trial.draw)
    chosen = parsed(trial.setting, is_rotated=trial.method in ROTATED)
    placed = place_quantizers(_rounded(*made, *seen), sites, chosen)
    found = agreement(_embeddings(placed, *judged), wanted)
    cosines = np.asarray(found["cosines"])
    return {
        "cosine": round(float(cosines.mean()), 6),
        "rank_correlation": round(found["rank_correlation"], 6),
        "cosines": cosines.round(5).tolist(),
    }


def _applied(method: Given, rotation: Rotation | Literal["none"]) -> Apply:
    """The method of a name, with the rotations of a kind if it rotates."""
    if rotation == "none":
        return METHODS[method]
    return rotating(FACTORIES[rotation], GPTQ() if method == "quarot" else None)


@lru_cache(maxsize=1)
def _rounded(
    name: str,
    method: Given,
    rotation: Rotation | Literal["none"],
    setting: str,
    draw: int,
    windows: int,
    time: int,
) -> Encoder:
    """What settings share that round weights alike."""
    model, tokens = load_encoder_model(name), _calibration(name, windows, time)
    chosen, key = parsed(setting, is_rotated=method in ROTATED), jax.random.key(draw)
    apply = _applied(method, rotation)
    return apply(model, encoder_sites(model.config), tokens, key, chosen).model


def _calibration(name: str, windows: int, time: int) -> jax.Array:
    """What methods calibrate on, or nothing for those that do not."""
    return calibration_windows(name, windows, time) if windows else jnp.zeros((0, 2), "int32")


@cache
def _reference(model: str, count: int, time: int) -> jax.Array:
    """What the encoder itself makes of the sentences."""
    return _embeddings(load_encoder_model(model), model, count, time)


def _embeddings(model: Encoder, name: str, count: int, time: int) -> jax.Array:
    """What an encoder makes of the sentences of an encoder's name."""
    sentences = evaluation_sentences(name, count, time)
    return _embed(model, sentences.tokens, sentences.mask)


_embed = jax.jit(partial(sentence_embeddings, batch=_BATCH))


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with the encoder itself, with no rotation, and with rounding to nearest."""
    return _encoder_checks.checks(rows)


EXPERIMENT = Experiment(
    name="quantize_encoder",
    question="What do rotations and methods do for an encoder whose weights were never rounded?",
    presets={
        "smoke": Preset(
            Config(
                model="tiny",
                sentences=4,
                time=8,
                methods=("rtn", "quarot rtn"),
                rotations=("two blocks",),
                settings=("W4A4",),
                draws=1,
                calibration_windows=8,
                calibration_time=8,
            ),
            minutes=0.1,
        ),
        "quick": Preset(
            Config(
                sentences=24,
                methods=("rtn", "smoothquant", "quarot rtn"),
                rotations=("one block", "two blocks"),
                settings=("W4A16", "W4A4"),
                draws=2,
            ),
            minutes=1,
        ),
        "paper": Preset(Config(), minutes=10),
    },
    trials=trials,
    run=run,
    checks=checks,
)
