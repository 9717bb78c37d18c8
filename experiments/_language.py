"""Language models and texts by name, for experiments: a model and the token ids to try it on."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments._contract import UsageError
from experiments._data import LEE_NEWS, SMOLLM2, fetch
from hadax.models import (
    Llama,
    LlamaConfig,
    llama_from_params,
    load_gguf,
    load_safetensors,
    load_tokenizer,
    parameters,
)

T = TypeVar("T")

_TINY = LlamaConfig(vocabulary=64, width=24, layers=3, heads=6, kv_heads=2, head_width=4, hidden=40)
_OUTLIER_GAIN = 30.0
# The first tokens are for judging: nothing is calibrated on them.
_JUDGED = 16 * 512


@dataclass(frozen=True)
class Corpus:
    """Token ids of a text, and how many there are if it is cut into words only, where a GGUF file
    can be told so."""

    ids: np.ndarray
    words_only: int | None


@functools.cache
def load_model(name: str) -> Llama:
    """Return "smollm2", "tiny" (random weights, two outlier channels) or the model of a GGUF file
    or of a Hugging Face folder."""
    if name == "tiny":
        return tiny_model()
    path = _model_path(name)
    return _usable(load_safetensors if path.is_dir() else load_gguf, path)


@functools.cache
def load_corpus(model: str, text: str) -> Corpus:
    """Return the ids of "lee" or of a text file; the model "tiny" has random ones."""
    if model == "tiny":
        if text != "lee":
            raise UsageError(f"--text {text} needs a model that reads, but tiny has random ids.")
        ids = np.random.default_rng(0).integers(_TINY.vocabulary, size=1 << 12)
        return Corpus(ids, len(ids))
    path = fetch(LEE_NEWS) if text == "lee" else Path(text)
    if not path.is_file():
        raise UsageError(f"--text must name a file, but {path} is none.")
    try:
        content = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"--text must name a UTF-8 file, but {path} is none ({error}).") from error
    source = _model_path(model)
    ids = np.array(_usable(load_tokenizer, source).encode(content).ids)
    if source.is_dir():
        return Corpus(ids, None)
    by_words = functools.partial(load_tokenizer, pre_tokenizer="gpt-2")
    return Corpus(ids, len(_usable(by_words, source).encode(content).ids))


def windows(corpus: Corpus, count: int, time: int) -> jax.Array:
    """Return the first ids of a corpus, cut into windows (count, time)."""
    if len(corpus.ids) < count * time:
        raise UsageError(
            f"The text must have at least {count} x {time} tokens, but has {len(corpus.ids)}. "
            "Lower --windows or --time."
        )
    return jnp.asarray(corpus.ids[: count * time].reshape(count, time), "int32")


def calibration_tokens(corpus: Corpus, count: int, time: int) -> jax.Array:
    """Return windows of the text that follow the part that models are judged by."""
    left = corpus.ids[min(_JUDGED, len(corpus.ids) // 2) :]
    if len(left) < count * time:
        raise UsageError(
            f"The text must leave {count * time} tokens to calibrate on, but leaves {len(left)}. "
            "Lower --calibration-windows or --calibration-time."
        )
    return jnp.asarray(left[: count * time].reshape(count, time), "int32")


def judged_tokens(corpus: Corpus, count: int, time: int) -> jax.Array:
    """Return the first windows of the text, which nothing may be calibrated on."""
    most = min(_JUDGED, len(corpus.ids) // 2)
    if count * time > most:
        raise UsageError(
            f"--windows x --time must be at most {most} tokens, which nothing is calibrated on, "
            f"but is {count * time}."
        )
    return windows(corpus, count, time)


def tiny_model() -> Llama:
    """Return a random Llama in which two channels of every norm are large, as in trained ones."""
    params = parameters(Llama(_TINY, rngs=nnx.Rngs(0)))

    def with_outliers(path: tuple[Any, ...], array: jax.Array) -> jax.Array:
        return array.at[..., :2].set(_OUTLIER_GAIN) if path[-1].key == "scale" else array

    return llama_from_params(_TINY, jax.tree_util.tree_map_with_path(with_outliers, params))


@jax.jit
def logits(model: Llama, tokens: jax.Array) -> jax.Array:
    """Return logits (windows, time, vocabulary)."""
    return model(tokens)


def logit_difference(model: Llama, other: Llama, tokens: jax.Array) -> float:
    """Return the largest difference of two models' logits in the first of some windows."""
    gap = logits(model, tokens[:1]) - logits(other, tokens[:1])
    return float(jnp.max(jnp.abs(gap)))


def _model_path(name: str) -> Path:
    """Return the file or the folder of a model."""
    if name == "smollm2":
        return fetch(SMOLLM2)
    path = Path(name)
    if not path.exists():
        raise UsageError(
            f"--model must be smollm2, tiny, a GGUF file or a Hugging Face folder, but there is no "
            f"{name}."
        )
    return path


def _usable(load: Callable[[Path], T], path: Path) -> T:
    """Return what a loader makes of a file; what is wrong with it is the user's to know."""
    try:
        return load(path)
    except (FileNotFoundError, ValueError, NotImplementedError) as error:
        raise UsageError(str(error)) from error
