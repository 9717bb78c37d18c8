"""Perplexity of a language model in 4 bits, with and without function-preserving rotations.

Weights are rounded to nearest with one scale an output channel, activations with one scale a token
at the input of every linear; embedding and head stay as they are. The rotations are folded into the
weights (residual stream, value heads) but for the one of the feed-forward hidden vector. Draw i of
a kind of rotation is the same one for all quantizers, so that these can be compared.

The shipped weights are already rounded to 4 bits in groups of 32. Rotation spreads them over the
groups, so weights alone get worse by it; what it mends is the activations.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

import hadax
from experiments import _references
from experiments._contract import Check, Experiment, Preset, Relation, Row, Source
from experiments._language import Corpus, load_corpus, load_model, logit_difference, logits, windows
from experiments._quantized import QUANTIZERS, activation_statistics, losses, round_kernel
from experiments._settings import SEEDS, check_settings
from hadax.models import SITES, Llama, draw_rotations, llama_sites, map_kernels, rotate
from hadax.models.rotation import Factory

Rotation: TypeAlias = Literal["none", "one block", "two blocks", "haar"]
Rounding: TypeAlias = Literal["W4A4", "W4A4 clipped", "W4A16", "W16A4"]
Measure: TypeAlias = Literal["text", "perplexity", "activations"]


_FACTORIES: dict[str, Factory] = {
    "one block": functools.partial(hadax.randomized_hadamard, blocks=1),
    "two blocks": functools.partial(hadax.randomized_hadamard, blocks=2),
    "haar": hadax.haar_rotation,
}
_ROTATED = ("residual", "value", "hidden")
# Where logits are compared with those of another implementation.
_SAMPLE_TIME, _SAMPLE_POSITIONS, _SAMPLE_COLUMNS = 96, (0, 1, 17, 40, 95), 21


@dataclass(frozen=True)
class Config:
    """Which model, on how much text, rotated how often."""

    seed: int = 0
    """Draw i of a rotation has the key of seed + i."""
    model: str = "smollm2"
    """smollm2 (fetched), tiny (random weights), or a Llama's GGUF file or Hugging Face folder."""
    text: str = "lee"
    """lee (fetched), or a UTF-8 text file."""
    time: int = 512
    """Tokens of a window."""
    windows: int = 16
    """Windows for the unquantized model."""
    quantized_windows: int = 8
    """Windows for quantized and rotated models."""
    rotations: tuple[Rotation, ...] = ("none", "one block", "two blocks", "haar")
    """Kinds of rotation."""
    draws: int = 5
    """Rotations drawn of each kind."""
    quantizers: tuple[Rounding, ...] = ("W4A4", "W4A4 clipped", "W4A16", "W16A4")
    """Bits of weights and activations, both rounded to nearest; clipped grids reach less far."""

    def __post_init__(self) -> None:
        check_settings(self, time=2, windows=1, quantized_windows=1, draws=1)
        if self.seed + self.draws > SEEDS:
            raise ValueError(f"--seed must leave room for --draws, but is {self.seed}")


@dataclass(frozen=True)
class Trial:
    """One model, rotated and quantized, and what is measured of it."""

    measure: Measure
    model: str
    text: str
    time: int
    windows: int
    rotation: Rotation = "none"
    draw: int = 0
    quantizer: Rounding | Literal["off"] = "off"


def trials(config: Config) -> Iterator[Trial]:
    """List the text, the unquantized model, then every kind of rotation with its draws."""
    trial = functools.partial(Trial, model=config.model, text=config.text, time=config.time)
    yield trial("text", windows=config.windows)
    yield trial("perplexity", windows=config.windows)
    for rotation in config.rotations:
        for i in range(1 if rotation == "none" else config.draws):
            rotated = functools.partial(
                trial, windows=config.quantized_windows, rotation=rotation, draw=config.seed + i
            )
            if i == 0:
                yield rotated("activations", windows=1)
                if rotation != "none":
                    yield rotated("perplexity")
            for quantizer in config.quantizers:
                yield rotated("perplexity", quantizer=quantizer)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Measure one thing of one model; the model is drawn by `trial.draw`, not by the key."""
    del key
    corpus = load_corpus(trial.model, trial.text)
    if trial.measure == "text":
        return _text(load_model(trial.model), corpus)
    tokens = windows(corpus, trial.windows, trial.time)
    model = _rotated(trial.model, trial.rotation, trial.draw)
    if trial.measure == "activations":
        return activation_statistics(model, tokens)
    result: dict[str, Any] = {}
    if trial.quantizer == "off":
        result["logit_difference"] = logit_difference(model, load_model(trial.model), tokens)
    quantizer = QUANTIZERS[trial.quantizer]
    model = map_kernels(model, functools.partial(round_kernel, quantizer=quantizer))
    nats = np.asarray(losses(model, tokens, quantizer=quantizer), np.float64)
    return {
        "losses": nats.mean(axis=-1).round(6).tolist(),
        "perplexity": round(float(np.exp(nats.mean())), 4),
        **result,
    }


def _text(model: Llama, corpus: Corpus) -> dict[str, Any]:
    """What another implementation of tokenizer and model can be held against."""
    found = logits(model, windows(corpus, 1, _SAMPLE_TIME))[0]
    columns = np.linspace(0, model.config.vocabulary - 1, _SAMPLE_COLUMNS).astype(int)
    sample = np.asarray(found, np.float64)[list(_SAMPLE_POSITIONS)][:, columns]
    return {
        "first_ids": corpus.ids[:20].tolist(),
        "tokens": len(corpus.ids),
        "tokens_words_only": corpus.words_only,
        "logits": sample.round(5).tolist(),
    }


@functools.lru_cache(maxsize=1)
def _rotated(name: str, rotation: Rotation, draw: int) -> Llama:
    """The model in the rotated coordinates of one draw."""
    model = load_model(name)
    if rotation == "none":
        return model
    key = jax.random.key(draw)
    sites, layers = llama_sites(model.config), model.config.layers
    drawn = draw_rotations(key, sites, layers, _FACTORIES[rotation], names=_ROTATED)
    return rotate(model, sites, drawn)


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with the reference values, and rotated models with the one they came from."""
    found = list(_invariance_checks(rows))
    if rows[0]["model"] != "tiny":  # random weights have nothing to lose
        found += [*_benefit_checks(rows), *_activation_checks(rows)]
    if (rows[0]["model"], rows[0]["text"], rows[0]["time"]) == ("smollm2", "lee", 512):
        found = [*_reference_checks(rows), *found]
    return found


def select(rows: Sequence[Row], measure: Measure, **values: Any) -> list[Row]:
    """Return the rows of a measure in which every given column has the given value."""
    wanted = {"measure": measure, **values}.items()
    return [row for row in rows if all(row[name] == value for name, value in wanted)]


def perplexities(rows: Sequence[Row], rotation: str, quantizer: str) -> list[float]:
    """Return the perplexity of every draw of a rotation under one quantizer."""
    found = select(rows, "perplexity", rotation=rotation, quantizer=quantizer)
    return [row["perplexity"] for row in found]


def perplexity_over(row: Row, count: int) -> float:
    """Return the perplexity over the first windows of a row."""
    return float(np.exp(np.mean(row["losses"][:count])))


def _reference_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Tokenizer, logits and perplexities are those that other programs found."""
    reference = _references.load("llm_rotation")
    (text,) = select(rows, "text")
    equal = sum(a == b for a, b in zip(text["first_ids"], reference["first_ids"], strict=True))
    yield Check("equal ones of the first 20 token ids", "reference", equal, "equals", 20)
    count = text["tokens_words_only"]
    statement = "tokens of the text, cut into words only"
    yield Check(statement, "reference", count, "equals", reference["tokens"])
    difference = float(np.abs(np.subtract(text["logits"], reference["logits"])).max())
    statement = "largest difference of logits to Hugging Face transformers"
    yield Check(statement, "reference", difference, "at most", 2e-3)
    (plain,) = select(rows, "perplexity", rotation="none", quantizer="off")
    for windows_, value in reference["perplexity"].items():
        if plain["windows"] >= int(windows_):
            measured = perplexity_over(plain, int(windows_))
            statement = f"perplexity over {windows_} windows"
            yield Check(statement, "reference", measured, "equals", value, tolerance=0.01)
    eight = select(rows, "perplexity", windows=8)
    for rotation, value in reference["w4a4"].items():
        # One key each, and so far from the model's own perplexity that the order of float
        # operations already moves it by a tenth: half of it is what can be asked. It is asked of
        # the median alone, since a band of all draws holds nearly every value.
        if measured := perplexities(eight, rotation, "W4A4"):
            statement = f"perplexity of W4A4, rotation: {rotation} ({_extent(measured)})"
            median = float(np.median(measured))
            yield Check(statement, "reference", median, "equals", value, tolerance=value / 2)


def _invariance_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Rotated models without quantizers have the logits of the model."""
    for row in select(rows, "perplexity", quantizer="off"):
        if row["rotation"] != "none":
            yield Check(
                f"largest difference of logits by rotation: {row['rotation']}",
                "ours, proved",
                row["logit_difference"],
                "at most",
                2e-3,
            )


def _benefit_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """In 4 bits rotation mends activations, not weights that are on a 4-bit grid already."""
    claims: dict[Rounding, tuple[Relation, float, str]] = {
        "W4A4": ("at most", 0.1, "a tenth of none"),
        "W4A4 clipped": ("at most", 0.1, "a tenth of none"),
        "W16A4": ("at most", 0.1, "a tenth of none"),
        "W4A16": ("at least", 1.0, "none"),
    }
    for quantizer, (relation, share, words) in claims.items():
        for plain in perplexities(rows, "none", quantizer):
            for rotation in _FACTORIES:
                if measured := perplexities(rows, rotation, quantizer):
                    statement = (
                        f"perplexity of {quantizer}, rotation: {rotation} ({_draws(measured)}), "
                        f"against {words}"
                    )
                    yield _spread(statement, "measured", measured, relation, share * plain)


def _activation_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Rotated activations are closer to Gaussian, and flatter, at every site."""
    rotated = [row for row in select(rows, "activations") if row["rotation"] != "none"]
    for plain in select(rows, "activations", rotation="none") if rotated else []:
        for name in ("kurtosis", "incoherence"):
            for site in SITES:
                values = [float(np.median(row[f"{name}_{site}"])) for row in rotated]
                reference = float(np.median(plain[f"{name}_{site}"]))
                yield Check(
                    f"{name} at {site}, median over layers, worst rotation, against none",
                    "measured",
                    max(values),
                    "at most",
                    reference,
                )


def _draws(values: Sequence[float]) -> str:
    """How many rotations a spread is over."""
    return "one draw" if len(values) == 1 else f"median of {len(values)} draws, band: all"


def _extent(values: Sequence[float]) -> str:
    """How many rotations a median is over, and from where to where they go."""
    if len(values) == 1:
        return "one draw"
    return f"median of {len(values)} draws from {min(values):.5g} to {max(values):.5g}"


def _spread(
    statement: str, source: Source, values: Sequence[float], relation: Relation, reference: float
) -> Check:
    """A bound on values that differ by draw: their median, and all of them as the band."""
    return Check(
        statement,
        source,
        float(np.median(values)),
        relation,
        reference,
        low=min(values),
        high=max(values),
    )


_QUICK = Config(windows=8, draws=2, quantizers=("W4A4", "W4A4 clipped"))

EXPERIMENT = Experiment(
    name="llm_rotation",
    question="How much of a 4-bit language model do function-preserving rotations save?",
    presets={
        "smoke": Preset(
            Config(
                model="tiny",
                time=32,
                windows=2,
                quantized_windows=2,
                rotations=("none", "two blocks"),
                draws=1,
                quantizers=("W4A4 clipped",),
            ),
            minutes=0.3,
        ),
        "quick": Preset(_QUICK, minutes=2.5),
        "paper": Preset(Config(), minutes=14),
    },
    trials=trials,
    run=run,
    checks=checks,
)
