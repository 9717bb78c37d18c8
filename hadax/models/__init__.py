"""Reference models: the Llama decoder, its checkpoints, tokenizer and perplexity.

Needs the extra `models` (flax, optax, gguf, tokenizers, safetensors).
"""

from hadax.models.base import SITES, Tap, no_tap, parameters
from hadax.models.checkpoints import load_gguf, load_safetensors
from hadax.models.llama import Block, Llama, LlamaConfig, llama_from_params
from hadax.models.moments import InputMoments, input_moments
from hadax.models.online import ActivationQuantizer, Online, activation_quantizer
from hadax.models.packed import load_quantized, save_quantized
from hadax.models.perplexity import next_token_losses, perplexity
from hadax.models.rotation import draw_rotations, map_kernels, rotate
from hadax.models.solving import solve_kernels
from hadax.models.tables import llama_sites
from hadax.models.tokenizer import load_tokenizer

__all__ = [
    "SITES",
    "ActivationQuantizer",
    "Block",
    "InputMoments",
    "Llama",
    "LlamaConfig",
    "Online",
    "Tap",
    "activation_quantizer",
    "draw_rotations",
    "input_moments",
    "llama_from_params",
    "llama_sites",
    "load_gguf",
    "load_quantized",
    "load_safetensors",
    "load_tokenizer",
    "map_kernels",
    "next_token_losses",
    "no_tap",
    "parameters",
    "perplexity",
    "rotate",
    "save_quantized",
    "solve_kernels",
]
