"""Perplexity of a language model by quantization method and setting.

Every method is calibrated on text that follows the one it is judged by. A setting such as
"W4A4KV4 g96" gives the bits of weights, activations, keys and values, and how many inputs of a
kernel share a scale; without g one scale an output channel. Activations have one scale a token,
which reaches to 0.9 of the largest after a rotation and to all of it without.

The shipped weights of SmolLM2 are already rounded to 4 bits in groups of 32. Rotating them leaves
that grid, so settings that round weights alone, to nearest, get worse by it, not better.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import jax
import numpy as np

from experiments import _quantize_checks
from experiments._contract import Check, Experiment, Preset, Row
from experiments._effort import Calibration, Effort
from experiments._language import judged_tokens, load_corpus, load_model, logit_difference
from experiments._methods import LEARNED, ROTATED, Method, weights_alone
from experiments._settings import SEEDS, check_settings
from experiments._systems import (
    predicted,
    quantized,
    unrounded,
)

Setting: TypeAlias = Literal[
    "W4A16", "W4A8", "W4A4", "W4A4KV4", "W3A16", "W2A16", "W4A16 g96", "W3A16 g96", "W2A16 g96"
]  # fmt: skip
Measure: TypeAlias = Literal["perplexity", "invariance"]


@dataclass(frozen=True)
class Config(Effort):
    """Which model and text, which methods, at which settings."""

    seed: int = 0
    """Draw i of a method that rotates has the key of seed + i."""
    model: str = "smollm2"
    """smollm2 (fetched), tiny (random weights), or a Llama's GGUF file or Hugging Face folder."""
    text: str = "lee"
    """lee (fetched), or a UTF-8 text file; its first part judges, what follows calibrates."""
    time: int = 512
    """Tokens of a window."""
    windows: int = 8
    """Windows that models are judged by."""
    methods: tuple[Method, ...] = get_args(Method)
    """How models are quantized."""
    settings: tuple[Setting, ...] = get_args(Setting)
    """Bits of weights, activations, keys and values; after g the inputs that share a scale."""
    learned_settings: tuple[Setting, ...] = ("W4A4", "W4A4KV4")
    """Those among them that methods which learn are run at."""
    draws: int = 1
    """Keys of methods that rotate."""

    def __post_init__(self) -> None:
        self.check()
        check_settings(self, draws=1)
        if self.seed + self.draws > SEEDS:
            raise ValueError(f"--seed must leave room for --draws, but is {self.seed}")


@dataclass(frozen=True)
class Trial:
    """One model by one method, and what is measured of it."""

    measure: Measure
    model: str
    text: str
    time: int
    windows: int
    method: Method | Literal["none"]
    setting: str
    draw: int = 0
    calibration_windows: int = 0
    calibration_time: int = 0
    steps: int = 0
    batch: int = 0
    rate: float = 0.0


def trials(config: Config) -> Iterator[Trial]:
    """List the unquantized model, then every method: unrounded, and at its settings."""
    base = (config.model, config.text, config.time, config.windows)
    yield Trial("perplexity", *base, "none", "W16A16")
    for method in config.methods:
        seen = config.of(method).fields()
        settings = [
            setting
            for setting in sorted(config.settings, key=weights_alone)
            if method not in LEARNED or setting in config.learned_settings
        ]
        for i in range(config.draws if method in ROTATED else 1):
            if i == 0:
                yield Trial("invariance", *base, method, "W16A16", config.seed, **seen)
            for setting in settings:
                yield Trial("perplexity", *base, method, setting, config.seed + i, **seen)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Measure one model; it is drawn by `trial.draw`, not by the key."""
    del key
    model = load_model(trial.model)
    tokens = judged_tokens(load_corpus(trial.model, trial.text), trial.windows, trial.time)
    if trial.method == "none":
        return predicted(model, tokens)
    seen = Calibration.of(trial)
    if trial.measure == "invariance":
        same = unrounded(trial.model, trial.text, trial.method, trial.draw, seen)
        return {"logit_difference": logit_difference(same, model, tokens)}
    found = quantized(trial.model, trial.text, trial.method, trial.setting, trial.draw, seen)
    errors = {path: float(np.mean(e)) for path, e in found.report.kernel_errors.items()}
    return {
        **predicted(found.model, tokens),
        "bits_per_weight": round(found.report.bits_per_weight, 4),
        "kernel_error": {path: round(error, 5) for path, error in errors.items()},
        "learned": np.asarray(found.report.losses, np.float64).round(5).tolist(),
    }


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with the reference values, with the papers' order, and with the model itself."""
    return list(_quantize_checks.checks(rows))


EXPERIMENT = Experiment(
    name="quantize",
    question="Which method quantizes a language model best, at which setting?",
    presets={
        "smoke": Preset(
            Config(
                model="tiny",
                time=16,
                windows=2,
                settings=("W4A4KV4",),
                methods=("rtn", "quarot rtn"),
            ),
            minutes=0.3,
        ),
        "quick": Preset(
            Config(
                windows=4,
                time=256,
                methods=("rtn", "quarot rtn"),
                settings=("W4A16", "W4A4"),
            ),
            minutes=2,
        ),
        "paper": Preset(Config(), minutes=60),
    },
    trials=trials,
    run=run,
    checks=checks,
)
