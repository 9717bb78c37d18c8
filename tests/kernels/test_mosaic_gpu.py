"""The Mosaic GPU kernel without a GPU: its numbers in the interpreter, and its lowering."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.kernels import _reference
from tests.kernels import gpu_targets

pytest.importorskip("absl", reason="Mosaic GPU imports absl, which JAX 0.10 does not install")
from jax.experimental.pallas import mosaic_gpu

from hadax.kernels import _mosaic_gpu


@pytest.mark.skipif(
    not hasattr(mosaic_gpu, "InterpretGPUParams"), reason="JAX 0.10 has no public interpreter"
)
@pytest.mark.parametrize("n", [1024, 4096])
@pytest.mark.parametrize("after", [False, True])
def test_against_float64(n, after):
    rng = np.random.default_rng(n)
    x = jnp.asarray(rng.standard_normal((2, n)), jnp.bfloat16)
    signs = rng.choice([-1, 1], n).astype(np.int8)
    found = _mosaic_gpu.hadamard(
        x,
        jnp.asarray(signs),
        after=after,
        scale=n**-0.5,
        in_registers=False,
        interpret=mosaic_gpu.InterpretGPUParams(),
    )
    wide = np.asarray(x, np.float64)
    right = _reference.butterfly(wide if after else wide * signs) * n**-0.5
    right = right * signs if after else right
    assert np.abs(np.asarray(found, np.float64) - right).max() <= 4e-3 * np.abs(right).max()


@pytest.mark.parametrize("n", [1024, 2048, 4096, 8192, 16384])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lowers_for_hopper(n, dtype):
    x = jax.ShapeDtypeStruct((6, n), dtype)
    fwht = functools.partial(hadax.fwht, implementation="mosaic_gpu")
    with gpu_targets.abstract_device("sm_90"):
        text = jax.jit(fwht).trace(x).lower(lowering_platforms=("cuda",)).as_text()
    assert "mosaic_gpu" in text


@pytest.mark.parametrize(
    ("target", "n", "dtype", "reason"),
    [
        ("sm_80", 4096, "bfloat16", "Hopper GPUs only"),
        ("sm_100", 4096, "bfloat16", "Hopper GPUs only"),
        ("sm_90", 4096, "float32", "no kernel for float32"),
        ("sm_90", 512, "bfloat16", "no kernel for the length 512"),
    ],
)
def test_what_it_cannot_is_refused_before_it_is_lowered(target, n, dtype, reason):
    fwht = functools.partial(hadax.fwht, implementation="mosaic_gpu")
    with gpu_targets.abstract_device(target):
        traced = jax.jit(fwht).trace(jax.ShapeDtypeStruct((6, n), dtype))
        with pytest.raises(NotImplementedError, match=reason):
            traced.lower(lowering_platforms=("cuda",))
