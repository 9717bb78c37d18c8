"""Quantized models in files: they come back bit for bit, or it is said why not."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from hadax.models import (
    llama_from_params,
    llama_sites,
    load_quantized,
    parameters,
    save_quantized,
)
from hadax.models.methods import QuaRotConfig, RTNConfig, place_quantizers, quarot, rtn
from hadax.quantization import precision, storage
from hadax.quantization.qtensor import QTensor


@pytest.fixture(scope="module")
def quantized(llama):
    """Rotated, with quantizers of all that there is, and one linear of one block left."""
    mixed = precision("W4A8KV8", group=8, leave=["blocks/1/down"])
    config = QuaRotConfig(mixed, gptq=None)
    return quarot(llama, llama_sites(llama.config), None, jax.random.key(0), config)


@pytest.fixture
def file(tmp_path, quantized):
    save_quantized(tmp_path / "model", quantized)
    return tmp_path / "model"


def test_it_comes_back_bit_for_bit(file, quantized, llama, tokens):
    # Of a model of the same structure that holds other numbers.
    like = jax.tree.map(jnp.zeros_like, quantized.model)
    loaded = load_quantized(file, like)
    assert jax.tree.structure(loaded) == jax.tree.structure(quantized.model)
    pairs = zip(jax.tree.leaves(loaded), jax.tree.leaves(quantized.model), strict=True)
    for found, expected in pairs:
        np.testing.assert_array_equal(found, expected, strict=True)
    np.testing.assert_array_equal(loaded(tokens), quantized.model(tokens))


def test_kernels_are_kept_in_few_bits(file, quantized):
    stored = storage.load(file)
    packed = {name: value for name, value in stored.items() if isinstance(value, QTensor)}
    assert packed.keys() == quantized.kernels.keys()
    assert "blocks.1.down.kernel" in stored
    assert not any(name.endswith("kernel") and name.count(".") == 2 for name in stored)
    # 4 bits a weight and a scale of 32 bits for 8 of them.
    assert {value.bits_per_weight for value in packed.values()} == {8.0}


def test_a_damaged_file_is_refused(file, quantized):
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:-1], whole[:-9] + b"?" + whole[-8:]):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match="Write or fetch it again"):
            load_quantized(file, quantized.model)


def test_a_model_of_another_structure_is_refused(file, llama, quantized):
    with pytest.raises(ValueError, match=r"has True as config\.tied where that one has False"):
        load_quantized(file, rtn_of(llama, "W4A16"))
    narrow = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), quantized.model)
    with pytest.raises(ValueError, match=r"online\.attention\.quantizers"):
        load_quantized(file, narrow)
    storage.save(file, {"other": jnp.ones(2)})
    with pytest.raises(ValueError, match="does not say of which"):
        load_quantized(file, quantized.model)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"rope_base": 123.0}, "rope_base"),
        ({"norm_epsilon": 0.5}, "norm_epsilon"),
    ],
)
def test_a_model_that_computes_otherwise_is_refused(file, quantized, change, where):
    """Its arrays have the same shapes, and its outputs would be others."""
    config = dataclasses.replace(quantized.model.config, **change)
    like = llama_from_params(config, parameters(quantized.model))
    like.blocks.online = nnx.data(dict(quantized.model.blocks.online))
    with pytest.raises(ValueError, match=where):
        load_quantized(file, like)


def test_quantizers_of_other_bits_are_refused(tmp_path, llama):
    sites = llama_sites(llama.config)
    found = rtn(llama, sites, None, None, RTNConfig(precision("W4A4KV4")))
    save_quantized(tmp_path / "model", found)
    like = place_quantizers(found.model, sites, precision("W4A4KV8"))
    with pytest.raises(ValueError, match=r"online\.key\.quantizers\[0\]\.format\.bits"):
        load_quantized(tmp_path / "model", like)


def test_a_model_of_shapes_alone_is_enough(tmp_path, llama, tokens, without_shape_checks):
    """What another process has at hand: the method traced, and nothing computed."""
    sites, config = llama_sites(llama.config), RTNConfig(precision("W4A8"))
    found = rtn(llama, sites, None, None, config)
    save_quantized(tmp_path / "model", found)
    like = jax.eval_shape(lambda model: rtn(model, sites, None, None, config).model, llama)
    loaded = load_quantized(tmp_path / "model", like)
    np.testing.assert_array_equal(loaded(tokens), found.model(tokens))


def rtn_of(llama, name):
    return rtn(llama, llama_sites(llama.config), None, None, RTNConfig(precision(name))).model
