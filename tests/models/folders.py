"""Folders of language models in the form of Hugging Face's libraries."""

import json

import jax
import numpy as np
from safetensors.numpy import save_file

from hadax.models import parameters


def write_folder(path, llama, dtype="float32"):
    """Write a model as transformers would save it, in two files, and return the folder."""
    c = llama.config
    stated = {
        "model_type": "llama", "vocab_size": c.vocabulary, "hidden_size": c.width,
        "num_hidden_layers": c.layers, "num_attention_heads": c.heads,
        "num_key_value_heads": c.kv_heads, "head_dim": c.head_width, "intermediate_size": c.hidden,
        "rms_norm_eps": c.norm_epsilon, "tie_word_embeddings": True,
        "rope_parameters": {"rope_theta": c.rope_base, "rope_type": "default"},
    }  # fmt: skip
    (path / "config.json").write_text(json.dumps(stated))
    params = jax.tree.map(lambda a: np.asarray(a).astype(dtype), parameters(llama))
    names = {
        "attention_norm": "input_layernorm", "query": "self_attn.q_proj",
        "key": "self_attn.k_proj", "value": "self_attn.v_proj", "output": "self_attn.o_proj",
        "feed_forward_norm": "post_attention_layernorm", "gate": "mlp.gate_proj",
        "up": "mlp.up_proj", "down": "mlp.down_proj",
    }  # fmt: skip
    blocks = {
        f"model.layers.{layer}.{theirs}.weight": np.ascontiguousarray(
            next(iter(params["blocks"][ours].values()))[layer].T
        )
        for ours, theirs in names.items()
        for layer in range(c.layers)
    }
    ends = {
        "model.embed_tokens.weight": params["embed"]["embedding"],
        "model.norm.weight": params["norm"]["scale"],
        "lm_head.weight": params["embed"]["embedding"],
    }
    save_file(blocks, path / "model-00001-of-00002.safetensors")
    save_file(ends, path / "model-00002-of-00002.safetensors")
    return path
