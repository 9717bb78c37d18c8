"""Reference models: the Llama decoder and the BERT encoder, checkpoints, tokenizers, perplexity.

Needs the extra `models` (flax, optax, gguf, tokenizers, safetensors).
"""

from hadax.models.base import SITES, Tap, no_tap, parameters
from hadax.models.checkpoints import load_gguf, load_safetensors
from hadax.models.encoder import Encoder, EncoderBlock, EncoderConfig, encoder_from_params
from hadax.models.encoder_checkpoints import load_encoder
from hadax.models.llama import Block, Llama, LlamaConfig, llama_from_params
from hadax.models.moments import InputMoments, input_moments
from hadax.models.online import ActivationQuantizer, Online, activation_quantizer
from hadax.models.packed import load_quantized, save_quantized
from hadax.models.perplexity import next_token_losses, perplexity
from hadax.models.rotation import draw_rotations, map_kernels, rotate
from hadax.models.sentences import (
    encode_sentences,
    load_sentence_tokenizer,
    sentence_embeddings,
)
from hadax.models.solving import solve_kernels
from hadax.models.tables import encoder_sites, llama_sites
from hadax.models.tokenizer import load_tokenizer

__all__ = [
    "SITES",
    "ActivationQuantizer",
    "Block",
    "Encoder",
    "EncoderBlock",
    "EncoderConfig",
    "InputMoments",
    "Llama",
    "LlamaConfig",
    "Online",
    "Tap",
    "activation_quantizer",
    "draw_rotations",
    "encode_sentences",
    "encoder_from_params",
    "encoder_sites",
    "input_moments",
    "llama_from_params",
    "llama_sites",
    "load_encoder",
    "load_gguf",
    "load_quantized",
    "load_safetensors",
    "load_sentence_tokenizer",
    "load_tokenizer",
    "map_kernels",
    "next_token_losses",
    "no_tap",
    "parameters",
    "perplexity",
    "rotate",
    "save_quantized",
    "sentence_embeddings",
    "solve_kernels",
]
