"""Language models with rounded weights and activations, and what their activations look like."""

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hadax.models import SITES, Llama, next_token_losses
from hadax.quantization import (
    IntFormat,
    ScaleSpec,
    best_clip,
    fake_quantize,
    incoherence,
    kurtosis,
)

_ACTIVATION_CLIP = 0.9
_WEIGHT_CLIPS = np.linspace(1.0, 0.4, 31)
_EDGES = np.linspace(-12, 12, 97)  # of activations over their token's root mean square


@dataclass(frozen=True)
class Quantizer:
    """Bits of weights and of activations (None: left as they are), and how far the grids reach."""

    weights: int | None = None
    activations: int | None = None
    clipped: bool = False
    """Weights to their least squared error, activations to 0.9 of each token's largest."""


QUANTIZERS = {
    "off": Quantizer(),
    "W4A4": Quantizer(4, 4),
    "W4A4 clipped": Quantizer(4, 4, clipped=True),
    "W4A16": Quantizer(weights=4),
    "W16A4": Quantizer(activations=4),
}


@functools.partial(jax.jit, static_argnames="quantizer")
def round_kernel(kernel: jax.Array, *, quantizer: Quantizer) -> jax.Array:
    """A kernel rounded with one scale an output channel."""
    if quantizer.weights is None:
        return kernel
    bits, clip = quantizer.weights, 1.0
    if quantizer.clipped:
        per_output = ScaleSpec(axis=-2)
        clip = best_clip(kernel, IntFormat(bits), per_output, exponent=2.0, shares=_WEIGHT_CLIPS)
    return fake_quantize(kernel, bits=bits, axis=-2, clip=clip)


@functools.partial(jax.jit, static_argnames="quantizer")
def losses(model: Llama, tokens: jax.Array, *, quantizer: Quantizer) -> jax.Array:
    """Next-token losses with activations rounded before every linear, one scale a token."""

    def round_off(site: str, x: jax.Array) -> jax.Array:
        del site
        if quantizer.activations is None:
            return x
        clip = _ACTIVATION_CLIP if quantizer.clipped else 1.0
        return fake_quantize(x, bits=quantizer.activations, clip=clip)

    return next_token_losses(model, tokens, tap=round_off)


def activation_statistics(model: Llama, tokens: jax.Array) -> dict[str, Any]:
    """Histograms and statistics, by site, of what a per-token quantizer gets to see."""
    found = jax.device_get(_statistics(model, tokens))
    result: dict[str, Any] = {"edges": _EDGES.tolist()}
    for site in SITES:
        for name, value in found[site].items():
            result[f"{name}_{site}"] = np.asarray(value, np.float64).round(4).tolist()
    return result


@jax.jit
def _statistics(model: Llama, tokens: jax.Array) -> dict[str, dict[str, jax.Array]]:
    """By site: a histogram over all layers, and kurtosis and incoherence of every layer."""

    def record(inputs: dict[str, jax.Array]) -> dict[str, dict[str, jax.Array]]:
        return {site: layer_statistics(x) for site, x in inputs.items()}

    found = model.hidden(tokens, record=record)[1]
    return {site: values | {"counts": values["counts"].sum(0)} for site, values in found.items()}


def layer_statistics(x: jax.Array) -> dict[str, jax.Array]:
    """Return histogram, kurtosis and incoherence of a layer's x (..., n), each token over its root
    mean square."""
    flat = x.reshape(-1, x.shape[-1])
    unit = flat / jnp.sqrt(jnp.mean(jnp.square(flat), axis=-1, keepdims=True))
    inside = jnp.clip(unit, _EDGES[0], _EDGES[-1])
    return {
        "counts": jnp.histogram(inside, jnp.asarray(_EDGES, unit.dtype))[0],
        "kurtosis": kurtosis(unit),
        "incoherence": jnp.mean(incoherence(unit, axis=-1)),
    }
