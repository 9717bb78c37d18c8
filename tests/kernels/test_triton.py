"""The Triton kernels without a GPU: their numbers in the interpreter, and their lowering."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.kernels import _gpu_plan, _hadamard_orders, _reference, _triton
from tests.kernels import gpu_targets

# Largest error as a share of the largest result: a 16-bit result is rounded once.
TOLERANCE = {"float32": 3e-7, "bfloat16": 4e-3, "float16": 6e-4}
# A length for each variant: one dot, a tile of rows, two factors, three, with a padded base factor,
# and two passes.
LENGTHS = (64, 512, 4096, 8192, 192, 5120, 4608, 65536)


def expected(x: np.ndarray, signs: np.ndarray, *, after: bool, transpose: bool) -> np.ndarray:
    """The transform in float64."""
    m, _ = _hadamard_orders.decompose(x.shape[-1])
    base = _hadamard_orders.base_matrix(m).astype(np.float64)
    x = x if after else x * signs
    y = np.einsum("ij,...jk->...ik", base.T if transpose else base, x.reshape(*x.shape[:-1], m, -1))
    y = _reference.butterfly(y).reshape(x.shape)
    return y * signs if after else y


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_against_float64(n, dtype):
    rng = np.random.default_rng(n)
    x = jnp.asarray(rng.standard_normal((3, n)), dtype)
    signs = rng.choice([-1, 1], n).astype(np.int8)
    after = transpose = dtype == "bfloat16"
    found = jax.jit(
        functools.partial(
            _triton.hadamard,
            after=after,
            transpose=transpose,
            scale=n**-0.5,
            passes=_gpu_plan.plan(n, dtype, "sm_90"),
            interpret=True,
        )
    )(x, jnp.asarray(signs))
    right = expected(np.asarray(x, np.float64), signs, after=after, transpose=transpose) * n**-0.5
    assert found.dtype == x.dtype
    error = np.abs(np.asarray(found, np.float64) - right).max() / np.abs(right).max()
    assert error < TOLERANCE[dtype]


@pytest.mark.parametrize("n", [128, 1024, 8192])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_integers_are_exact(n, dtype):
    x = jnp.asarray(np.random.default_rng(0).integers(-127, 128, (2, n)), dtype)
    passes = _gpu_plan.plan(n, dtype, "sm_80")
    y = _triton.hadamard(x, passes=passes, interpret=True)
    right = expected(np.asarray(x, np.float64), np.ones(n), after=False, transpose=False)
    np.testing.assert_array_equal(y, jnp.asarray(right, dtype))


def test_leading_axes_and_rows_that_fill_no_block():
    x = jnp.asarray(np.random.default_rng(0).standard_normal((3, 7, 256)), jnp.float32)
    hadamard = functools.partial(_triton.hadamard, interpret=True)
    rows = hadamard(x.reshape(21, 256))
    found = hadamard(x)
    np.testing.assert_array_equal(found, rows.reshape(x.shape))
    np.testing.assert_array_equal(found[1, 2], hadamard(x[1, 2]))


@pytest.mark.filterwarnings("ignore:The Pallas Triton backend:DeprecationWarning")
@pytest.mark.parametrize("target", ["sm_80", "sm_90", "sm_100"])
@pytest.mark.parametrize("n", LENGTHS)
def test_lowers_without_a_gpu(target, n):
    for dtype in _gpu_plan.DTYPES:
        with gpu_targets.abstract_device(target):
            assert _triton.generation() == target
            assert _triton.refusal(n, dtype) is None
            traced = jax.jit(_triton.hadamard).trace(jax.ShapeDtypeStruct((64, n), dtype))
            text = traced.lower(lowering_platforms=("cuda",)).as_text()
        passes = len(_gpu_plan.plan(n, dtype, target))
        assert text.count("__gpu$xla.gpu.triton") == passes


def test_without_a_gpu_there_is_a_reason():
    assert "no GPU" in _triton.refusal(64, "float32")
