"""Trained encoder weights from safetensors files. No pickle is ever loaded."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import DTypeLike
from hadax.models import _model_checks, _tensor_files
from hadax.models.encoder import Encoder, EncoderConfig, encoder_from_params

# Our name, the name in Hugging Face checkpoints, and the leaves.
_KERNEL, _GAIN = {"kernel": "weight", "bias": "bias"}, {"scale": "weight", "bias": "bias"}
_TABLE = {"embedding": "weight"}
_MODEL_TENSORS = (
    ("embed", "embeddings.word_embeddings", _TABLE),
    ("positions", "embeddings.position_embeddings", _TABLE),
    ("norm", "embeddings.LayerNorm", _GAIN),
)
_BLOCK_TENSORS = (
    ("query", "attention.self.query", _KERNEL),
    ("key", "attention.self.key", _KERNEL),
    ("value", "attention.self.value", _KERNEL),
    ("output", "attention.output.dense", _KERNEL),
    ("attention_norm", "attention.output.LayerNorm", _GAIN),
    ("up", "intermediate.dense", _KERNEL),
    ("down", "output.dense", _KERNEL),
    ("feed_forward_norm", "output.LayerNorm", _GAIN),
)
_POSITIONS = "embeddings.position_embeddings.weight"
_TYPES = "embeddings.token_type_embeddings.weight"

# What may stand in a file and is no part of the encoder: the numbers 0, 1, 2, ... and a head for
# another task.
_UNUSED = ("embeddings.position_ids", "pooler.")


def load_encoder(folder: str | Path, *, dtype: DTypeLike = jnp.float32) -> Encoder:
    """The BERT encoder in a Hugging Face folder: config.json and one or more .safetensors files.

    The vector of the first token type, which single texts have throughout, is added to those of the
    positions.

    Args:
        folder: folder as `huggingface_hub.snapshot_download` or `save_pretrained` leaves it.
        dtype: floating dtype of the parameters; activations are float32 whatever it is.

    Returns:
        The model.

    Raises:
        FileNotFoundError: the folder has no config.json or no .safetensors file.
        ValueError: a file is truncated or corrupt, or its tensors do not fit config.json.
        TypeError: `dtype` is no floating dtype.
        NotImplementedError: another model_type, activation function or kind of positions.

    Cost:
        One pass over the files; about twice the parameters' memory while it runs.

    Example:
        >>> from hadax.models import load_encoder
        >>> load_encoder("here")
        Traceback (most recent call last):
            ...
        FileNotFoundError: Argument `path` must be an existing file, but here/config.json is not.

    See Also:
        `load_sentence_tokenizer`: the tokenizer of the same folder. `load_safetensors`: Llamas.

    References:
        Devlin et al. (2019), key `devlin2019`.
    """
    dtype = _checks.dtype("dtype", dtype, float, jnp.floating)
    folder = Path(folder)
    config = _read_config(_model_checks.existing_file(folder / "config.json"))
    tensors = _tensor_files.safetensors(folder)
    kind = "a checkpoint of a BERT encoder"
    if _TYPES not in tensors:
        _model_checks.broken_file(folder, kind, f"lacks {_TYPES}")
    if config.layers > len(tensors):
        why = f"states {config.layers} layers and has {len(tensors)} tensors"
        _model_checks.broken_file(folder, kind, why)
    types = tensors.pop(_TYPES)()
    if types.ndim != 2 or not len(types) or types.shape[1] != config.width:
        why = f"has {_TYPES} of shape {types.shape}, not (types, {config.width})"
        _model_checks.broken_file(folder, kind, why)

    def read(name: str) -> np.ndarray:
        values = tensors[name]()
        # Positions of another width are refused below, by their name.
        has_type = name == _POSITIONS and values.shape[1:] == types.shape[1:]
        return values + types[0] if has_type else values

    stored = [name for name in tensors if not name.startswith(_UNUSED)]
    params = _tensor_files.nested(folder, _sources(config.layers), stored, read, dtype)
    try:
        return encoder_from_params(config, params)
    except ValueError as error:
        _model_checks.broken_file(
            folder, "a model whose tensors fit its sizes", f"does not: {error}"
        )


def _sources(layers: int) -> dict[str, list[str]]:
    """By our name of a parameter, the tensors that hold it, one a layer for those of blocks."""
    ends = {
        f"{ours}.{leaf}": [f"{theirs}.{suffix}"]
        for ours, theirs, leaves in _MODEL_TENSORS
        for leaf, suffix in leaves.items()
    }
    blocks = {
        f"blocks.{ours}.{leaf}": [f"encoder.layer.{i}.{theirs}.{suffix}" for i in range(layers)]
        for ours, theirs, leaves in _BLOCK_TENSORS
        for leaf, suffix in leaves.items()
    }
    return ends | blocks


# What a config.json may say of a model, where it says anything, that computes as `Encoder` does.
_STATED = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
}


def _read_config(path: Path) -> EncoderConfig:
    """The sizes that a Hugging Face config.json states."""
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        config = EncoderConfig(
            vocabulary=stated["vocab_size"],
            width=stated["hidden_size"],
            layers=stated["num_hidden_layers"],
            heads=stated["num_attention_heads"],
            hidden=stated["intermediate_size"],
            positions=stated["max_position_embeddings"],
            norm_epsilon=stated["layer_norm_eps"],
        )
        _model_checks.stated_as(path, stated, _STATED)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        _model_checks.broken_file(
            path, "a BERT encoder's config.json", f"cannot be read as one ({error!r})"
        )
    return config
