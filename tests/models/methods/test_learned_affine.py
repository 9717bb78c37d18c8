"""FlatQuant learns, repeats itself, and goes on from where it was stopped."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from hadax.models import (
    Encoder,
    EncoderConfig,
    encoder_sites,
    llama_from_params,
    llama_sites,
    parameters,
)
from hadax.models.methods import (
    GPTQ,
    FlatQuantConfig,
    RTNConfig,
    flatquant,
    flatquant_mapped,
    rtn,
)
from hadax.models.methods._kept_layers import KeptLayers
from hadax.quantization import (
    Codebook,
    IntFormat,
    Precision,
    QuantizationRule,
    nf4,
    precision,
    storage,
)

# The finished model and its report are held together to round-off, through many roundings.
pytestmark = pytest.mark.optimized

CONFIG = FlatQuantConfig(precision("W4A4KV4"), steps=40, batch=4, rate=1e-2)


@pytest.fixture(scope="module")
def outliers(llama):
    """The tiny model with two large gains in front of queries and gates, as trained ones have."""
    params = parameters(llama)
    for norm in ("attention_norm", "feed_forward_norm"):
        params["blocks"][norm] = {"scale": params["blocks"][norm]["scale"].at[:, :2].set(20.0)}
    return llama_from_params(llama.config, params)


@pytest.fixture(scope="module")
def text(llama):
    """Windows to learn on."""
    return jnp.asarray(np.random.default_rng(2).integers(llama.config.vocabulary, size=(8, 16)))


def learned(model, text, config=CONFIG, seed=0, **keywords):
    sites = llama_sites(model.config)
    return flatquant(model, sites, text, jax.random.key(seed), config, **keywords)


@pytest.fixture(scope="module")
def found(outliers, text):
    """What is learned in one go."""
    return learned(outliers, text)


def added_errors(model, rounded, text):
    """The squared error of every rounded block, relative to what the block adds."""
    stream, errors = model.stream(text), []
    for layer in range(model.config.layers):
        block, other = (
            jax.tree.map(lambda leaf, at=layer: leaf[at], each.blocks) for each in (model, rounded)
        )
        after = block(stream)[0]
        gap = other(stream)[0] - after
        errors.append(float(jnp.sum(gap**2) / jnp.sum((after - stream) ** 2)))
        stream = after
    return np.array(errors)


def same(one, other):
    """Whether two results are the same bit for bit."""
    np.testing.assert_array_equal(one.report.losses, other.report.losses)
    leaves = [
        jax.tree.leaves((parameters(found.model), dict(found.model.blocks.online)))
        for found in (one, other)
    ]
    for found, expected in zip(*leaves, strict=True):
        np.testing.assert_array_equal(found, expected)


def parts(path):
    """What a checkpoint holds: settings, and layers by their numbers."""
    return {name.partition("/")[0] for name in storage.load(path)}


def test_it_learns_and_loses_less_than_rounding(outliers, text, found):
    first, last = found.report.losses.T
    assert (last < 0.9 * first).all()
    # What is reported is what the finished model does.
    np.testing.assert_allclose(added_errors(outliers, found.model, text), last, rtol=1e-3)
    nearest = rtn(outliers, llama_sites(outliers.config), None, None, RTNConfig(CONFIG.precision))
    assert (last < 0.7 * added_errors(outliers, nearest.model, text)).all()
    assert found.report.method == "flatquant"
    assert len(np.unique(found.model.blocks.up.kernel[0, :, 0])) <= 16
    np.testing.assert_array_equal(
        found.kernels["blocks.1.down.kernel"].dequantize(), found.model.blocks.down.kernel[1]
    )
    key_clips = found.model.blocks.online["key"].quantizers[0].clip
    assert not np.array_equal(*key_clips)


def test_a_stopped_run_goes_on_with_the_same_result(outliers, text, found, tmp_path):
    kept = dataclasses.replace(CONFIG, checkpoint=tmp_path / "kept.safetensors")

    def stops(layers):
        for layer in layers:
            if layer == 1:
                raise KeyboardInterrupt
            yield layer

    with pytest.raises(KeyboardInterrupt):
        learned(outliers, text, kept, progress=stops)
    first = storage.load(kept.checkpoint)
    assert {name.partition("/")[0] for name in first} == {"0", "settings"}
    resumed = learned(outliers, text, kept)
    same(resumed, found)
    assert {name.partition("/")[0] for name in storage.load(kept.checkpoint)} == {
        "0",
        "1",
        "settings",
    }
    otherwise = llama_from_params(
        dataclasses.replace(outliers.config, rope_base=50.0), parameters(outliers)
    )
    sites = llama_sites(outliers.config)
    fewer = dataclasses.replace(sites, sites=tuple(s for s in sites.sites if s.name != "heads"))
    for other in (
        lambda: learned(outliers, text, dataclasses.replace(kept, rate=2e-2)),
        lambda: learned(outliers, text[1:], kept),
        lambda: learned(outliers, text, kept, seed=1),
        lambda: learned(otherwise, text, kept),
        lambda: flatquant(outliers, fewer, text, jax.random.key(0), kept),
    ):
        with pytest.raises(ValueError, match="must be a file of the same model"):
            other()
    kept.checkpoint.write_bytes(kept.checkpoint.read_bytes()[:-9])
    with pytest.raises(ValueError, match="must be a whole file"):
        learned(outliers, text, kept)


def test_what_is_kept_is_of_one_codebook(tmp_path):
    """Two codebooks may be the same to their repr, which does not list many levels."""
    path = tmp_path / "kept.safetensors"
    levels = nf4().levels
    other = Codebook((*levels[:3], levels[3] + 0.01, *levels[4:]))
    assert repr(other) == repr(nf4())
    KeptLayers(path, [QuantizationRule(weight_qtype=nf4())], {}).put(0, {"a": jnp.ones(2)})
    KeptLayers(path, [QuantizationRule(weight_qtype=nf4())], {})
    with pytest.raises(ValueError, match="must be a file of the same model"):
        KeptLayers(path, [QuantizationRule(weight_qtype=other)], {})


@pytest.mark.slow
def test_layers_and_linears_may_be_left(outliers, text):
    """Of the second block only W_down is rounded, asymmetrically; nothing else has an error."""
    rules = (
        QuantizationRule("blocks/1/down", IntFormat(4, symmetric=False), None),
        QuantizationRule("blocks/1/.*"),
        QuantizationRule(weight_qtype=IntFormat(4), act_qtype=IntFormat(8), tile_size=4),
    )
    config = FlatQuantConfig(Precision(rules), steps=2)
    found = learned(outliers, text, config)
    assert found.report.kernel_errors["blocks.up.kernel"][1] == 0
    assert found.kernels["blocks.1.down.kernel"].zeros is not None
    np.testing.assert_allclose(
        added_errors(outliers, found.model, text), found.report.losses[:, 1], rtol=1e-3
    )


def test_what_is_kept_may_be_of_16_bits(tmp_path):
    """Numbers that NumPy has no buffers of are told apart too."""
    path = tmp_path / "kept"
    arrays = {"a": jnp.ones(3, jnp.bfloat16)}
    KeptLayers(path, [CONFIG], arrays).put(0, arrays)
    assert KeptLayers(path, [CONFIG], arrays).get(0, arrays)["a"].dtype == jnp.bfloat16
    with pytest.raises(ValueError, match="must be a file of the same model"):
        KeptLayers(path, [CONFIG], {"a": 2 * arrays["a"]})


@pytest.mark.slow
def test_models_of_16_bits(outliers, text):
    half = outliers.with_parameters(
        jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), parameters(outliers))
    )
    config = FlatQuantConfig(precision("W4A4"), steps=1, batch=1)
    # Flax asks for the common type of float32 and bfloat16 itself.
    with jax.numpy_dtype_promotion("standard"):
        found = learned(half, text, config)
    assert found.model.blocks.up.kernel.dtype == jnp.bfloat16
    assert np.isfinite(found.report.losses).all()


@pytest.mark.slow
def test_an_encoder_keeps_what_only_orthogonal_maps_would(text):
    """Its queries and keys meet without a map of their own; nothing else is lost."""
    config = EncoderConfig(vocabulary=32, width=16, layers=2, heads=2, hidden=24, positions=16)
    encoder, sites = Encoder(config, rngs=nnx.Rngs(0)), encoder_sites(config)
    settings = FlatQuantConfig(precision("W4A4"), steps=20)
    tokens = text % 32
    mapped = flatquant_mapped(encoder, sites, tokens, jax.random.key(0), settings)
    np.testing.assert_allclose(mapped(tokens), encoder(tokens), atol=1e-4)


@pytest.mark.slow
def test_gptq_may_finish(outliers, text, found):
    config = dataclasses.replace(CONFIG, gptq=GPTQ())
    assert learned(outliers, text, config).report.losses.tolist() == found.report.losses.tolist()


def test_bad_input(outliers, text, found, without_shape_checks):
    for changes, message in [
        ({"steps": 0}, "`steps` must be"),
        ({"batch": 0}, "`batch` must be"),
        ({"rate": 0.0}, "`rate` must be above 0"),
        ({"clip_rate": -1.0}, "`clip_rate` must be above 0"),
        ({"smoothing": 1.5}, "`smoothing` must be from 0 to 1, but is 1.5"),
    ]:
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(CONFIG, **changes)
    with pytest.raises(FileNotFoundError, match="in an existing folder"):
        learned(outliers, text, dataclasses.replace(CONFIG, checkpoint="no-such/file"))
    with pytest.raises(ValueError, match="`tokens` must be an integer array"):
        learned(outliers, None)
    with pytest.raises(ValueError, match="`model` must be one that nothing was put into, but has"):
        learned(found.model, text)
