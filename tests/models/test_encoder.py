"""The encoder against what attention, masks and norms must do, and under rotations of its table."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import hadax
from hadax.models import (
    SITES,
    Encoder,
    EncoderConfig,
    activation_quantizer,
    draw_rotations,
    encoder_from_params,
    encoder_sites,
    input_moments,
    map_kernels,
    parameters,
    rotate,
    sentence_embeddings,
    solve_kernels,
)
from hadax.models.base import StackedBlock, StackedModel
from hadax.models.methods import QuaRotConfig, RTNConfig, SpinQuantConfig, quarot, spinquant
from hadax.models.methods import rtn as rtn_model
from hadax.models.online import Online
from hadax.quantization import IntFormat, fake_quantize, precision
from hadax.quantization.methods import rtn, smoothquant

CONFIG = EncoderConfig(vocabulary=40, width=48, layers=2, heads=12, hidden=96, positions=16)
TABLE = encoder_sites(CONFIG)
PLACES = [site.name for site in TABLE.sites]


def random_encoder(dtype="float32"):
    """Random gains and biases too: a bias of zero would hide one that is not rotated."""
    generator = np.random.default_rng(0)

    def random(path, array):
        if path[-1].key == "scale":
            return jnp.asarray(generator.uniform(0.3, 3.0, array.shape), dtype)
        spread = 1 / math.sqrt(array.shape[-2]) if path[-1].key == "kernel" else 0.5
        return jnp.asarray(spread * generator.standard_normal(array.shape), dtype)

    params = parameters(Encoder(CONFIG, rngs=nnx.Rngs(0)))
    return encoder_from_params(CONFIG, jax.tree_util.tree_map_with_path(random, params))


@pytest.fixture(scope="module")
def encoder():
    return random_encoder()


@pytest.fixture(scope="module")
def tokens():
    """Three sentences of 10, 7 and 3 tokens."""
    return jnp.asarray(np.random.default_rng(1).integers(CONFIG.vocabulary, size=(3, 10)), "int32")


MASK = jnp.asarray(np.arange(10) < np.array([[10], [7], [3]]))
embeddings = jax.jit(sentence_embeddings, static_argnames="batch")


def numpy_embedding(model, ids):
    """The same model, one token and one head at a time."""
    params = jax.tree.map(lambda a: np.asarray(a, np.float64), parameters(model))

    def norm(x, part):
        centred = x - x.mean()
        return centred / np.sqrt(np.mean(centred**2) + 1e-12) * part["scale"] + part["bias"]

    def linear(x, part):
        return x @ part["kernel"] + part["bias"]

    def heads(vector):
        return vector.reshape(CONFIG.heads, -1)

    def gelu(x):
        return np.array([v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x])

    tables = params["embed"]["embedding"], params["positions"]["embedding"]
    stream = [norm(tables[0][i] + tables[1][t], params["norm"]) for t, i in enumerate(ids)]
    for layer in range(CONFIG.layers):
        block = jax.tree.map(lambda a, layer=layer: a[layer], params["blocks"])
        queries, keys, values = (
            [heads(linear(x, block[name])) for x in stream] for name in ("query", "key", "value")
        )
        after = []
        for t, x in enumerate(stream):
            mixed = []
            for head in range(CONFIG.heads):
                scores = np.array([queries[t][head] @ key[head] for key in keys])
                weights = np.exp(scores / np.sqrt(CONFIG.head_width))
                weights /= weights.sum()
                mixed.append(sum(w * v[head] for w, v in zip(weights, values, strict=True)))
            y = norm(x + linear(np.concatenate(mixed), block["output"]), block["attention_norm"])
            hidden = gelu(linear(y, block["up"]))
            after.append(norm(y + linear(hidden, block["down"]), block["feed_forward_norm"]))
        stream = after
    mean = np.mean(stream, axis=0)
    return mean / np.linalg.norm(mean)


def test_against_a_model_written_out_in_numpy(encoder, tokens):
    """Sentences cut to their tokens: so padding is seen nowhere."""
    found = embeddings(encoder, tokens, MASK)
    for row, ids, seen in zip(found, np.asarray(tokens), np.asarray(MASK), strict=True):
        np.testing.assert_allclose(row, numpy_embedding(encoder, ids[seen]), atol=1e-5)


def test_no_mask_sees_everything_and_batches_do_not_matter(encoder, tokens):
    alone = embeddings(encoder, tokens, batch=1)
    whole = embeddings(encoder, tokens, jnp.ones((3, 10), bool), batch=2)
    np.testing.assert_allclose(alone, whole, atol=1e-6)
    vectors = encoder(tokens)
    assert vectors.shape == (3, 10, 48)
    mean = vectors[1].mean(0)
    np.testing.assert_allclose(alone[1], mean / jnp.linalg.norm(mean), atol=1e-6)


@pytest.mark.parametrize("place", PLACES)
def test_every_site_alone_and_twice(encoder, tokens, place):
    make = hadax.randomized_hadamard
    drawn = draw_rotations(jax.random.key(1), TABLE, CONFIG.layers, make, names=[place])
    before = embeddings(encoder, tokens, MASK)
    once = rotate(encoder, TABLE, drawn)
    assert bool(once.blocks.online) == TABLE[place].is_online
    np.testing.assert_allclose(embeddings(once, tokens, MASK), before, atol=2e-5)
    twice = rotate(once, TABLE, drawn)
    np.testing.assert_allclose(embeddings(twice, tokens, MASK), before, atol=2e-5)
    changed = [*TABLE[place].writers, *TABLE[place].readers]
    for path in changed:
        _, part, leaf = path.split(".")
        kept, new = (parameters(m)["blocks"][part][leaf] for m in (encoder, once))
        assert float(jnp.abs(kept - new).max()) > 0.1, path


def test_all_sites_twice_in_float64(x64, tokens):
    model = random_encoder("float64")
    drawn = draw_rotations(jax.random.key(2), TABLE, CONFIG.layers, hadax.haar_rotation)
    drawn = jax.tree.map(lambda leaf: leaf.astype("float64"), drawn)
    with jax.numpy_dtype_promotion("standard"):  # flax asks for common types itself
        before = embeddings(model, tokens, MASK)
        after = embeddings(rotate(rotate(model, TABLE, drawn), TABLE, drawn), tokens, MASK)
    assert before.dtype == after.dtype == "float64"
    np.testing.assert_allclose(after, before, atol=1e-9)


def test_scores_allow_orthogonal_maps_only_and_the_stream_none(encoder):
    stretch = jax.vmap(hadax.operators.diagonal)(jnp.array([[1.0, 2, 3, 4]] * 2))
    with pytest.raises(ValueError, match=r"`rotations\['keys'\]` must be orthogonal"):
        rotate(encoder, TABLE, {"keys": stretch})
    with pytest.raises(KeyError, match="no site 'residual'"):
        rotate(encoder, TABLE, {"residual": hadax.randomized_hadamard(jax.random.key(0), 48)})


def test_smoothing_what_has_writers(encoder, tokens):
    site = next(site for site in TABLE.inputs if site.writers)
    assert site.name == "output"
    peak = input_moments(encoder, tokens)["output"].peak
    smooth = encoder.with_parameters(smoothquant(parameters(encoder), site, peak))
    before, after = embeddings(encoder, tokens, MASK), embeddings(smooth, tokens, MASK)
    np.testing.assert_allclose(after, before, atol=2e-5)
    rows = jnp.abs(parameters(smooth)["blocks"]["output"]["kernel"]).max(-1)
    np.testing.assert_allclose(input_moments(smooth, tokens)["output"].peak, rows, rtol=1e-3)


def test_methods_for_stacked_models_run(encoder, tokens):
    assert isinstance(encoder, StackedModel)
    assert isinstance(encoder.blocks, StackedBlock)
    moments = input_moments(encoder, tokens)
    sizes = {site.name: site.width for site in TABLE.inputs}
    assert {name: found.peak.shape for name, found in moments.items()} == {
        name: (2, width) for name, width in sizes.items()
    }

    def solve(layer, kernels, hessian):
        return {path: rtn(kernel, IntFormat(4)).dequantize() for path, kernel in kernels.items()}

    solved = solve_kernels(encoder, TABLE, tokens, solve)
    nearest = map_kernels(encoder, lambda kernel: rtn(kernel, IntFormat(4)).dequantize())
    jax.tree.map(np.testing.assert_array_equal, parameters(solved), parameters(nearest))


def test_whole_methods_take_the_table(encoder, tokens):
    settings = QuaRotConfig(precision("W4A8"), gptq=None)
    found = quarot(encoder, TABLE, None, jax.random.key(0), settings)
    cosines = (embeddings(found.model, tokens) * embeddings(encoder, tokens)).sum(-1)
    assert (cosines > 0.9).all()
    assert (cosines < 1 - 1e-5).all()
    with pytest.raises(ValueError, match="names no places where it keeps them"):
        rtn_model(encoder, TABLE, None, None, RTNConfig(precision("W4A8KV4")))


@pytest.mark.usefixtures("without_shape_checks")
def test_no_rotation_is_learned_on_a_model_that_predicts_nothing(encoder, tokens):
    with pytest.raises(TypeError, match=r"must predict tokens \(have `logits`\).* is a Encoder"):
        spinquant(encoder, TABLE, tokens, jax.random.key(0), SpinQuantConfig(precision("W4A4")))


def test_quantizers_and_taps_stand_before_every_linear(encoder, tokens):
    seen = []

    def tap(site, x):
        seen.append(site)
        return fake_quantize(x, bits=8)

    tapped, record = encoder.hidden(tokens, mask=MASK, tap=tap, record=lambda inputs: inputs)
    assert tuple(seen) == SITES
    assert {site: x.shape[-1] for site, x in record.items()} == {
        site.name: site.width for site in TABLE.inputs
    }
    online = encoder.with_parameters(parameters(encoder))
    eight = Online(quantizers=(activation_quantizer(IntFormat(8), layers=2),))
    online.blocks.online = nnx.data(dict.fromkeys(SITES, eight))
    np.testing.assert_allclose(online(tokens, mask=MASK), tapped, atol=1e-5)
    again = online.with_parameters(parameters(encoder))
    assert again.blocks.online.keys() == set(SITES)
    keys = Online(quantizers=(activation_quantizer(IntFormat(2), layers=2),))
    for place in ("query", "key", "value"):
        again.blocks.online = nnx.data({place: keys})
        assert float(jnp.abs(again(tokens) - encoder(tokens)).max()) > 0.01


def test_gradients_reach_every_parameter(encoder, tokens):
    def loss(model):
        return jnp.sum(sentence_embeddings(model, tokens, MASK)[:, 0])

    for path, leaf in jax.tree_util.tree_leaves_with_path(
        parameters(jax.jit(jax.grad(loss))(encoder))
    ):
        assert np.isfinite(leaf).all()
        # Softmax does not see what is added to all scores of a query.
        is_key_bias = [part.key for part in path[-2:]] == ["key", "bias"]
        assert is_key_bias or np.abs(leaf).max() > 0


def test_half_precision_parameters_give_float32(encoder, tokens):
    half = encoder.with_parameters(
        jax.tree.map(lambda a: a.astype("bfloat16"), parameters(encoder))
    )
    with jax.numpy_dtype_promotion("standard"):
        found = embeddings(half, tokens, MASK)
    assert found.dtype == "float32"
    cosine = (found * embeddings(encoder, tokens, MASK)).sum(-1)
    assert (cosine > 0.99).all()


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused(encoder, tokens):
    run = functools.partial(sentence_embeddings, encoder)
    for call, kind, message in [
        (lambda: run(jnp.zeros((2, 17), int)), ValueError, "`tokens` must have at most 16 tokens"),
        (lambda: run(tokens[0]), ValueError, r"`tokens` must have shape \(sentences, time\)"),
        (lambda: run(tokens.astype("float32")), TypeError, "`tokens` must hold integers"),
        (lambda: run(tokens, MASK[:2]), ValueError, r"`mask` must be bool of the shape \(3, 10\)"),
        (lambda: run(tokens, tokens), ValueError, "`mask` must be bool .* but is int32"),
        (lambda: run(tokens, batch=0), ValueError, "`batch` must be at least 1, but is 0"),
        (
            lambda: EncoderConfig(vocabulary=9, width=8, layers=1, heads=3, hidden=9),
            ValueError,
            "`width` must be a multiple of heads=3, but is 8",
        ),
        (
            lambda: encoder_from_params(CONFIG, parameters(encoder) | {"pooler": jnp.ones(1)}),
            ValueError,
            "holds pooler",
        ),
    ]:
        with pytest.raises(kind, match=message):
            call()
