"""What quantizers do in every layer of a language model, and to single rotated vectors."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments._methods import FACTORIES
from experiments._quantized import layer_statistics
from hadax.discrepancy import ks_band
from hadax.models import Llama
from hadax.quantization import fake_quantize, incoherence, kurtosis

KERNELS = ("query", "key", "value", "output", "gate", "up", "down")

_BITS = 4
_CLIP = 0.9
_PEAKS = 4


def by_layer(
    model: Llama, rounded: Llama, kernels_rounded: Llama, tokens: jax.Array
) -> dict[str, list[float]]:
    """Return, for every layer, statistics and relative squared errors of a model at W4A4 and W4A16.

    All models are fed what the one that is not rounded makes of the text, block by block. A
    vector's error is ||x - x'||^2 / ||x||^2, and a block's is over what it adds to the stream; both
    are averaged over tokens. A kernel's is over all of it.
    """
    found = _activations(model, rounded, kernels_rounded, tokens) | _kernels(model, rounded)
    return {name: _digits(values) for name, values in jax.device_get(found).items()}


@jax.jit
def _activations(
    model: Llama, rounded: Llama, kernels_rounded: Llama, tokens: jax.Array
) -> dict[str, jax.Array]:
    """What linears read, and what blocks add, layer by layer."""

    def step(x: jax.Array, blocks: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        block, other, kernels_alone = blocks
        following, inputs = block(x)
        found = {
            "error_block": _relative_error(following - x, other(x)[0] - x),
            "error_block_w4a16": _relative_error(following - x, kernels_alone(x)[0] - x),
        }
        for place, read in inputs.items():
            seen = layer_statistics(read)
            found[f"kurtosis_{place}"] = seen["kurtosis"]
            found[f"incoherence_{place}"] = seen["incoherence"]
            found[f"error_{place}"] = _relative_error(read, other.online[place].rounded(read))
        return following, found

    blocks = (model.blocks, rounded.blocks, kernels_rounded.blocks)
    return jax.lax.scan(step, model.stream(tokens), blocks)[1]


def _relative_error(x: jax.Array, other: jax.Array) -> jax.Array:
    """Mean of ||x - x'||^2 / ||x||^2 over vectors."""
    return jnp.mean(_relative_errors(x, other))


def _relative_errors(x: jax.Array, other: jax.Array) -> jax.Array:
    """||x - x'||^2 / ||x||^2 of every vector (..., n)."""
    return jnp.sum(jnp.square(x - other), axis=-1) / jnp.sum(jnp.square(x), axis=-1)


@jax.jit
def _kernels(model: Llama, rounded: Llama) -> dict[str, jax.Array]:
    """The kernels, layer by layer; incoherence is the mean over outputs, which have scales."""
    found = {}
    for name in KERNELS:
        kernel = getattr(model.blocks, name).kernel[...]
        gap = kernel - getattr(rounded.blocks, name).kernel[...]
        found[f"kurtosis_{name}_kernel"] = kurtosis(kernel, axis=(-2, -1))
        found[f"incoherence_{name}_kernel"] = jnp.mean(incoherence(kernel, axis=-2), axis=-1)
        share = jnp.sum(jnp.square(gap), axis=(-2, -1)) / jnp.sum(jnp.square(kernel), axis=(-2, -1))
        found[f"error_{name}_kernel"] = share
    return found


@jax.jit
def activations(model: Llama, tokens: jax.Array) -> dict[str, jax.Array]:
    """Return vectors (layers, count, n) of a text: value heads, the stream before blocks, and what
    W_down reads."""

    def step(x: jax.Array, block: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        following, inputs = block(x)
        values = block.value(inputs["attention"])
        return following, {
            "value": values.reshape(-1, model.config.head_width),
            "residual": x.reshape(-1, x.shape[-1]),
            "hidden": inputs["down"].reshape(-1, model.config.hidden),
        }

    return jax.lax.scan(step, model.stream(tokens), model.blocks)[1]


def adversary(name: str, vectors: jax.Array) -> jax.Array:
    """Return e1, two equal entries, or the peaks of a vector as long as the given ones (..., n).

    The peaks are the largest four entries of the vector with the largest incoherence.
    """
    flat = vectors.reshape(-1, vectors.shape[-1])
    if name == "e1":
        return jnp.zeros(flat.shape[1]).at[0].set(1.0)
    if name == "two":
        return jnp.zeros(flat.shape[1]).at[:2].set(1.0)
    x = flat[jnp.argmax(incoherence(flat, axis=-1))]
    least = jnp.sort(jnp.abs(x))[-_PEAKS]
    return jnp.where(jnp.abs(x) >= least, x, 0.0)


def quality(key: jax.Array, vectors: jax.Array, rotation: str) -> dict[str, float]:
    """Return how far from uniform rotated vectors (count, n) are, and how well they are rounded.

    Each vector has a rotation of its own. The distance is that of Kolmogorov between all entries of
    all rotated vectors, as if these had length sqrt(n), and a coordinate of a uniform vector of
    that length. Errors are those of rounding to 4 bits with a scale a vector, reaching to 0.9 of
    the largest and to all of it.
    """
    rotated = _rotated(key, vectors, rotation=rotation)
    unit = np.asarray(rotated / jnp.linalg.norm(rotated, axis=1, keepdims=True), np.float64)
    count, n = unit.shape
    result = {"distance": ks_band(np.sqrt(n) * unit.ravel(), n).value}
    for name, clip in (("error", _CLIP), ("error_unclipped", 1.0)):
        rounded = fake_quantize(rotated, bits=_BITS, clip=clip)
        errors = np.asarray(_relative_errors(rotated, rounded), np.float64)
        result |= {name: errors.mean(), f"{name}_sem": errors.std() / np.sqrt(count)}
        result[f"{name}_largest"] = errors.max()
    return {name: float(f"{value:.5g}") for name, value in result.items()}


@functools.partial(jax.jit, static_argnames="rotation")
def _rotated(key: jax.Array, vectors: jax.Array, *, rotation: str) -> jax.Array:
    """Vectors (count, n), each rotated by a draw of its own."""
    count, n = vectors.shape
    if rotation == "none":
        return vectors
    if rotation == "haar":  # the law of a Haar rotation's image, without the rotation
        return jax.random.normal(key, (count, n), vectors.dtype)
    make = FACTORIES[rotation]
    return jax.vmap(lambda key, x: make(key, n)(x))(jax.random.split(key, count), vectors)


def _digits(values: np.ndarray) -> list[float]:
    """Five significant digits."""
    return [float(f"{value:.5g}") for value in values]
