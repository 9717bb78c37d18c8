"""The fused GPU kernels without a GPU: against float64 and against what XLA computes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.kernels import _fused, _gpu_plan, _reference, _triton_fused
from hadax.quantization import pack_planes
from tests.kernels import gpu_targets


def unpacked(codes, grid):
    """Codes as numbers in float64."""
    if grid != "int4":
        return np.asarray(codes, np.float64)
    nibbles = np.stack([codes & 15, codes >> 4], axis=-1).reshape(*codes.shape[:-1], -1)
    return np.where(nibbles > 7, nibbles.astype(int) - 16, nibbles).astype(np.float64)


@pytest.mark.parametrize("n", [64, 192, 512, 4096])
@pytest.mark.parametrize("grid", _fused.TOP)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_codes_of_the_kernel_are_those_of_xla_and_nearest(n, grid, dtype):
    rng = np.random.default_rng(n)
    x = jnp.asarray(rng.standard_normal((5, n)), dtype)
    signs = jnp.asarray(rng.choice([-1, 1], n), jnp.int8)
    passes = _gpu_plan.plan(n, dtype, "sm_90")
    kernel = functools.partial(_triton_fused.quantize, grid=grid, passes=passes, interpret=True)
    codes, scales = jax.jit(kernel)(x, signs)
    expected, expected_scales = _fused.quantize(x, signs, grid=grid)
    assert (codes.shape, codes.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(scales, expected_scales, rtol=1e-5)
    y = _reference.fwht(np.asarray(x, np.float64) * np.asarray(signs)) * n**-0.5
    found, right = unpacked(np.asarray(codes), grid), unpacked(np.asarray(expected), grid)
    assert (found == right).mean() > 0.998
    if grid == "fp8":
        np.testing.assert_allclose(found * scales, y, rtol=2**-4 * 1.01, atol=1e-2)
    else:
        assert np.abs(found - right).max() <= 1
        assert np.abs(found * scales - y).max() <= 0.501 * np.asarray(scales).max()


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
def test_groups_of_the_kernel_are_those_of_xla(bits):
    rng = np.random.default_rng(bits)
    codes = rng.integers(0, 2**bits, (3, 7 * 256))
    scales = jnp.asarray(rng.uniform(0.5, 2, (3, 7)), jnp.float32)
    planes = pack_planes(codes, bits=bits)
    kernel = functools.partial(_triton_fused.ungroup, bits=bits, dtype="float32", interpret=True)
    (found,) = jax.jit(kernel)(planes, scales)
    (right,) = _fused.ungroup(planes, scales, bits=bits, dtype="float32")
    np.testing.assert_array_equal(found, right)
    values = (2 * codes - 2**bits + 1).reshape(3, 7, 256)
    y = _reference.fwht(values) * np.asarray(scales, np.float64)[..., None] / 32
    np.testing.assert_allclose(found.reshape(y.shape), y, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend:DeprecationWarning")
@pytest.mark.parametrize("target", ["sm_80", "sm_90", "sm_100"])
def test_lowers_without_a_gpu(target):
    x = jax.ShapeDtypeStruct((64, 4096), jnp.bfloat16)
    signs = jax.ShapeDtypeStruct((4096,), jnp.int8)
    planes = jax.ShapeDtypeStruct((64, 3 * 8 * 16), jnp.uint32)
    scales = jax.ShapeDtypeStruct((64, 16), jnp.float32)
    programs = [(_fused.quantize, {"grid": grid}, (x, signs)) for grid in ("int8", "int4", "fp8")]
    programs.append((_fused.ungroup, {"bits": 3, "dtype": jnp.dtype("bfloat16")}, (planes, scales)))
    for function, options, args in programs:
        with gpu_targets.abstract_device(target):
            traced = jax.jit(functools.partial(function, **options)).trace(*args)
            text = traced.lower(lowering_platforms=("cuda",)).as_text()
        is_xla = target == "sm_80" and options.get("grid") == "fp8"
        assert text.count("__gpu$xla.gpu.triton") == (not is_xla)


def test_more_codes_than_pallas_can_count_are_refused():
    with gpu_targets.abstract_device("sm_90"):
        refusals = [
            _triton_fused.quantize_refusal((rows, 4096), jnp.bfloat16, "int8")
            for rows in (1 << 19, 1 << 20, 1 << 21)
        ]
    assert [refusal is None for refusal in refusals] == [True, False, True]
