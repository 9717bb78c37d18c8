"""Quantized language models by name: how each is made, from which text, and how it predicts."""

import functools
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from experiments import _learned
from experiments._effort import Calibration
from experiments._language import calibration_tokens, load_corpus, load_model
from experiments._methods import (
    FACTORIES,
    LEARNED,
    METHODS,
    ROTATED,
    Method,
    parsed,
    weights_alone,
    without_rounding,
)
from hadax import operators
from hadax.models import (
    Llama,
    draw_rotations,
    input_moments,
    llama_sites,
    next_token_losses,
    rotate,
)
from hadax.models.methods import Quantized, RTNConfig, place_quantizers, rtn
from hadax.operators import LinearOperator, elementary
from hadax.quantization import ModelSites

Drawn: TypeAlias = Literal["one block", "two blocks", "three blocks", "two blocks permuted", "haar"]
Rotation: TypeAlias = Literal["none", "none clipped", Drawn, "klt", "learned"]


def quantized(
    model: str, text: str, method: Method, setting: str, draw: int, seen: Calibration
) -> Quantized[Llama]:
    """Return the model by a method at a setting; what settings share is done once."""
    if method in LEARNED:
        return _learned.quantized(model, text, method, setting, draw, seen)
    found = _quantized(model, text, method, weights_alone(setting), draw, seen)
    sites = llama_sites(load_model(model).config)
    chosen = parsed(setting, is_rotated=method in ROTATED)
    placed = place_quantizers(found.model, sites, chosen)
    return Quantized(placed, found.kernels, found.report)


def unrounded(model: str, text: str, method: Method, draw: int, seen: Calibration) -> Llama:
    """Return the model after everything that a method does to it but rounding."""
    if method in LEARNED:
        return _learned.unrounded(model, text, method, "W4A4KV4", draw, seen)
    plain = load_model(model)
    tokens = calibration_tokens(load_corpus(model, text), seen.windows, seen.time)
    sites = llama_sites(plain.config)
    return without_rounding(METHODS[method], plain, sites, tokens, jax.random.key(draw))


@functools.lru_cache(maxsize=1)
def _quantized(
    name: str, text: str, method: Method, setting: str, draw: int, seen: Calibration
) -> Quantized[Llama]:
    """The method proper."""
    model = load_model(name)
    tokens = calibration_tokens(load_corpus(name, text), seen.windows, seen.time)
    chosen, key = parsed(setting, is_rotated=method in ROTATED), jax.random.key(draw)
    return METHODS[method](model, llama_sites(model.config), tokens, key, chosen)


def rotated_and_rounded(
    name: str, text: str, rotation: Rotation, setting: str, draw: int, seen: Calibration
) -> Llama:
    """Return the model in other coordinates, its kernels rounded to nearest.

    "none clipped" is the model as it is, its activations clipped as those of rotated ones are.
    """
    if rotation == "learned":
        return _learned.quantized(name, text, "spinquant rtn", setting, draw, seen).model
    kind = "none" if rotation == "none clipped" else rotation
    model = _rotated_and_rounded(name, text, kind, weights_alone(setting), draw, seen)
    chosen = parsed(setting, is_rotated=rotation != "none")
    return place_quantizers(model, llama_sites(model.config), chosen)


@functools.lru_cache(maxsize=1)
def _rotated_and_rounded(
    name: str, text: str, rotation: Rotation, setting: str, draw: int, calibration: Calibration
) -> Llama:
    """What settings share that round weights alike."""
    model = rotated(name, text, rotation, draw, calibration)
    config = RTNConfig(parsed(setting, is_rotated=False))
    return rtn(model, llama_sites(model.config), None, None, config).model


@functools.lru_cache(maxsize=1)
def rotated(name: str, text: str, rotation: Rotation, draw: int, calibration: Calibration) -> Llama:
    """Return the model in the coordinates of one draw of a kind of rotation."""
    model = load_model(name)
    sites = llama_sites(model.config)
    if rotation == "none":
        return model
    if rotation == "learned":
        return _learned.unrounded(name, text, "spinquant rtn", "W4A4KV4", draw, calibration)
    if rotation == "klt":
        return rotate(model, sites, _principal_axes(model, sites, name, text, calibration))
    make = FACTORIES[rotation]
    drawn = draw_rotations(jax.random.key(draw), sites, model.config.layers, make)
    return rotate(model, sites, drawn)


def _principal_axes(
    model: Llama, sites: ModelSites, name: str, text: str, calibration: Calibration
) -> dict[str, LinearOperator]:
    """Return rotations to the principal axes of what linears read: no key, no draw."""
    tokens = calibration_tokens(load_corpus(name, text), calibration.windows, calibration.time)
    # In place of a rotation, so that the norms' gains are folded away.
    plain = rotate(model, sites, {"residual": operators.scale(1.0, model.config.width)})
    moments = jax.jit(input_moments)(plain, tokens)
    stream = sum(
        _unit(moments[place].hessian).sum(axis=0) for place in ("attention", "feed_forward")
    )
    return {
        "residual": _axes(jnp.asarray(stream)),
        "hidden": jax.lax.map(_axes, moments["down"].hessian),
    }


def _unit(moments: jax.Array) -> jax.Array:
    """Return second moments (layers, n, n) with a trace of one each."""
    return moments / jnp.trace(moments, axis1=1, axis2=2)[:, None, None]


def _axes(moment: jax.Array) -> LinearOperator:
    """Return the rotation to the eigenvectors of a second moment."""
    vectors = jnp.linalg.eigh(moment)[1]
    return elementary.Dense(vectors.T, orthogonal=True)


def predicted(model: Llama, tokens: jax.Array) -> dict[str, Any]:
    """Return the mean loss of every window, in nats a token, and the perplexity over all."""
    nats = np.asarray(_losses(model, tokens), np.float64)
    return {
        "losses": nats.mean(axis=-1).round(6).tolist(),
        "perplexity": round(float(np.exp(nats.mean())), 4),
    }


_losses = jax.jit(next_token_losses)
