"""Whole models on grids other than symmetric integers with scales in float32."""

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
    awq,
    gptq,
    quarot,
    rtn,
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


@pytest.fixture(scope="module")
def calibration(llama):
    """Windows of other ids than those that models are judged by."""
    return jnp.asarray(np.random.default_rng(3).integers(llama.config.vocabulary, size=(8, 12)))


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
    found = method(llama, sites, calibration, KEY, config(grid(format, dtype)))
    kernel = found.kernels["blocks.1.down.kernel"]
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
        for dtype in (None, "float16", "e4m3", "e8m0")
    }  # fmt: skip
    packed = bits[None] - 32 / 4
    assert [bits[dtype] - packed for dtype in ("float16", "e4m3", "e8m0")] == [4, 2, 2]


@pytest.mark.usefixtures("without_shape_checks")
def test_grids_that_cannot_be_kept_are_refused():
    with pytest.raises(ValueError, match="at most 8 bits"):
        QuantizationRule(weight_qtype=IntFormat(12))
    with pytest.raises(ValueError, match="scale_dtype"):
        precision("W4A16", scale_dtype="int8")
