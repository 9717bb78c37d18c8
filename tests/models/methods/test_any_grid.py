"""Whole models on grids other than symmetric integers with scales in float32, and settings."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.models import llama_sites, load_quantized, save_quantized
from hadax.models.methods import (
    AWQConfig,
    GPTQConfig,
    QuaRotConfig,
    RTNConfig,
    SmoothQuantConfig,
    SpinQuantConfig,
    awq,
    awq_scaled,
    gptq,
    learned_rotations,
    place_quantizers,
    quarot,
    rtn,
    spinquant,
)
from hadax.quantization import (
    FloatFormat,
    IntFormat,
    Precision,
    QuantizationRule,
    lloyd_max,
    nf4,
    precision,
)

KEY = jax.random.key(0)
CALLS = {
    "rtn": (rtn, RTNConfig),
    "gptq": (gptq, GPTQConfig),
    "awq": (awq, AWQConfig),
    "quarot": (quarot, QuaRotConfig),
}


def grid(format, dtype, group=4):
    """All linears on one grid."""
    return Precision((QuantizationRule(weight_qtype=format, tile_size=group, scale_dtype=dtype),))


GRIDS = [
    (IntFormat(4, symmetric=False), "float16"),
    (FloatFormat("e2m1"), "e8m0"),
    (nf4(), "e4m3"),
    (lloyd_max(4), None),
]


@pytest.mark.parametrize(
    ("name", "format", "dtype"),
    [
        ("gptq", *GRIDS[0]),
        *(
            pytest.param(name, *kind, marks=pytest.mark.slow)
            for kind in GRIDS
            for name in CALLS
            if (name, *kind) != ("gptq", *GRIDS[0])
        ),
    ],
    ids=str,
)
def test_every_method_rounds_to_any_grid(llama, calibration, tmp_path, name, format, dtype):
    method, config = CALLS[name]
    sites = llama_sites(llama.config)
    group = 7 if format.ignores_zeros else 4  # 7 divides no linear's inputs
    found = method(llama, sites, calibration, KEY, config(grid(format, dtype, group)))
    kernel = found.kernels["blocks.1.down.kernel"]
    assert kernel.padding == ((-kernel.shape[0] % 7, 0) if format.ignores_zeros else ())
    assert kernel.format == format
    np.testing.assert_array_equal(kernel.dequantize(), found.model.blocks.down.kernel[...][1])
    for errors in found.report.kernel_errors.values():
        assert (errors > 0.01).all()
        assert (errors < 0.35).all()
    save_quantized(tmp_path / "model", found)
    loaded = load_quantized(tmp_path / "model", found.model)
    for one, other in zip(jax.tree.leaves(loaded), jax.tree.leaves(found.model), strict=True):
        np.testing.assert_array_equal(one, other)


def test_scales_of_few_bits_are_counted(llama):
    bits = {
        dtype: rtn(
            llama, llama_sites(llama.config), None, None,
            RTNConfig(precision("W4A16", group=4, scale_dtype=dtype)),
        ).report.bits_per_weight
        for dtype in (None, "float16", "bfloat16", "e4m3", "e8m0")
    }  # fmt: skip
    packed = bits.pop(None) - 32 / 4
    assert [found - packed for found in bits.values()] == [4, 4, 2, 2]


@pytest.mark.usefixtures("without_shape_checks")  # eval_shape puts stand-ins in place of arrays
def test_the_structure_of_what_awq_returns_is_known_without_values(llama, calibration):
    sites, config = llama_sites(llama.config), AWQConfig(precision("W4A8", group=7))
    found = awq(llama, sites, calibration, None, config)
    like = jax.eval_shape(lambda m, t: awq(m, sites, t, None, config).model, llama, calibration)
    assert jax.tree.structure(like) == jax.tree.structure(found.model)


def test_activations_in_blocks(llama):
    sites = llama_sites(llama.config)
    token, block = (
        Precision((QuantizationRule(act_qtype=FloatFormat("e2m1"), act_tile_size=size),))
        for size in (None, 2)
    )
    tokens = jnp.arange(8)
    gaps = [
        jnp.abs(place_quantizers(llama, sites, chosen)(tokens) - llama(tokens)).mean()
        for chosen in (token, block)
    ]
    assert 0 < gaps[1] < 0.8 * gaps[0]


def test_awq_takes_the_clips_that_rules_name(llama, calibration):
    sites = llama_sites(llama.config)
    named, full = (
        awq_scaled(llama, sites, calibration, AWQConfig(precision("W3A16", weight_clip=clip)))[1]
        for clip in (0.5, 1.0)
    )
    assert {float(clip.squeeze()) for clips in named.values() for clip in clips} == {0.5}
    assert {float(clip.squeeze()) for clips in full.values() for clip in clips} == {1.0}


def test_spinquant_is_compiled_once(llama, calibration):
    sites, config = (
        llama_sites(llama.config),
        SpinQuantConfig(precision("W4A4"), steps=2, gptq=None),
    )
    spinquant(llama, sites, calibration, KEY, config)
    compiled = learned_rotations._step._cache_size()
    spinquant(llama, sites, calibration, jax.random.key(1), config)
    assert learned_rotations._step._cache_size() == compiled


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "hadax.quantization.precision", lambda m, s: rtn(
            m, s, None, None, RTNConfig("W4A8"))),
        (TypeError, "`model` must be a model of blocks", lambda m, s: rtn(
            s, m, None, None, RTNConfig(precision("W4A8")))),
        (TypeError, "`sites` must be the model's table", lambda m, s: rtn(
            m, None, None, None, RTNConfig(precision("W4A8")))),
        (ValueError, r"inputs of blocks/0/query for Code.*, but has 7. Divisors", lambda m, s: (
            rtn(m, s, None, None, RTNConfig(Precision((
                QuantizationRule(weight_qtype=lloyd_max(4), tile_size=7),)))))),
        (ValueError, "but names 'q_proj'", lambda m, s: awq(
            m, s, jnp.ones((1, 4), int), None, AWQConfig(precision("W4A8"), ("q_proj",)))),
        (TypeError, "`unclipped` must be a tuple of names", lambda m, s: AWQConfig(
            precision("W4A8"), "query")),
        (TypeError, "`names` must be a tuple of names", lambda m, s: QuaRotConfig(
            precision("W4A8"), names="hidden")),
        (TypeError, "`leave` must be a sequence", lambda m, s: precision("W4A8", leave="down")),
        (ValueError, "`alpha` must be from 0 to 1", lambda m, s: SmoothQuantConfig(
            precision("W4A8"), alpha=2.0)),
    ],
)  # fmt: skip
def test_settings_that_fit_nothing_are_refused(llama, error, message, call):
    with pytest.raises(error, match=message):
        call(llama, llama_sites(llama.config))


@pytest.mark.usefixtures("without_shape_checks")
def test_grids_that_cannot_be_kept_are_refused():
    with pytest.raises(ValueError, match="at most 8 bits"):
        QuantizationRule(weight_qtype=IntFormat(12))
    with pytest.raises(ValueError, match="scale_dtype"):
        precision("W4A16", scale_dtype="int8")
