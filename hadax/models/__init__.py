"""Reference language models: the Llama decoder, its checkpoints, tokenizer and perplexity.

Needs the extra `models` (flax, optax, gguf, tokenizers, safetensors).
"""

from hadax.models.checkpoints import load_gguf, load_safetensors
from hadax.models.llama import (
    SITES,
    Block,
    Llama,
    LlamaConfig,
    Tap,
    llama_from_params,
    llama_params,
    no_tap,
)
from hadax.models.moments import InputMoments, input_moments, llama_edges
from hadax.models.perplexity import next_token_losses, perplexity
from hadax.models.rotation import (
    LlamaRotations,
    draw_llama_rotations,
    llama_sites,
    map_kernels,
    rotate_llama,
)
from hadax.models.solving import solve_kernels
from hadax.models.tokenizer import load_tokenizer

__all__ = [
    "SITES",
    "Block",
    "InputMoments",
    "Llama",
    "LlamaConfig",
    "LlamaRotations",
    "Tap",
    "draw_llama_rotations",
    "input_moments",
    "llama_edges",
    "llama_from_params",
    "llama_params",
    "llama_sites",
    "load_gguf",
    "load_safetensors",
    "load_tokenizer",
    "map_kernels",
    "next_token_losses",
    "no_tap",
    "perplexity",
    "rotate_llama",
    "solve_kernels",
]
