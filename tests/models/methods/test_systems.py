"""Whole models by every method: what must not change, what is rounded, what rules leave."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from hadax.models import (
    Llama,
    encoder_sites,
    input_moments,
    llama_from_params,
    llama_sites,
    parameters,
)
from hadax.models.methods import (
    GPTQ,
    AWQConfig,
    FlatQuantConfig,
    GPTQConfig,
    QuaRotConfig,
    RTNConfig,
    SmoothQuantConfig,
    SpinQuantConfig,
    awq,
    awq_scaled,
    flatquant_mapped,
    gptq,
    hadamard_or_haar,
    place_quantizers,
    quarot,
    rtn,
    smoothquant,
    spinquant,
    spinquant_rotated,
)
from hadax.quantization import (
    IntFormat,
    Precision,
    QuantizationRule,
    _params,
    assert_invariant,
    lloyd_max,
    precision,
)

KEY = jax.random.key(0)
W4 = precision("W4A16")
CALLS = {
    "rtn": (rtn, RTNConfig(W4)),
    "gptq": (gptq, GPTQConfig(W4)),
    "smoothquant": (smoothquant, SmoothQuantConfig(W4)),
    "awq": (awq, AWQConfig(W4)),
    "quarot": (quarot, QuaRotConfig(W4)),
    "spinquant": (spinquant, SpinQuantConfig(W4, steps=2, batch=2, rounds_weights=True)),
}


@pytest.fixture(scope="module")
def quantized(llama, calibration):
    """Every method at four bits a weight, each run once."""
    sites = llama_sites(llama.config)

    @functools.cache
    def run(name):
        method, config = CALLS[name]
        return method(llama, sites, calibration, KEY, config)

    return run


LOW = precision("W4A4KV4")
# What methods do before they round, each as far as it goes, all sites and keys included.
UNROUNDED = {
    "smoothquant": lambda model, sites, tokens: (
        smoothquant(model, sites, tokens, None, SmoothQuantConfig(precision("W16A16"))).model
    ),
    "awq": lambda model, sites, tokens: awq_scaled(model, sites, tokens, AWQConfig(W4))[0],
    "quarot": lambda model, sites, tokens: (
        quarot(
            model,
            sites,
            None,
            KEY,
            QuaRotConfig(precision("W16A16"), names=tuple(s.name for s in sites.sites), gptq=None),
        ).model
    ),
    "spinquant": lambda model, sites, tokens: spinquant_rotated(
        model, sites, tokens, KEY, SpinQuantConfig(LOW, steps=2, batch=2)
    )[0],
    "flatquant": lambda model, sites, tokens: flatquant_mapped(
        model, sites, tokens, KEY, FlatQuantConfig(LOW, steps=2, batch=2)
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_kernels_are_what_is_packed(llama, quantized, name):
    found = quantized(name)
    blocks = parameters(found.model)["blocks"]
    names = ("query", "key", "value", "output", "gate", "up", "down")
    assert set(found.kernels) == {f"blocks.{i}.{n}.kernel" for i in range(2) for n in names}
    for path, packed in found.kernels.items():
        _, layer, linear, _ = path.split(".")
        np.testing.assert_array_equal(
            blocks[linear]["kernel"][int(layer)], packed.dequantize(), strict=True
        )
        assert packed.format == IntFormat(4)
    assert found.report.method == name
    # The model that was given is left as it was.
    assert llama.blocks.online == {}
    assert llama.config.tied
    bits = [8 * packed.nbytes for packed in found.kernels.values()]
    entries = [np.prod(packed.shape) for packed in found.kernels.values()]
    np.testing.assert_allclose(found.report.bits_per_weight, sum(bits) / sum(entries), rtol=1e-6)
    for errors in found.report.kernel_errors.values():
        assert errors.shape == (2,)
        assert ((errors > 0) & (errors < 0.3)).all()


@pytest.mark.parametrize("name", ["smoothquant", "awq", "quarot"])
def test_with_nothing_rounded_logits_stay(llama, tokens, calibration, name):
    same = UNROUNDED[name](llama, llama_sites(llama.config), calibration)
    assert_invariant(llama, same, tokens, tolerance=2e-3)
    changed = parameters(same)["blocks"]["up"]["kernel"]
    assert not np.allclose(changed, llama.blocks.up.kernel[...], atol=1e-3)


def test_with_nothing_to_round_nothing_is_packed(llama):
    config = RTNConfig(precision("W16A16"))
    found = rtn(llama, llama_sites(llama.config), None, None, config)
    assert found.kernels == {}
    assert np.isnan(found.report.bits_per_weight)


@pytest.mark.parametrize("name", UNROUNDED)
def test_with_nothing_rounded_logits_stay_in_64_bits(config, tokens, calibration, x64, name):
    """On a Llama with shared heads, biases of queries, keys and values, and a tied head."""
    sizes = dataclasses.replace(config, attention_bias=True)
    keys = iter(jax.random.split(jax.random.key(8), 99))

    def random(array):
        return 1 + 0.5 * jax.random.normal(next(keys), array.shape, "float64")

    model = llama_from_params(
        sizes, jax.tree.map(random, parameters(Llama(sizes, rngs=nnx.Rngs(7))))
    )
    # Flax asks for the common type of float64 and float32 itself.
    with jax.numpy_dtype_promotion("standard"):
        same = UNROUNDED[name](model, llama_sites(sizes), calibration)
        assert same(tokens).dtype == "float64"
        assert_invariant(model, same, tokens, tolerance=1e-9)


def test_spinquant_starts_where_quarot_ends(llama, calibration):
    """The same key draws the same rotations: what differs between them is what was learned."""
    sites = llama_sites(llama.config)
    names = tuple(site.name for site in sites.sites)
    drawn = quarot(
        llama, sites, None, KEY, QuaRotConfig(precision("W16A16"), names=names, gptq=None)
    )
    start = SpinQuantConfig(LOW, steps=1, rate=1e-9, batch=1, names=names)
    rotated, _ = spinquant_rotated(llama, sites, calibration, KEY, start)
    for path in sites.kernels:
        one, other = (_params.at(parameters(model), path) for model in (drawn.model, rotated))
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_awq_scales_what_other_readers_of_a_vector_leave(llama, calibration):
    """Queries are left; keys and values, which read the same, are scaled as without them."""
    sites = llama_sites(llama.config)
    found, _ = awq_scaled(
        llama, sites, calibration, AWQConfig(precision("W4A16", leave=[".*/query"]))
    )
    before, after = (model.blocks.key.kernel[...] for model in (llama, found))
    assert float(jnp.abs(after - before).max()) > 1e-2


def test_quantizers_of_the_model_given_are_replaced_before_anything_is_calibrated(
    llama, calibration
):
    sites = llama_sites(llama.config)
    coarse = place_quantizers(llama, sites, precision("W16A2KV2"))
    for method, config in ((gptq, GPTQConfig(W4)), (smoothquant, SmoothQuantConfig(W4))):
        found = [method(model, sites, calibration, None, config) for model in (llama, coarse)]
        leaves = [jax.tree.leaves(parameters(each.model)) for each in found]
        assert all(np.array_equal(*pair) for pair in zip(*leaves, strict=True))


def test_an_ensemble_of_rotations_is_a_vmap(llama, tokens):
    """Methods that look at no text can be traced: over keys, or for shapes alone."""
    sites, config = llama_sites(llama.config), QuaRotConfig(precision("W4A8"), gptq=None)

    def logits(key):
        return quarot(llama, sites, None, key, config).model(tokens)

    found = jax.eval_shape(jax.vmap(logits), jax.random.split(KEY, 3))
    assert found.shape == (3, *tokens.shape, llama.config.vocabulary)


def test_gptq_and_awq_lose_less_than_rounding_to_nearest(llama, calibration, quantized):
    def error(found):
        return float(jnp.mean(jnp.square(found.model(calibration) - llama(calibration))))

    assert error(quantized("gptq")) < 0.9 * error(quantized("rtn"))
    # AWQ searches its own clips, so it is held against a grid that reaches all of the range.
    whole = RTNConfig(precision("W4A16", weight_clip=1.0))
    plain = error(rtn(llama, llama_sites(llama.config), None, None, whole))
    assert error(quantized("awq")) < plain


def test_rotation_and_learning_save_rounded_activations(llama, calibration):
    """Two large gains a norm make outliers, as in trained models."""
    params = parameters(llama)
    for norm in ("attention_norm", "feed_forward_norm"):
        params["blocks"][norm] = {"scale": params["blocks"][norm]["scale"].at[:, :2].set(50.0)}
    spiky = llama_from_params(llama.config, params)
    sites, eight = llama_sites(llama.config), precision("W16A8")

    def error(found):
        return float(jnp.mean(jnp.square(found.model(calibration) - spiky(calibration))))

    plain = error(rtn(spiky, sites, None, None, RTNConfig(eight)))
    rotated = quarot(spiky, sites, None, KEY, QuaRotConfig(eight, gptq=None))
    assert error(rotated) < 0.7 * plain
    smooth = smoothquant(spiky, sites, calibration, None, SmoothQuantConfig(eight))
    assert error(smooth) < plain


def test_spinquant_goes_downhill_and_repeats_by_key(llama, calibration):
    sites = llama_sites(llama.config)
    config = SpinQuantConfig(precision("W16A3"), steps=8, batch=8, gptq=None)
    seen = []

    def progress(steps):
        for i in steps:
            seen.append(i)
            yield i

    found = spinquant(llama, sites, calibration, KEY, config, progress=progress)
    again = spinquant(llama, sites, calibration, KEY, config)
    assert seen == list(range(8))
    assert min(found.report.losses[1:]) < found.report.losses[0]
    np.testing.assert_array_equal(found.report.losses, again.report.losses)
    jax.tree.map(np.testing.assert_array_equal, parameters(found.model), parameters(again.model))


def test_rules_leave_what_they_say(llama, calibration):
    """Eight bits in the first block, W_down left, groups and activations in the second block."""
    rules = (
        QuantizationRule(".*/down"),
        QuantizationRule("blocks/0/.*", weight_qtype=IntFormat(8)),
        QuantizationRule("blocks/1/.*", IntFormat(4), act_qtype=IntFormat(8), tile_size=8),
    )
    sites, mixed = llama_sites(llama.config), Precision(rules)
    for found in (
        rtn(llama, sites, None, None, RTNConfig(mixed)),
        gptq(llama, sites, calibration, None, GPTQConfig(mixed, GPTQ(act_order=False))),
    ):
        widths = {path: packed.format.bits for path, packed in found.kernels.items()}
        assert widths["blocks.0.up.kernel"] == 8
        assert widths["blocks.1.up.kernel"] == 4
        assert found.kernels["blocks.1.up.kernel"].scales.shape == (3, 40)
        assert not any("down" in path for path in widths)
        np.testing.assert_array_equal(
            found.model.blocks.down.kernel[...], llama.blocks.down.kernel[...]
        )
        online = found.model.blocks.online
        assert online["attention"].quantizers[0].on.tolist() == [False, True]
        assert online["down"].quantizers == ()


def test_keys_and_values_are_rounded_a_head_and_token(llama, tokens):
    sites = llama_sites(llama.config)
    placed = place_quantizers(llama, sites, precision("W16A16KV4"))
    assert {p for p, online in placed.blocks.online.items() if online.quantizers} == {
        "key",
        "value",
    }
    assert float(jnp.abs(placed(tokens) - llama(tokens)).max()) > 1e-3
    fine = place_quantizers(placed, sites, precision("W16A16KV8"))
    gaps = [float(jnp.abs(model(tokens) - llama(tokens)).mean()) for model in (fine, placed)]
    assert gaps[0] < 0.2 * gaps[1]


def test_smoothquant_evens_out_every_vector(llama, calibration):
    """With alpha = 1/2 the largest of what is read is that of the weights that read it, also where
    the gains of one vector change the kernels that read another."""
    sites = llama_sites(llama.config)
    config = SmoothQuantConfig(precision("W16A16"), alpha=0.5)
    smooth = smoothquant(llama, sites, calibration, None, config).model
    moments, params = jax.jit(input_moments)(smooth, calibration), parameters(smooth)
    for site in sites.inputs:
        if not site.writers:
            continue
        weights = [jnp.abs(_params.at(params, path)).max(axis=-1) for path in site.readers]
        np.testing.assert_allclose(
            moments[site.name].peak, functools.reduce(jnp.maximum, weights), rtol=1e-3
        )


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (ValueError, "`tokens` must be", lambda m, s: gptq(m, s, None, None, GPTQConfig(W4))),
        (ValueError, "time >= 2", lambda m, s: awq(m, s, jnp.ones(3, int), None, AWQConfig(W4))),
        (ValueError, "groups .tile_size. that divide", lambda m, s: rtn(m, s, None, None, RTNConfig(
            Precision((QuantizationRule(weight_qtype=lloyd_max(4), tile_size=7),))))),
        (ValueError, "does not name blocks.gate.kernel", lambda m, s: rtn(
            m, encoder_sites(m.config), None, None, RTNConfig(W4))),
        (ValueError, "groups .act_tile_size. that divide", lambda m, s: place_quantizers(
            m, s, Precision((QuantizationRule(act_qtype=lloyd_max(4), act_tile_size=7),)))),
        (KeyError, "no site 'stream'", lambda m, s: quarot(
            m, s, None, KEY, QuaRotConfig(W4, names=("stream",), gptq=None))),
        (TypeError, "key", lambda m, s: quarot(m, s, None, 0, QuaRotConfig(W4, gptq=None))),
        (ValueError, "`rate` must be above 0", lambda m, s: SpinQuantConfig(W4, rate=0.0)),
        (ValueError, "matches none", lambda m, s: rtn(
            m, s, None, None, RTNConfig(precision("W4A16", leave=["block/0/up"])))),
        (ValueError, "the same act_qtype, act_clip", lambda m, s: rtn(
            m, s, None, None, RTNConfig(Precision((
                QuantizationRule(".*/query", act_qtype=IntFormat(4), act_clip=0.5),
                QuantizationRule(act_qtype=IntFormat(4))))))),
        (ValueError, "ids from 0 to", lambda m, s: smoothquant(
            m, s, jnp.full((2, 4), 99), None, SmoothQuantConfig(W4))),
        (ValueError, "but holds -1", lambda m, s: gptq(
            m, s, jnp.full((2, 4), -1), None, GPTQConfig(W4))),
        (ValueError, "windows >= 1", lambda m, s: awq(
            m, s, jnp.ones((0, 4), int), None, AWQConfig(W4))),
        (ValueError, "rounds nothing then", lambda m, s: spinquant(
            m, s, jnp.ones((2, 4), int), KEY, SpinQuantConfig(W4))),
        (TypeError, "`config` must be a RTNConfig, but is a Precision", lambda m, s: rtn(
            m, s, None, None, W4)),
        (TypeError, "must be a hadax.models.methods.GPTQ, but is None", lambda m, s: GPTQConfig(
            W4, None)),
        (ValueError, "`damping` must be at least 0", lambda m, s: GPTQ(damping=-1.0)),
        (TypeError, "`act_order` must be True or False", lambda m, s: GPTQ(act_order="yes")),
        (ValueError, "`block` must be at least 1", lambda m, s: GPTQ(block=0)),
        (ValueError, "the same act_qtype", lambda m, s: rtn(m, s, None, None, RTNConfig(Precision(
            (QuantizationRule(".*/query", act_qtype=IntFormat(4)),))))),
        (ValueError, "keeps them", lambda m, s: rtn(
            m, dataclasses.replace(s, cache=()), None, None, RTNConfig(precision("W16A16KV4")))),
    ],
)  # fmt: skip
def test_bad_input_is_refused(llama, error, message, call):
    with pytest.raises(error, match=message):
        call(llama, llama_sites(llama.config))


def test_rules_that_do_not_fit_are_refused_before_anything_is_learned(llama, calibration):
    def never(steps):
        raise AssertionError(f"learned {steps}")

    sites = llama_sites(llama.config)
    rule = QuantizationRule(".*", lloyd_max(4), IntFormat(4), tile_size=5)
    config = SpinQuantConfig(Precision((rule,)), steps=2)
    with pytest.raises(ValueError, match="that divide the"):
        spinquant(llama, sites, calibration, KEY, config, progress=never)


def test_a_rotation_of_any_length():
    for n in (8, 9):
        op = hadamard_or_haar(KEY, n)
        np.testing.assert_allclose(op.as_matrix() @ op.T.as_matrix(), np.eye(n), atol=1e-5)
