"""Sentences as token ids, and as vectors of length one whose inner products compare them."""

from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tokenizers import Tokenizer

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.models import _model_checks
from hadax.models._tokenizer_file import read_tokenizer
from hadax.models.base import Tap, no_tap
from hadax.models.encoder import Encoder

_PADDING = "[PAD]"


def load_sentence_tokenizer(path: str | Path, *, time: int) -> Tokenizer:
    """The tokenizer of a tokenizer.json, which makes every sentence `time` tokens long.

    Longer sentences are cut and shorter ones padded, whatever the file itself states; the tokens
    that BERT puts around a sentence stay.

    Args:
        path: a tokenizer.json as the package `tokenizers` writes it, with a token "[PAD]".
        time: number of tokens a sentence, 3 or more: BERT's own two and one of the sentence.

    Returns:
        A `tokenizers.Tokenizer`, for `encode_sentences`.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: time is no integer.
        ValueError: the file is truncated or corrupt, or time is below 3.
        NotImplementedError: the tokenizer has no token "[PAD]".

    Cost:
        Reads the file: a tenth of a second for 30,000 tokens.

    Example:
        >>> from hadax.models import load_sentence_tokenizer
        >>> load_sentence_tokenizer("here.json", time=32)
        Traceback (most recent call last):
            ...
        FileNotFoundError: Argument `path` must be an existing file, but here.json is not.

    See Also:
        `load_tokenizer`: that of a language model.
    """
    time = _checks.integer("time", time, minimum=3)
    tokenizer = read_tokenizer(path)
    padding = tokenizer.token_to_id(_PADDING)
    if padding is None:
        _model_checks.unsupported_model(
            path, "a tokenizer without one", f"a padding token {_PADDING!r}"
        )
    tokenizer.enable_truncation(time)
    tokenizer.enable_padding(length=time, pad_id=padding, pad_token=_PADDING)
    return tokenizer


def encode_sentences(tokenizer: Tokenizer, sentences: Sequence[str]) -> tuple[Array, Array]:
    """Token ids of sentences, and where they are tokens and not padding.

    Args:
        tokenizer: as `load_sentence_tokenizer` gives it.
        sentences: the sentences, one or more.

    Returns:
        int32 array (sentences, time) of ids, and a bool array of the same shape.

    Raises:
        ValueError: there is no sentence.

    Cost:
        About a millisecond for ten sentences.

    Example:
        >>> from tokenizers import Tokenizer, models, pre_tokenizers
        >>> from hadax.models import encode_sentences
        >>> words = {"[PAD]": 0, "it": 1, "rains": 2}
        >>> tokenizer = Tokenizer(models.WordLevel(words, unk_token="[PAD]"))
        >>> tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        >>> tokenizer.enable_padding(length=3)
        >>> ids, mask = encode_sentences(tokenizer, ["it rains"])
        >>> ids.tolist(), mask.tolist()
        ([[1, 2, 0]], [[True, True, False]])

    See Also:
        `sentence_embeddings`, which takes both.
    """
    _model_checks.some_sentences(sentences)
    encoded = tokenizer.encode_batch(list(sentences))
    ids = np.array([sentence.ids for sentence in encoded], np.int32)
    mask = np.array([sentence.attention_mask for sentence in encoded], bool)
    return jnp.asarray(ids), jnp.asarray(mask)


def sentence_embeddings(
    model: Encoder,
    tokens: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    tap: Tap = no_tap,
    batch: int = 16,
) -> Array:
    r"""One vector of length one a sentence: the mean of its tokens' vectors, over its length.

    $e = m / \|m\|$ with $m = \frac{1}{|T|} \sum_{t \in T} h_t$ over the tokens T that are no
    padding. $\langle e, e' \rangle$ is how similar two sentences are, 1 at most.

    Args:
        model: the encoder.
        tokens: integer array (sentences, time).
        mask: bool array of the same shape, False at padding; None for no padding. A sentence that
            is all padding has no embedding: NaN.
        tap: function between each linear's input and the linear, for example a quantizer.
        batch: how many sentences are computed at a time.

    Returns:
        Array (sentences, width), float32 or wider.

    Raises:
        ValueError: `tokens` or `mask` of another shape, more tokens than the model has positions,
            or batch below 1.
        TypeError: `tokens` are no integers, or batch none.

    Cost:
        A forward pass; the memory of `batch` sentences.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Encoder, EncoderConfig, sentence_embeddings
        >>> config = EncoderConfig(vocabulary=16, width=8, layers=2, heads=4, hidden=12)
        >>> tokens, mask = jnp.array([[3, 1, 4], [1, 5, 0]]), jnp.array([[1, 1, 1], [1, 1, 0]]) > 0
        >>> vectors = sentence_embeddings(Encoder(config, rngs=nnx.Rngs(0)), tokens, mask)
        >>> jnp.linalg.norm(vectors, axis=-1).round(3)
        Array([1., 1.], dtype=float32)

    See Also:
        `sentence_transformers.SentenceTransformer.encode`, of a model with mean pooling and
        normalization.

    References:
        Reimers and Gurevych (2019), key `reimers2019`.
    """
    tokens = _model_checks.sentences(tokens)
    batch = _checks.integer("batch", batch, minimum=1)
    seen = jnp.ones(tokens.shape, bool) if mask is None else jnp.asarray(mask)
    _model_checks.mask(seen, tokens.shape)

    def one(sentence: tuple[Array, Array]) -> Array:
        ids, seen = sentence
        vectors = model(ids, mask=seen, tap=tap)
        mean = jnp.mean(vectors, axis=0, where=seen[:, None])
        return mean / jnp.linalg.norm(mean)

    return jax.lax.map(one, (tokens, seen), batch_size=batch)
