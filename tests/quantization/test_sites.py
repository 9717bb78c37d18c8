"""Tables of sites on a model that is no Llama: biases, a gain stored as g - 1, a tied head."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.quantization import (
    ModelSites,
    Norm,
    Site,
    assert_invariant,
    fold_norms,
    fuse,
    untie,
)

LAYERS, WIDTH, HIDDEN = 3, 8, 12
SITES = ModelSites(
    sites=(
        Site(
            "stream",
            WIDTH,
            writers=("table", "blocks.down.kernel", "blocks.down.bias"),
            readers=("blocks.up.kernel", "head"),
            orthogonal=True,
        ),
        Site("hidden", HIDDEN, writers=(), readers=("blocks.down.kernel",), layered=True),
        Site(
            "pairs",
            2,
            writers=("blocks.mix_in.kernel", "blocks.mix_in.bias"),
            readers=("blocks.mix_out.kernel",),
            written=2,
            read=4,
            layered=True,
        ),
    ),
    norms=(Norm("blocks.norm", ("blocks.up.kernel",), offset=1.0), Norm("last_norm", ("head",))),
    tied=("table", "head"),
)


def random_params(key):
    keys = iter(jax.random.split(key, 12))

    def normal(*shape):
        return jax.random.normal(next(keys), shape)

    return {
        "table": normal(16, WIDTH),
        "blocks": {
            "norm": normal(LAYERS, WIDTH),
            "up": {"kernel": normal(LAYERS, WIDTH, HIDDEN), "bias": normal(LAYERS, HIDDEN)},
            "down": {"kernel": normal(LAYERS, HIDDEN, WIDTH), "bias": normal(LAYERS, WIDTH)},
            "mix_in": {"kernel": normal(LAYERS, HIDDEN, 4), "bias": normal(LAYERS, 4)},
            "mix_out": {"kernel": normal(LAYERS, 8, HIDDEN)},
        },
        "last_norm": normal(WIDTH),
    }


def model(params, tokens, online=None):
    """A residual network: pieces of two are read twice each, as heads that share their values."""
    x = params["table"][tokens]
    for layer in range(LAYERS):
        block = jax.tree.map(lambda leaf, layer=layer: leaf[layer], params["blocks"])
        normed = x / jnp.sqrt(jnp.mean(x**2, axis=-1, keepdims=True)) * (1 + block["norm"])[None]
        hidden = jnp.tanh(normed @ block["up"]["kernel"] + block["up"]["bias"][None])
        pieces = hidden @ block["mix_in"]["kernel"] + block["mix_in"]["bias"][None]
        twice = jnp.repeat(pieces.reshape(-1, 2, 2), 2, axis=1).reshape(-1, 8)
        hidden = jnp.tanh(hidden + twice @ block["mix_out"]["kernel"])
        if online is not None:
            hidden = jax.tree.map(lambda leaf, layer=layer: leaf[layer], online)(hidden)
        x = x + hidden @ block["down"]["kernel"] + block["down"]["bias"][None]
    x = x / jnp.sqrt(jnp.mean(x**2, axis=-1, keepdims=True)) * params["last_norm"][None]
    return x @ params.get("head", params["table"].T)


TOKENS = jnp.arange(16)
KEY = jax.random.key(5)


def rotations(key, n):
    """One rotation a layer."""
    return jax.vmap(lambda each: hadax.randomized_hadamard(each, n))(jax.random.split(key, LAYERS))


def test_every_site_leaves_the_function_as_it_is(x64):
    params = random_params(jax.random.key(0))
    folded = fold_norms(untie(params, SITES), SITES)
    assert_invariant(
        lambda t: model(params, t), lambda t: model(folded, t), TOKENS, tolerance=1e-11
    )
    np.testing.assert_array_equal(folded["blocks"]["norm"], 0)  # stored as g - 1
    np.testing.assert_array_equal(folded["last_norm"], 1)
    stream = hadax.randomized_hadamard(jax.random.key(1), WIDTH)
    hidden = rotations(jax.random.key(2), HIDDEN)
    fused = fuse(folded, SITES["stream"], stream)
    fused = fuse(fused, SITES["pairs"], rotations(jax.random.key(3), 2))
    fused = jax.jit(lambda p: fuse(p, SITES["hidden"], hidden))(fused)
    seen = assert_invariant(
        lambda t: model(params, t), lambda t: model(fused, t, hidden), TOKENS, tolerance=1e-10
    )
    assert seen > 0  # the parameters did change
    assert not jnp.allclose(fused["blocks"]["down"]["bias"], params["blocks"]["down"]["bias"])
    # What is given is left as it is.
    assert "head" not in params
    assert params["blocks"]["up"] is not fused["blocks"]["up"]


def test_a_diagonal_between_linears_is_undone():
    # On a site without a norm any invertible operator will do.
    params = {"up": {"kernel": jnp.ones((3, 4))}, "down": {"kernel": jnp.ones((4, 2))}}
    site = Site("middle", 4, writers=("up.kernel",), readers=("down.kernel",))
    op = hadax.operators.diagonal(jnp.array([1.0, 2.0, 4.0, 8.0]))
    fused = fuse(params, site, op)
    np.testing.assert_allclose(
        fused["up"]["kernel"] @ fused["down"]["kernel"], 4 * jnp.ones((3, 2))
    )
    np.testing.assert_allclose(fused["down"]["kernel"][:, 0], [1, 0.5, 0.25, 0.125])


def test_a_changed_function_is_seen():
    with pytest.raises(AssertionError, match=r"differ by 0\.5, more than tolerance=0\.1"):
        assert_invariant(jnp.negative, lambda x: 0.5 - x, jnp.ones(3), tolerance=0.1)
    with pytest.raises(AssertionError, match="nan"):
        assert_invariant(jnp.negative, lambda x: x * jnp.nan, jnp.ones(3), tolerance=0.1)
    with pytest.raises(AssertionError, match="shapes"):
        assert_invariant(jnp.negative, jnp.sum, jnp.ones(3), tolerance=0.1)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda p: SITES["heads"], KeyError, "no site 'heads'. There are: stream, hidden, pairs"),
        (
            lambda p: fuse(p, Site("s", 8, (), ("blocks.dwn.kernel",)), rotations(KEY, 8)),
            KeyError,
            "Did you mean 'down'",
        ),
        (
            lambda p: fuse(p, Site("s", 8, (), ("table.kernel",)), rotations(KEY, 8)),
            KeyError,
            "'kernel' is not there: there are none",
        ),
        (
            lambda p: fuse(p, SITES["hidden"], hadax.randomized_hadamard(KEY, 8)),
            ValueError,
            r"shape \(12, 12\) of the site 'hidden', but has op.shape=\(8, 8\)",
        ),
        (
            lambda p: fuse(p, SITES["hidden"], hadax.randomized_hadamard(KEY, HIDDEN)),
            ValueError,
            "one operator a layer",
        ),
        (lambda p: fuse(p, SITES["hidden"], jnp.eye(12)), TypeError, "must be an operator"),
        (
            lambda p: fuse(untie(p, SITES), SITES["stream"], hadax.operators.scale(2.0, WIDTH)),
            ValueError,
            "`op` must be orthogonal, since nothing else passes through here, but",
        ),
    ],
)
def test_bad_input(call, error, words, without_shape_checks):
    params = random_params(jax.random.key(0))
    with pytest.raises(error, match=words):
        call(params)
