"""Language models by the methods that learn: learned once for what is rounded and what is not."""

import dataclasses
import functools
import hashlib
from pathlib import Path

import jax
import numpy as np
from tqdm import tqdm

from experiments._effort import Calibration
from experiments._language import calibration_tokens, load_corpus, load_model
from experiments._methods import Method, flatquant_config, parsed, spinquant_config
from experiments._store import results_folder
from hadax.models import Llama, llama_sites
from hadax.models.methods import (
    FlatQuantConfig,
    GPTQConfig,
    Quantized,
    RTNConfig,
    SpinQuantConfig,
    flatquant,
    flatquant_mapped,
    gptq,
    rtn,
    spinquant_rotated,
)
from hadax.quantization import ModelSites

# Steps and layers of one trial: a bar on a terminal, and nothing elsewhere.
_steps = functools.partial(tqdm, leave=False, disable=None)


def quantized(
    name: str, text: str, method: Method, setting: str, draw: int, seen: Calibration
) -> Quantized[Llama]:
    """Return the model by a method that learns what activations are rounded to."""
    sites, tokens = llama_sites(load_model(name).config), _tokens(name, text, seen)
    if method == "flatquant":
        config = _flat(name, text, setting, draw, seen)
        key = jax.random.key(draw)
        return flatquant(load_model(name), sites, tokens, key, config, progress=_steps)
    config = _spin(method, setting, sites, seen)
    rotated, losses = _rotated(name, text, method, setting, draw, seen)
    if config.gptq is None:
        found = rtn(rotated, sites, None, None, RTNConfig(config.precision))
    else:
        solving = GPTQConfig(config.precision, config.gptq)
        found = gptq(rotated, sites, tokens, None, solving, progress=_steps)
    return dataclasses.replace(found, report=dataclasses.replace(found.report, losses=losses))


def unrounded(
    name: str, text: str, method: Method, setting: str, draw: int, seen: Calibration
) -> Llama:
    """Return the model under the same maps, with nothing rounded."""
    if method != "flatquant":
        return _rotated(name, text, method, setting, draw, seen)[0]
    model, config = load_model(name), _flat(name, text, setting, draw, seen)
    sites, tokens = llama_sites(model.config), _tokens(name, text, seen)
    return flatquant_mapped(model, sites, tokens, jax.random.key(draw), config, progress=_steps)


@functools.lru_cache(maxsize=2)
def _rotated(
    name: str, text: str, method: Method, setting: str, draw: int, seen: Calibration
) -> tuple[Llama, np.ndarray]:
    """What SpinQuant learns."""
    model, key = load_model(name), jax.random.key(draw)
    sites, tokens = llama_sites(model.config), _tokens(name, text, seen)
    return spinquant_rotated(
        model, sites, tokens, key, _spin(method, setting, sites, seen), progress=_steps
    )


def _tokens(name: str, text: str, seen: Calibration) -> jax.Array:
    """The text that is learned on."""
    return calibration_tokens(load_corpus(name, text), seen.windows, seen.time)


def _spin(method: Method, setting: str, sites: ModelSites, seen: Calibration) -> SpinQuantConfig:
    """How SpinQuant learns."""
    chosen = parsed(setting, is_rotated=True)
    return spinquant_config(method, chosen, sites, seen.steps, seen.batch, seen.rate)


def _flat(name: str, text: str, setting: str, draw: int, seen: Calibration) -> FlatQuantConfig:
    """How FlatQuant learns, kept layer by layer among the local results: it takes minutes."""
    chosen = parsed(setting, is_rotated=True)
    known = repr((Path(name).name, Path(text).name, setting, draw, seen)).encode()
    folder = results_folder() / "local"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"flatquant-{hashlib.sha256(known).hexdigest()[:12]}.safetensors"
    return flatquant_config(chosen, seen.steps, seen.batch, seen.rate, kept)
