"""A tiny Llama with what real ones have, and files that hold it."""

import gguf
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from hadax.models import Llama, LlamaConfig, llama_from_params, parameters

# Bytes as GPT-2 prints them, two merges, a control token; and an "Ġ" for the space.
LETTERS = [chr(c) for c in range(ord("!"), ord("~") + 1)] + ["Ġ"]
TOKENS = [*LETTERS, "ab", "Ġab", "ĠĠ", "<|end|>"]
MERGES = ["a b", "Ġ ab", "Ġ Ġ"]


@pytest.fixture(scope="session")
def config():
    """Two query heads a key head, tied embeddings."""
    return LlamaConfig(
        vocabulary=len(TOKENS),
        width=24,
        layers=2,
        heads=4,
        kv_heads=2,
        head_width=4,
        hidden=40,
        rope_base=100.0,
    )


@pytest.fixture(scope="session")
def llama(config):
    """Random weights, random gains: a gain of one would hide a norm that is not folded."""
    params = parameters(Llama(config, rngs=nnx.Rngs(0)))
    generator = np.random.default_rng(0)

    def random_gain(path, array):
        if path[-1].key != "scale":
            return array
        return jnp.asarray(generator.uniform(0.3, 3.0, array.shape), array.dtype)

    return llama_from_params(config, jax.tree_util.tree_map_with_path(random_gain, params))


@pytest.fixture(scope="session")
def tokens(config):
    """Two windows of token ids."""
    return jnp.asarray(np.random.default_rng(1).integers(config.vocabulary, size=(2, 12)), "int32")


def interleaved(weight, head_width):
    """Rows of W_q or W_k in the order of GGUF: rotary pairs side by side."""
    heads = weight.reshape(-1, 2, head_width // 2, weight.shape[-1])
    return heads.swapaxes(1, 2).reshape(weight.shape)


def gguf_tensors(model):
    """The tensors of a GGUF file, by name."""
    params = jax.tree.map(np.asarray, parameters(model))
    tensors = {
        "token_embd.weight": params["embed"]["embedding"],
        "output_norm.weight": params["norm"]["scale"],
    }
    if not model.config.tied:
        tensors["output.weight"] = params["head"]["kernel"].T
    names = {
        "attention_norm": "attn_norm", "query": "attn_q", "key": "attn_k", "value": "attn_v",
        "output": "attn_output", "feed_forward_norm": "ffn_norm", "gate": "ffn_gate",
        "up": "ffn_up", "down": "ffn_down",
    }  # fmt: skip
    for ours, theirs in names.items():
        for layer in range(model.config.layers):
            part = params["blocks"][ours]
            tensor = part["scale"][layer] if "scale" in part else part["kernel"][layer].T
            if ours in ("query", "key"):
                tensor = interleaved(tensor, model.config.head_width)
            tensors[f"blk.{layer}.{theirs}.weight"] = tensor
    return tensors


@pytest.fixture(scope="session")
def write_gguf():
    """A function that writes a model into a GGUF file, with changes on request."""

    def write(path, model, *, architecture="llama", change=lambda tensors: tensors, extra=None,
              pre="smollm", quantize=()):  # fmt: skip
        c = model.config
        writer = gguf.GGUFWriter(path, architecture)
        writer.add_block_count(c.layers)
        writer.add_embedding_length(c.width)
        writer.add_feed_forward_length(c.hidden)
        writer.add_head_count(c.heads)
        writer.add_head_count_kv(c.kv_heads)
        writer.add_rope_dimension_count(c.head_width)
        writer.add_rope_freq_base(c.rope_base)
        writer.add_layer_norm_rms_eps(c.norm_epsilon)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(TOKENS)
        writer.add_token_types([3 if token == "<|end|>" else 1 for token in TOKENS])
        writer.add_token_merges(MERGES)
        for key, value in (extra or {}).items():
            writer.add_string(key, value)
        for name, tensor in change(gguf_tensors(model)).items():
            if name in quantize:
                kind = gguf.GGMLQuantizationType.Q8_0
                writer.add_tensor(name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
            else:
                writer.add_tensor(name, np.ascontiguousarray(tensor))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return write


@pytest.fixture(scope="session")
def gguf_file(tmp_path_factory, llama, write_gguf):
    """The tiny model in a GGUF file."""
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", llama)


@pytest.fixture(scope="session")
def calibration(llama):
    """Windows of other ids than those that models are judged by."""
    return jnp.asarray(np.random.default_rng(3).integers(llama.config.vocabulary, size=(8, 12)))
