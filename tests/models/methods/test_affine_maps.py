"""The maps of FlatQuant: their factors, their inverses, and models that compute as before."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import hadax
from hadax.models import Llama, llama_from_params, llama_sites, parameters
from hadax.models.methods import _affine_maps as affine
from hadax.quantization import Site, assert_invariant, precision

KEY = jax.random.key(0)
FOUR = precision("W4A4KV4")


@pytest.mark.parametrize(
    ("n", "factors"),
    [
        (576, (24, 24)), (1536, (32, 48)), (4096, (64, 64)), (5120, (64, 80)), (8192, (64, 128)),
        (11008, (86, 128)), (14336, (112, 128)), (18944, (128, 148)), (40, (4, 10)), (7, (1, 7)),
        (6, (2, 3)), (1, (1, 1)),
    ],
)  # fmt: skip
def test_lengths_are_those_of_fermat(n, factors):
    assert affine.near_square(n) == factors


def drawn(key, maps, dtype):
    """Maps of one layer with parameters as large as after long learning."""
    frames = affine.random_frames(key, maps, dtype)
    zeros = {
        site.name: affine.unturned(lengths, dtype) if lengths else jnp.zeros(site.width, dtype)
        for site, lengths in maps
    }
    leaves, structure = jax.tree.flatten(zeros)
    keys = jax.random.split(jax.random.fold_in(key, 1), len(leaves))
    random = [
        0.4 * jax.random.normal(k, leaf.shape, dtype) for k, leaf in zip(keys, leaves, strict=True)
    ]
    return affine.operators(maps, jax.tree.unflatten(structure, random), frames)


def test_kronecker_products_and_their_inverses(x64):
    place = affine.Map(Site("down", 40, (), ()), (4, 10))
    op = drawn(KEY, (place,), "float64")["down"]
    matrix = np.asarray(op.as_matrix())
    parts = np.asarray(op.left.as_matrix()), np.asarray(op.right.as_matrix())
    np.testing.assert_allclose(matrix, np.kron(*parts), atol=1e-13)
    np.testing.assert_allclose(
        hadax.inverse(op).as_matrix(), np.linalg.inv(matrix), atol=1e-12 * np.linalg.cond(matrix)
    )


def test_maps_stand_where_something_is_rounded(config):
    assert [site.name for site, _ in affine.placed_maps(llama_sites(config), FOUR)] == [
        "attention", "feed_forward", "down",
        "in front of attention", "in front of feed_forward", "in front of down",
        "heads", "value", "keys",
    ]  # fmt: skip
    assert not any(
        site.name == "keys"
        for site, _ in affine.placed_maps(llama_sites(config), precision("W4A4"))
    )


def test_a_mapped_model_computes_the_same(config, tokens, x64):
    """With grouped heads, biases of queries, keys and values, and tied embeddings."""
    sizes = dataclasses.replace(config, attention_bias=True)
    params = parameters(Llama(sizes, rngs=nnx.Rngs(7)))
    keys = iter(jax.random.split(jax.random.key(8), 99))

    def random(array):
        return 1 + 0.5 * jax.random.normal(next(keys), array.shape, "float64")

    model = llama_from_params(sizes, jax.tree.map(random, params))
    maps = affine.placed_maps(llama_sites(sizes), FOUR)
    keys = jax.random.split(KEY, sizes.layers)
    each = [drawn(key, maps, "float64") for key in keys]
    ops = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)
    mapped = affine.with_maps(model, maps, ops)
    assert mapped.config.tied
    assert mapped.blocks.value.bias.dtype == "float64"
    assert mapped.blocks.online["query"].transform.matrix.shape == (2, 4, 4)
    assert float(jnp.abs(mapped.blocks.query.kernel - model.blocks.query.kernel).max()) > 0.1
    # Flax asks for the common type of float64 and float32 itself.
    with jax.numpy_dtype_promotion("standard"):
        assert_invariant(model, mapped, tokens, tolerance=1e-9)
