"""Where the loss of rounding comes from: activations, kernels, and how finely clips are searched.

"parts" rounds activations and leaves kernels as they are. What that loses is left by kernels that
come near to these, as those by GPTQ do: the rest is what they can close of the loss of rounding
both to nearest.

"search" rounds kernels alone, to nearest, each clipped where the error to the power 2.4 is least
among `clips` shares of the range, evenly spaced from 1 down to `least`. Such grids differ in
nothing that a description of the method would mention.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

from experiments import _sources_checks
from experiments._contract import Check, Experiment, Preset, Row
from experiments._effort import Calibration
from experiments._language import judged_tokens, load_corpus, load_model
from experiments._methods import BY_GPTQ, ROTATED, Given, parsed
from experiments._settings import SEEDS, check_settings
from experiments._systems import predicted, quantized
from hadax.models import map_kernels
from hadax.quantization import best_clip, simulate

Measure: TypeAlias = Literal["parts", "search"]
Nearest: TypeAlias = Literal["rtn", "quarot rtn"]
Kernels: TypeAlias = Literal["W4A16", "W3A16", "W4A16 g96"]


@dataclass(frozen=True)
class Config:
    """Which model and text; which methods at which activations; which grids of clips."""

    seed: int = 0
    """Key of the rotation."""
    model: str = "smollm2"
    """smollm2 (fetched), tiny (random weights), or a Llama's GGUF file or Hugging Face folder."""
    text: str = "lee"
    """lee (fetched), or a UTF-8 text file; its first part judges, what follows calibrates."""
    time: int = 512
    """Tokens of a window."""
    windows: int = 8
    """Windows that models are judged by."""
    methods: tuple[Nearest, ...] = ("rtn", "quarot rtn")
    """Those that round to nearest; each beside one that takes GPTQ in its place."""
    activations: tuple[Literal["A4", "A4KV4"], ...] = ("A4", "A4KV4")
    """Bits of activations, keys and values."""
    calibration_windows: int = 64
    """Windows that GPTQ looks at, after the part that models are judged by."""
    calibration_time: int = 256
    """Tokens of a calibration window."""
    settings: tuple[Kernels, ...] = ("W4A16", "W3A16", "W4A16 g96")
    """Bits of kernels alone; after g the inputs that share a scale."""
    clips: tuple[int, ...] = (16, 20, 25, 32, 40, 50, 64, 80)
    """Clips that are tried in a search."""
    least: tuple[float, ...] = (0.2, 0.3)
    """The last of them: a share of the range."""

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("windows", "calibration_windows"), 1)
        check_settings(self, time=2, calibration_time=2, clips=2, **counts)
        if not all(0 < least < 1 for least in self.least):
            raise ValueError(f"--least must be above 0 and below 1, but is {self.least}")
        if self.seed == SEEDS - 1:
            raise ValueError(f"--seed must be below 2**32 - 1, but is {self.seed}")


@dataclass(frozen=True)
class Trial:
    """One model: by a method, or with kernels clipped by one search."""

    measure: Measure
    model: str
    text: str
    time: int
    windows: int
    method: Given | Literal["none"]
    setting: str
    draw: int = 0
    calibration_windows: int = 0
    calibration_time: int = 0
    clips: int = 0
    least: float = 0.0


def trials(config: Config) -> Iterator[Trial]:
    """List the unquantized model, the methods, then the searches."""
    base = (config.model, config.text, config.time, config.windows)
    yield Trial("parts", *base, "none", "W16A16")
    for nearest in config.methods:
        for method in (nearest, BY_GPTQ[nearest]):
            draw = config.seed if method in ROTATED else 0
            shown = (config.calibration_windows, config.calibration_time)
            seen = (0, 0) if method == nearest else shown
            for weights in ("W16", "W4") if method == nearest else ("W4",):
                for activations in config.activations:
                    yield Trial("parts", *base, method, weights + activations, draw, *seen)
    for setting in config.settings:
        for least in config.least:
            for clips in config.clips:
                yield Trial("search", *base, "rtn", setting, clips=clips, least=least)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Measure one model; it is drawn by `trial.draw`, not by the key."""
    del key
    model = load_model(trial.model)
    tokens = judged_tokens(load_corpus(trial.model, trial.text), trial.windows, trial.time)
    if trial.method == "none":
        return predicted(model, tokens)
    if trial.measure == "search":
        shares = tuple(np.linspace(1.0, trial.least, trial.clips).tolist())
        return predicted(_searched(model, trial.setting, shares), tokens)
    seen = Calibration(trial.calibration_windows, trial.calibration_time)
    made = (trial.model, trial.text, trial.method, trial.setting, trial.draw, seen)
    return predicted(quantized(*made).model, tokens)


def _searched(model: Any, setting: str, shares: tuple[float, ...]) -> Any:
    """Return the model with its kernels rounded to nearest, clipped to the best of some shares."""
    (rule,) = parsed(setting, is_rotated=False).rules
    format, spec = rule.weight_qtype, rule.weight_spec
    if format is None:
        raise ValueError(f"A search needs a setting that rounds kernels, but {setting} does not.")

    def rounded(kernel: jax.Array) -> jax.Array:
        return simulate(kernel, format, spec, clip=best_clip(kernel, format, spec, shares=shares))

    return map_kernels(model, rounded)


def checks(rows: Sequence[Row]) -> list[Check]:
    """Say what activations lose, what GPTQ closes of the rest, and how far searches scatter."""
    return list(_sources_checks.checks(rows))


EXPERIMENT = Experiment(
    name="quantize_sources",
    question="What of rounding's loss is the activations', and what hangs on details of a search?",
    presets={
        "smoke": Preset(
            Config(
                model="tiny",
                time=16,
                windows=2,
                methods=("rtn",),
                activations=("A4",),
                calibration_windows=8,
                calibration_time=16,
                settings=("W4A16",),
                clips=(8, 16),
                least=(0.3,),
            ),
            minutes=0.3,
        ),
        "quick": Preset(
            Config(
                windows=4,
                time=256,
                methods=("rtn",),
                activations=("A4",),
                calibration_windows=16,
                settings=("W4A16",),
                clips=(16, 20),
                least=(0.2, 0.3),
            ),
            minutes=2,
        ),
        "paper": Preset(Config(), minutes=30),
    },
    trials=trials,
    run=run,
    checks=checks,
)
