"""Perplexity of a language model in few bits by the kind of rotation, over random keys.

Kernels are rounded to nearest with the best clip, activations reach to 0.9 of each token's largest,
and every site of the model is rotated: the residual stream, value heads, hidden vectors, heads
among one another, queries and keys. "klt" rotates the stream and the hidden vectors alone, to the
principal axes of what linears read, with no key. "learned" is SpinQuant, which starts from one
block with the same key. Without a rotation activations reach to all of each
token's largest, or, "none clipped", to 0.9 of it as well.

The shipped weights of SmolLM2 are already rounded to 4 bits in groups of 32. Rotating them leaves
that grid, so settings that round weights alone, to nearest, get worse by it, not better.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import jax
import numpy as np
from scipy import stats

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Relation, Row
from experiments._effort import Calibration
from experiments._language import judged_tokens, load_corpus, load_model, logit_difference
from experiments._methods import weights_alone
from experiments._quantize_checks import has_references, reach_of_one
from experiments._settings import SEEDS, check_settings
from experiments._systems import (
    Drawn,
    Rotation,
    predicted,
    rotated,
    rotated_and_rounded,
)

Setting: TypeAlias = Literal[
    "W4A16", "W4A8", "W4A4", "W4A4KV4", "W3A16", "W2A16",
    "W4A16 g96", "W4A8 g96", "W4A4 g96", "W4A4KV4 g96", "W3A16 g96", "W2A16 g96",
]  # fmt: skip
Measure: TypeAlias = Literal["perplexity", "invariance"]

_MEASURED: tuple[Setting, ...] = (
    *("W4A16", "W4A8", "W4A4", "W4A4KV4", "W3A16", "W2A16"),
    *("W4A16 g96", "W4A8 g96", "W4A4 g96", "W4A4KV4 g96"),
)

_ONE_DRAW = ("none", "none clipped", "klt")
_CONFIDENCE = 0.99


@dataclass(frozen=True)
class Config:
    """Which rotations, how often drawn, at which settings."""

    seed: int = 0
    """Draw i of a rotation has the key of seed + i."""
    model: str = "smollm2"
    """smollm2 (fetched), tiny (random weights), or a Llama's GGUF file or Hugging Face folder."""
    text: str = "lee"
    """lee (fetched), or a UTF-8 text file; its first part judges, what follows calibrates."""
    time: int = 512
    """Tokens of a window."""
    windows: int = 8
    """Windows that models are judged by."""
    rotations: tuple[Rotation, ...] = get_args(Rotation)
    """Kinds of rotation."""
    settings: tuple[Setting, ...] = get_args(Setting)
    """Bits of weights, activations, keys and values; after g the inputs that share a scale."""
    draws: int = 10
    """Rotations drawn of each kind."""
    learned_draws: int = 3
    """Those among them that are learned on."""
    learned_settings: tuple[Setting, ...] = ("W4A4", "W4A4KV4")
    """Settings at which rotations are learned."""
    calibration_windows: int = 64
    """Windows to learn on and to find principal axes, after the part that models are judged by."""
    calibration_time: int = 256
    """Tokens of a calibration window."""
    steps: int = 60
    """Steps of learning."""
    batch: int = 2
    """Windows a step."""
    rate: float = 0.3
    """The longest step."""

    def __post_init__(self) -> None:
        counts = ("windows", "draws", "learned_draws", "calibration_windows", "steps", "batch")
        check_settings(self, time=2, calibration_time=2, **dict.fromkeys(counts, 1))
        if self.seed + self.draws > SEEDS:
            raise ValueError(f"--seed must leave room for --draws, but is {self.seed}")


@dataclass(frozen=True)
class Trial:
    """One model in other coordinates, at one setting."""

    measure: Measure
    model: str
    text: str
    time: int
    windows: int
    rotation: Rotation
    setting: str
    draw: int
    calibration_windows: int = 0
    calibration_time: int = 0
    steps: int = 0
    batch: int = 0
    rate: float = 0.0


def trials(config: Config) -> Iterator[Trial]:
    """List the unquantized model, then every draw of every rotation at settings that round weights
    alike, so that a run that is broken off has whole columns of the table; learned ones last."""
    yield _trial(config, "perplexity", "none", "W16A16")
    learned: list[Rotation] = ["learned"] if "learned" in config.rotations else []
    given: list[Rotation] = [kind for kind in config.rotations if kind not in learned]
    yield from _moved(config, given)
    for weights in dict.fromkeys(map(weights_alone, config.settings)):
        alike: list[Setting] = [
            setting for setting in config.settings if weights_alone(setting) == weights
        ]
        yield from _drawn(config, given, alike)
    yield from _drawn(config, learned, config.settings)
    yield from _moved(config, learned)


def _moved(config: Config, rotations: Sequence[Rotation]) -> Iterator[Trial]:
    """The model in other coordinates, not rounded."""
    for rotation in rotations:
        if not rotation.startswith("none"):
            yield _trial(config, "invariance", rotation, "W16A16")


def _drawn(
    config: Config, rotations: Sequence[Rotation], settings: Sequence[Setting]
) -> Iterator[Trial]:
    """Draw by draw, kinds of rotation at those of some settings that they are tried at."""
    most = {"learned": config.learned_draws} | dict.fromkeys(_ONE_DRAW, 1)
    for i in range(config.draws):
        for rotation in rotations:
            if i >= most.get(rotation, config.draws):
                continue
            for setting in settings:
                if _is_tried(config, rotation, setting):
                    yield _trial(config, "perplexity", rotation, setting, i)


def _trial(
    config: Config, measure: Measure, rotation: Rotation, setting: str, draw: int = 0
) -> Trial:
    """One of them, with what is looked at for its rotation."""
    shown = (config.model, config.text, config.time, config.windows)
    seen = _seen(config, rotation).fields()
    return Trial(measure, *shown, rotation, setting, config.seed + draw, **seen)


def _seen(config: Config, rotation: Rotation) -> Calibration:
    """What is looked at for a rotation."""
    if rotation == "learned":
        learning = (config.steps, config.batch, config.rate)
        return Calibration(config.calibration_windows, config.calibration_time, *learning)
    if rotation == "klt":
        return Calibration(config.calibration_windows, config.calibration_time)
    return Calibration()


def _is_tried(config: Config, rotation: Rotation, setting: Setting) -> bool:
    """Whether a rotation is tried at a setting."""
    if rotation == "learned":
        return setting in config.learned_settings
    return rotation != "none clipped" or "A16" not in setting


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Measure one model; it is drawn by `trial.draw`, not by the key."""
    del key
    tokens = judged_tokens(load_corpus(trial.model, trial.text), trial.windows, trial.time)
    seen = Calibration.of(trial)
    made = (trial.model, trial.text, trial.rotation)
    if trial.measure == "invariance":
        same = rotated(*made, trial.draw, seen)
        return {"logit_difference": logit_difference(same, load_model(trial.model), tokens)}
    if trial.setting == "W16A16":
        return predicted(load_model(trial.model), tokens)
    return predicted(rotated_and_rounded(*made, trial.setting, trial.draw, seen), tokens)


def perplexities(rows: Sequence[Row], rotation: str, setting: str) -> list[float]:
    """Return the perplexity of every draw of a rotation at a setting."""
    wanted = ("perplexity", rotation, setting)
    return [
        row["perplexity"]
        for row in rows
        if (row["measure"], row["rotation"], row["setting"]) == wanted
    ]


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with the model itself, with reference values, and with no rotation."""
    found = list(_invariance(rows))
    first = rows[0]
    if first["model"] == "tiny":  # random weights have nothing to lose
        return found
    if has_references(first):
        found += _agreement(rows)
    return [*found, *_benefit(rows), *_best(rows)]


def _invariance(rows: Sequence[Row]) -> Iterator[Check]:
    """Models in other coordinates have the logits of the model."""
    for row in rows:
        if row["measure"] == "invariance":
            statement = f"largest difference of logits by rotation: {row['rotation']}"
            yield Check(statement, "ours, proved", row["logit_difference"], "at most", 2e-3)


def _agreement(rows: Sequence[Row]) -> Iterator[Check]:
    """What another program found with one key is within the spread over keys."""
    reference = _references.load("quantize")
    for rotation in ("one block", "two blocks"):
        for setting, value in reference[rotation].items():
            drawn = np.log(perplexities(rows, rotation, setting))
            if len(drawn) < 3:
                continue
            yield Check(
                f"log-perplexity at {setting}, {rotation}: mean of {len(drawn)} keys, against one "
                "of another program",
                "reference",
                float(np.mean(drawn)),
                "equals",
                float(np.log(value)),
                tolerance=reach_of_one(drawn),
            )


def _benefit(rows: Sequence[Row]) -> Iterator[Check]:
    """Rotation mends activations; of weights that are on a 4-bit grid it takes them off it."""
    claims: dict[str, tuple[Relation, float, str]] = {
        "W4A4": ("at most", 0.1, "a tenth of none"),
        "W4A4KV4": ("at most", 0.1, "a tenth of none"),
        "W4A4 g96": ("at most", 0.1, "a tenth of none"),
        "W4A4KV4 g96": ("at most", 0.1, "a tenth of none"),
        "W4A16 g96": ("at least", 1.0, "none"),
    }
    for setting, (relation, share, words) in claims.items():
        kinds = ("none", "none clipped")
        unrotated = [value for kind in kinds for value in perplexities(rows, kind, setting)]
        for plain in [min(unrotated)] if unrotated else []:
            for rotation in (*get_args(Drawn), "klt", "learned"):
                drawn = perplexities(rows, rotation, setting)
                if not drawn:
                    continue
                yield Check(
                    f"perplexity at {setting}, {rotation} (median of {len(drawn)}, band: all), "
                    f"against {words}",
                    "measured",
                    float(np.median(drawn)),
                    relation,
                    share * plain,
                    low=min(drawn),
                    high=max(drawn),
                )


def _best(rows: Sequence[Row]) -> Iterator[Check]:
    """One block is the best of those that are drawn, by keys, where activations are rounded."""
    pairs = [
        (setting, rotation, perplexities(rows, "one block", setting), other)
        for setting in ("W4A4", "W4A4KV4", "W4A4 g96", "W4A4KV4 g96")
        for rotation in (*get_args(Drawn)[1:], "learned")
        if (other := perplexities(rows, rotation, setting))
    ]
    for setting, rotation, best, other in pairs:
        shared = min(len(best), len(other))
        if shared < 2:
            continue
        gaps = np.log(best[:shared]) - np.log(other[:shared])
        mean = float(gaps.mean())
        quantile = stats.t.ppf(1 - (1 - _CONFIDENCE) / (2 * len(pairs)), shared - 1)
        reach = float(quantile * stats.sem(gaps))
        yield Check(
            f"log-perplexity at {setting}, one block over {rotation} ({shared} keys)",
            "measured",
            mean,
            "at most",
            0.0,
            low=mean - reach,
            high=mean + reach,
        )


EXPERIMENT = Experiment(
    name="quantize_rotations",
    question="Which rotation is best for a language model in few bits?",
    presets={
        "smoke": Preset(
            Config(
                model="tiny",
                time=16,
                windows=2,
                rotations=("none", "two blocks permuted", "klt", "learned"),
                settings=("W4A4KV4",),
                draws=1,
                calibration_windows=8,
                calibration_time=16,
                steps=2,
            ),
            minutes=0.3,
        ),
        "quick": Preset(
            Config(
                windows=4,
                time=256,
                rotations=("none", "one block", "two blocks"),
                settings=("W4A4",),
                draws=2,
            ),
            minutes=2,
        ),
        # Left out, two hours more: weights of 2 and 3 bits in groups, more keys to learn from.
        "paper": Preset(Config(settings=_MEASURED, learned_draws=1), minutes=225),
    },
    trials=trials,
    run=run,
    checks=checks,
)
