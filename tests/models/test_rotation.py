"""Rotated models compute the same function; what cannot be folded is refused."""

import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import hadax
from hadax import operators
from hadax.models import (
    Llama,
    draw_rotations,
    llama_from_params,
    llama_sites,
    map_kernels,
    parameters,
    rotate,
)
from hadax.quantization import assert_invariant, fake_quantize, kurtosis

KINDS = {
    "one block": functools.partial(hadax.randomized_hadamard, blocks=1),
    "two blocks": hadax.randomized_hadamard,
    "haar": hadax.haar_rotation,
    "householder": hadax.householder,
}


PLACES = ("residual", "value", "hidden")


def draw(key, config, make, names=PLACES):
    return draw_rotations(key, llama_sites(config), config.layers, make, names=names)


def rotate_llama(model, rotations):
    return rotate(model, llama_sites(model.config), rotations)


def difference(model, other, tokens):
    return float(jnp.abs(model(tokens) - other(tokens)).max())


@pytest.mark.parametrize("kind", KINDS)
def test_logits_stay(llama, tokens, kind):
    before = jax.tree.map(np.asarray, parameters(llama))
    rotations = draw(jax.random.key(0), llama.config, KINDS[kind])
    rotated = rotate_llama(llama, rotations)
    assert difference(rotated, llama, tokens) < 1e-4
    assert not rotated.config.tied
    assert (rotated.norm.scale[...] == 1).all()
    assert float(jnp.abs(rotated.blocks.up.kernel - llama.blocks.up.kernel).max()) > 0.1
    assert llama.blocks.online == {}
    jax.tree.map(np.testing.assert_array_equal, before, parameters(llama))


@pytest.mark.parametrize("place", [*PLACES, "heads", "keys"])
def test_every_place_alone_and_twice(llama, tokens, place):
    alone = draw(jax.random.key(1), llama.config, hadax.randomized_hadamard, [place])
    once = rotate_llama(llama, alone)
    assert difference(once, llama, tokens) < 1e-4
    assert difference(rotate_llama(once, alone), llama, tokens) < 2e-4


def test_biases_of_values_are_rotated_and_float64_is_kept(config, tokens, x64):
    sizes = dataclasses.replace(config, attention_bias=True)
    params = parameters(Llama(sizes, rngs=nnx.Rngs(7)))
    generator = np.random.default_rng(8)

    def random(array):
        return jnp.asarray(1 + 0.5 * generator.standard_normal(array.shape), "float64")

    model = llama_from_params(sizes, jax.tree.map(random, params))
    assert model.config.tied
    rotations = draw(jax.random.key(9), sizes, hadax.haar_rotation)
    rotations = jax.tree.map(lambda leaf: leaf.astype("float64"), rotations)
    rotated = rotate_llama(model, rotations)
    assert rotated.blocks.value.bias.dtype == "float64"
    assert float(jnp.abs(rotated.blocks.value.bias - model.blocks.value.bias).max()) > 0.1
    # Flax asks for the common type of float64 and float32 itself.
    with jax.numpy_dtype_promotion("standard"):
        assert model(tokens).dtype == "float64"
        assert_invariant(model, rotated, tokens, tolerance=1e-9)


def test_an_untied_model(config, tokens):
    model = Llama(dataclasses.replace(config, tied=False), rngs=nnx.Rngs(5))
    rotations = draw(jax.random.key(2), config, hadax.haar_rotation)
    assert difference(rotate_llama(model, rotations), model, tokens) < 1e-4


def test_rotations_of_layers_differ_and_repeat_by_key(llama):
    first, again, other = (
        draw(jax.random.key(seed), llama.config, KINDS["two blocks"]) for seed in (0, 0, 1)
    )
    signs = first["hidden"].signs
    assert signs.shape == (2, 2, 40)
    assert not (signs[0] == signs[1]).all()
    np.testing.assert_array_equal(signs, again["hidden"].signs)
    assert not (signs == other["hidden"].signs).all()


def test_maps_that_are_no_rotations(llama, tokens):
    """Heads and hidden vectors allow any invertible map; the residual stream does not."""
    stretch = operators.diagonal(jnp.arange(1.0, 5.0))
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), stretch)
    for place in ("value", "keys"):
        assert difference(rotate_llama(llama, {place: stacked}), llama, tokens) < 1e-4
    with pytest.raises(ValueError, match=r"`rotations\['residual'\]` must be orthogonal"):
        rotate_llama(llama, {"residual": operators.diagonal(jnp.arange(1.0, 25.0))})


@pytest.mark.usefixtures("without_shape_checks")
def test_operators_that_do_not_fit_are_refused(llama):
    key = jax.random.key(0)
    stacked = draw(key, llama.config, hadax.randomized_hadamard)
    single = hadax.randomized_hadamard(key, 12)
    for place, op, kind, message in [
        ("residual", jnp.eye(24), TypeError, "must be an operator, but is a"),
        ("value", hadax.fwht, TypeError, "must be an operator, but is a function"),
        ("hidden", jnp.eye(40), TypeError, "must be an operator, but is a"),
        ("residual", stacked["hidden"], ValueError, "must be one operator, its arrays with 2 axes"),
        ("value", single, ValueError, "must be one a layer, its arrays with 2 axes after the lead"),
        ("hidden", single, ValueError, "must be one a layer, its arrays with 2 axes after the lea"),
        ("residual", single, ValueError, "must have shape (24, 24), but has (12, 12)"),
        ("value", stacked["hidden"], ValueError, "must have shape (4, 4), but has (40, 40)"),
        ("hidden", stacked["value"], ValueError, "must have shape (40, 40), but has (4, 4)"),
    ]:
        with pytest.raises(kind, match=re.escape(f"Argument `rotations[{place!r}]` {message}")):
            rotate_llama(llama, {place: op})


def test_rotation_under_jit(llama, tokens):
    rotations = draw(jax.random.key(0), llama.config, hadax.randomized_hadamard)
    logits = jax.jit(lambda model, r: rotate_llama(model, r)(tokens))(llama, rotations)
    assert float(jnp.abs(logits - llama(tokens)).max()) < 1e-4


def test_rotation_spreads_outlier_channels(llama, tokens):
    """Two large gains a norm, as in trained models, make spikes; the rotation makes Gaussians."""
    gains = llama.blocks.attention_norm.scale.at[:, :2].set(50.0)
    params = parameters(llama)
    params["blocks"]["attention_norm"] = {"scale": gains}
    spiky = llama_from_params(llama.config, params)
    rotations = draw(jax.random.key(0), llama.config, hadax.randomized_hadamard)

    def record(inputs):
        return kurtosis(inputs["attention"])

    rotated = rotate_llama(spiky, rotations)
    assert (spiky.hidden(tokens, record=record)[1] > 8).all()
    assert (rotated.hidden(tokens, record=record)[1] < 4).all()


def test_map_kernels_leaves_the_rest(llama, tokens):
    rotations = draw(jax.random.key(0), llama.config, hadax.randomized_hadamard)
    rotated = rotate_llama(llama, rotations)
    same = map_kernels(rotated, lambda kernel: kernel)
    assert difference(same, rotated, tokens) == 0
    rounded = map_kernels(llama, functools.partial(fake_quantize, bits=3, axis=-2))
    before, after = parameters(llama), parameters(rounded)
    np.testing.assert_array_equal(before["embed"]["embedding"], after["embed"]["embedding"])
    np.testing.assert_array_equal(before["norm"]["scale"], after["norm"]["scale"])
    assert len(np.unique(after["blocks"]["query"]["kernel"][1, :, 0])) <= 8
    with pytest.raises(ValueError, match="but its shape is"):
        map_kernels(llama, lambda kernel: kernel[..., :2])


def test_a_model_that_was_untied_keeps_its_head(llama, tokens):
    """The table of the tied model still fits: rotating twice by it changes nothing."""
    sites = llama_sites(llama.config)
    drawn = draw(jax.random.key(3), llama.config, hadax.haar_rotation, ["residual"])
    once = rotate(llama, sites, drawn)
    assert difference(rotate(once, sites, drawn), llama, tokens) < 2e-4
