"""A sentence encoder and sentences by name, for experiments, and how alike two encoders are."""

import functools
import re
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from scipy import stats

from experiments._contract import UsageError
from experiments._data import LEE_NEWS, MINILM, fetch, fetch_folder
from hadax.models import (
    Encoder,
    EncoderConfig,
    encode_sentences,
    encoder_from_params,
    load_encoder,
    load_sentence_tokenizer,
    parameters,
)

Part = Literal["calibration", "evaluation"]

_TINY = EncoderConfig(vocabulary=64, width=48, layers=3, heads=12, hidden=96, positions=64)
_OUTLIER_GAIN = 30.0

# Where a sentence ends: at a stop, or at the quotation mark behind it.
_ENDS = re.compile(r"""(?<=[.!?])\s+(?=["'(]?[A-Z0-9])|(?<=[.!?]["'])\s+(?=["'(]?[A-Z0-9])""")
_FEWEST_WORDS = 5


@dataclass(frozen=True)
class Sentences:
    """Token ids (sentences, time), and where they are tokens and not padding."""

    tokens: jax.Array
    mask: jax.Array


@functools.cache
def load_encoder_model(name: str) -> Encoder:
    """Return "minilm" or "tiny" (random weights, two outlier channels)."""
    return _tiny_encoder() if _is_tiny(name) else load_encoder(fetch_folder(MINILM))


@functools.cache
def texts(part: Part) -> tuple[str, ...]:
    """Return the sentences of the first half of the news articles, or of the other one.

    No sentence is in both, and none of fewer than five words is in either.
    """
    articles = fetch(LEE_NEWS).read_bytes().decode().splitlines()
    half = len(articles) // 2
    judged = _split(articles[:half])
    if part == "evaluation":
        return tuple(judged)
    return tuple(sentence for sentence in _split(articles[half:]) if sentence not in judged)


def evaluation_sentences(model: str, count: int, time: int) -> Sentences:
    """Return sentences to judge an encoder by, cut or padded to a time; the "tiny" has random ones.

    They are spread evenly over the articles.
    """
    if _is_tiny(model):
        return _random_sentences(count, time)
    found = texts("evaluation")
    _refuse_too_few(count, len(found))
    chosen = [found[i * len(found) // count] for i in range(count)]
    return Sentences(*encode_sentences(_tokenizer(time), chosen))


def calibration_windows(model: str, count: int, time: int) -> jax.Array:
    """Return ids (count, time) of other articles: sentences of at least so many tokens, cut.

    No padding is among them, as methods expect that sum over all tokens of windows.
    """
    if _is_tiny(model):
        ids = np.random.default_rng(1).integers(_TINY.vocabulary, size=(count, time))
        return jnp.asarray(ids, "int32")
    tokens, mask = encode_sentences(_tokenizer(time), texts("calibration"))
    whole = tokens[np.asarray(mask).all(axis=1)]
    _refuse_too_few(count, len(whole))
    return whole[np.arange(count) * len(whole) // count]


def agreement(embeddings: jax.Array, reference: jax.Array) -> dict[str, Any]:
    """Return the cosine of each embedding to its reference, and the rank correlation (Spearman) of
    the similarities of all pairs with those of the reference."""
    found, wanted = np.asarray(embeddings, np.float64), np.asarray(reference, np.float64)
    pairs = np.triu_indices(len(found), k=1)
    ranks = [stats.rankdata((vectors @ vectors.T)[pairs]) for vectors in (found, wanted)]
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    cosines = (found * wanted).sum(axis=1) / lengths
    return {"cosines": cosines.tolist(), "rank_correlation": float(np.corrcoef(*ranks)[0, 1])}


def _is_tiny(model: str) -> bool:
    """Return whether the model is the random one; refuse names of none."""
    if model not in ("minilm", "tiny"):
        raise UsageError(f"The encoder must be 'minilm' or 'tiny', but is {model!r}.")
    return model == "tiny"


def _tiny_encoder() -> Encoder:
    """Return a random encoder in which two channels of every norm are large."""
    params = parameters(Encoder(_TINY, rngs=nnx.Rngs(0)))

    def with_outliers(path: tuple[Any, ...], array: jax.Array) -> jax.Array:
        return array.at[..., :2].set(_OUTLIER_GAIN) if path[-1].key == "scale" else array

    return encoder_from_params(_TINY, jax.tree_util.tree_map_with_path(with_outliers, params))


def _random_sentences(count: int, time: int) -> Sentences:
    """Return random ids of lengths from three to the whole time."""
    generator = np.random.default_rng(0)
    ids = generator.integers(_TINY.vocabulary, size=(count, time))
    mask = np.arange(time) < generator.integers(3, time, size=(count, 1), endpoint=True)
    return Sentences(jnp.asarray(ids, "int32"), jnp.asarray(mask))


def _split(articles: list[str]) -> dict[str, None]:
    """Return the sentences of articles, each once, in their order."""
    found = (sentence.strip() for article in articles for sentence in _ENDS.split(article))
    return dict.fromkeys(text for text in found if len(text.split()) >= _FEWEST_WORDS)


@functools.cache
def _tokenizer(time: int) -> Any:
    """Return MiniLM's tokenizer."""
    return load_sentence_tokenizer(fetch_folder(MINILM) / "tokenizer.json", time=time)


def _refuse_too_few(count: int, there: int) -> None:
    """Refuse to judge by more sentences than the text has."""
    if count > there:
        raise UsageError(f"The text has {there} such sentences, but {count} are asked for.")
