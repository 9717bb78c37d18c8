"""Trained Llama weights from GGUF and from safetensors files. No pickle is ever loaded."""

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from gguf import GGUFReader

from hadax import _checks
from hadax._typing import DTypeLike
from hadax.models import _model_checks, _tensor_files
from hadax.models._gguf_file import dequantized, metadata, number, open_gguf, size, strings
from hadax.models.llama import Llama, LlamaConfig, llama_from_params

# Our name, the name in GGUF, the name in Hugging Face checkpoints.
_MODEL_TENSORS = (
    ("embed.embedding", "token_embd", "model.embed_tokens"),
    ("norm.scale", "output_norm", "model.norm"),
    ("head.kernel", "output", "lm_head"),
)
_BLOCK_TENSORS = (
    ("attention_norm.scale", "attn_norm", "input_layernorm"),
    ("query.kernel", "attn_q", "self_attn.q_proj"),
    ("key.kernel", "attn_k", "self_attn.k_proj"),
    ("value.kernel", "attn_v", "self_attn.v_proj"),
    ("output.kernel", "attn_output", "self_attn.o_proj"),
    ("feed_forward_norm.scale", "ffn_norm", "post_attention_layernorm"),
    ("gate.kernel", "ffn_gate", "mlp.gate_proj"),
    ("up.kernel", "ffn_up", "mlp.up_proj"),
    ("down.kernel", "ffn_down", "mlp.down_proj"),
)

# What may stand in a file beside the weights: recomputed here.
_DERIVED = ("rotary_emb.inv_freq",)


def load_gguf(path: str | Path, *, dtype: DTypeLike = jnp.float32) -> Llama:
    """The Llama in a GGUF file, its quantized tensors dequantized.

    GGUF keeps the rows of W_q and W_k in the order of interleaved rotary pairs (2i, 2i + 1); they
    are put back into half-split order (i, i + head_width / 2).

    Args:
        path: a file of architecture "llama", of any tensor type the gguf package can dequantize.
        dtype: floating dtype of the parameters; activations and logits are float32 whatever it is.

    Returns:
        The model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated or corrupt, or its tensors do not fit its sizes.
        TypeError: `dtype` is no floating dtype.
        NotImplementedError: another architecture, or scaled rotary frequencies.

    Cost:
        One pass over the file; about twice the parameters' memory while it runs.

    Example:
        >>> from hadax.models import load_gguf
        >>> load_gguf("no-such-file.gguf")
        Traceback (most recent call last):
            ...
        FileNotFoundError: Argument `path` must be an existing file, but no-such-file.gguf is not.

    See Also:
        `load_safetensors`: Hugging Face folders. `load_tokenizer`: the file's own tokenizer.
    """
    dtype = _checks.dtype("dtype", dtype, float, jnp.floating)
    reader = open_gguf(path)
    architecture = metadata(reader, path, "general.architecture")
    if architecture != "llama":
        _model_checks.unsupported_model(
            path, f"architecture {architecture!r}", "architecture 'llama'"
        )
    scaling = metadata(reader, path, "llama.rope.scaling.type", "none")
    if scaling != "none":
        _model_checks.unsupported_model(
            path, f"rotary scaling {scaling!r}", "plain rotary positions"
        )
    tensors = {tensor.name.removesuffix(".weight"): tensor for tensor in reader.tensors}
    config = _read_sizes(reader, path, tensors)

    def read(name: str) -> np.ndarray:
        values = dequantized(tensors[name], path)
        if not name.endswith((".attn_q", ".attn_k")):
            return values
        if values.ndim != 2 or values.shape[0] % config.head_width:
            why = f"has {name} of shape {values.shape}, no heads of width {config.head_width}"
            _model_checks.broken_file(path, "a GGUF file whose tensors fit its sizes", why)
        return _half_split(values, config.head_width)

    return _assemble(path, config, tensors, read, column=1, block="blk.{}.", dtype=dtype)


def _read_sizes(reader: GGUFReader, path: str | Path, tensors: Collection[str]) -> LlamaConfig:
    """The sizes that a GGUF file's metadata states."""
    heads = size(reader, path, "llama.attention.head_count")
    width = size(reader, path, "llama.embedding_length")
    layers = size(reader, path, "llama.block_count")
    kind = "a GGUF file whose tensors fit its sizes"
    if layers > len(tensors):
        _model_checks.broken_file(path, kind, f"has {layers} blocks but {len(tensors)} tensors")
    sizes = {
        "vocabulary": len(strings(reader, path, "tokenizer.ggml.tokens")),
        "kv_heads": size(reader, path, "llama.attention.head_count_kv", heads),
        "head_width": size(reader, path, "llama.rope.dimension_count", width // heads),
        "hidden": size(reader, path, "llama.feed_forward_length"),
    }
    rope_base = number(reader, path, "llama.rope.freq_base", 10000.0)
    epsilon = number(reader, path, "llama.attention.layer_norm_rms_epsilon")
    try:
        return LlamaConfig(
            width=width, layers=layers, heads=heads, rope_base=rope_base, norm_epsilon=epsilon,
            tied="output" not in tensors, attention_bias=False, **sizes,
        )  # fmt: skip
    except ValueError as error:
        _model_checks.broken_file(path, kind, f"states sizes that fit no Llama ({error})")


def load_safetensors(folder: str | Path, *, dtype: DTypeLike = jnp.float32) -> Llama:
    """The Llama in a Hugging Face folder: config.json and one or more .safetensors files.

    Args:
        folder: folder as `huggingface_hub.snapshot_download` or `save_pretrained` leaves it.
        dtype: floating dtype of the parameters; activations and logits are float32 whatever it is.

    Returns:
        The model.

    Raises:
        FileNotFoundError: the folder has no config.json or no .safetensors file.
        ValueError: a file is truncated or corrupt, or its tensors do not fit config.json.
        TypeError: `dtype` is no floating dtype.
        NotImplementedError: another model_type or activation, or rotary positions that are
            scaled, of a part of each head, or of interleaved pairs.

    Cost:
        One pass over the files; about twice the parameters' memory while it runs.

    Example:
        >>> from hadax.models import load_safetensors
        >>> load_safetensors("here")
        Traceback (most recent call last):
            ...
        FileNotFoundError: Argument `path` must be an existing file, but here/config.json is not.

    See Also:
        `load_gguf`: GGUF files.
    """
    dtype = _checks.dtype("dtype", dtype, float, jnp.floating)
    folder = Path(folder)
    config = _read_config(_model_checks.existing_file(folder / "config.json"))
    tensors = _tensor_files.safetensors(folder)
    where = {name.removesuffix(".weight"): read for name, read in tensors.items()}
    if config.tied:
        where.pop("lm_head", None)

    def read(name: str) -> np.ndarray:
        return where[name]()

    return _assemble(folder, config, where, read, column=2, block="model.layers.{}.", dtype=dtype)


# What a config.json may say of a model, where it says anything, that computes as `Llama` does.
_STATED = {
    "model_type": "llama",
    "hidden_act": "silu",
    "partial_rotary_factor": 1.0,
    "rope_interleaved": False,
}


def _read_config(path: Path) -> LlamaConfig:
    """The sizes that a Hugging Face config.json states."""
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        rotary = stated.get("rope_parameters") or stated.get("rope_scaling") or {}
        scaling = rotary.get("rope_type") or rotary.get("type") or "default"
        config = LlamaConfig(
            vocabulary=stated["vocab_size"],
            width=stated["hidden_size"],
            layers=stated["num_hidden_layers"],
            heads=stated["num_attention_heads"],
            kv_heads=stated.get("num_key_value_heads") or stated["num_attention_heads"],
            head_width=stated.get("head_dim")
            or stated["hidden_size"] // stated["num_attention_heads"],
            hidden=stated["intermediate_size"],
            rope_base=float(rotary.get("rope_theta") or stated.get("rope_theta", 10000.0)),
            norm_epsilon=stated["rms_norm_eps"],
            tied=stated.get("tie_word_embeddings", False),
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        _model_checks.broken_file(
            path, "a Llama's config.json", f"cannot be read as one ({error!r})"
        )
    _model_checks.stated_as(path, stated, _STATED)
    if scaling != "default":
        _model_checks.unsupported_model(
            path, f"rotary scaling {scaling!r}", "plain rotary positions"
        )
    return config


def _half_split(weight: np.ndarray, head_width: int) -> np.ndarray:
    """Rows of each head from the order of interleaved rotary pairs to half-split order."""
    heads = weight.reshape(-1, head_width // 2, 2, weight.shape[-1])
    return heads.swapaxes(1, 2).reshape(weight.shape)


def _assemble(
    path: str | Path,
    config: LlamaConfig,
    available: Iterable[str],
    read: Callable[[str], np.ndarray],
    *,
    column: int,
    block: str,
    dtype: DTypeLike,
) -> Llama:
    """The model whose tensors `read` gives under the names in `column` of the two tables."""
    sources = {
        row[0]: [row[column]]
        for row in _MODEL_TENSORS
        if row[0] != "head.kernel" or not config.tied
    } | {
        f"blocks.{row[0]}": [block.format(i) + row[column] for i in range(config.layers)]
        for row in _BLOCK_TENSORS
    }
    stored = [name for name in available if not name.endswith(_DERIVED)]
    params = _tensor_files.nested(path, sources, stored, read, dtype)
    try:
        return llama_from_params(config, params)
    except ValueError as error:
        _model_checks.broken_file(path, "a model whose tensors fit its sizes", f"does not: {error}")
