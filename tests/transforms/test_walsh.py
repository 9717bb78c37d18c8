import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import hadax
from hadax import testing
from hadax._bits import bit_reversal, walsh_order
from hadax.kernels import _reference

GOLDEN = Path(__file__).parent.parent / "golden"
LLM_WIDTHS = [576, 1536, 2560, 3072, 5120, 11008, 13824, 14336, 18944]


def gaussian(*shape: int, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def test_matlab_golden_vector():
    golden = json.loads((GOLDEN / "matlab_fwht.json").read_text())
    x = jnp.array(golden["input"], jnp.float32)
    y = hadax.fwht(x, order=golden["order"], norm=golden["norm"])
    np.testing.assert_array_equal(y, golden["output"])
    np.testing.assert_array_equal(hadax.ifwht(y, order="sequency", norm="forward"), x)


@pytest.mark.parametrize("n", [1, 2, 4, 8, 64, 1024])
def test_qmcpy_golden_vectors(n):
    golden = np.load(GOLDEN / "qmcpy_transforms.npz", allow_pickle=False)
    y = hadax.fwht(jnp.asarray(golden[f"x_{n}"], jnp.float32))
    testing.assert_close(y, golden[f"fwht_{n}"], n=n)


def test_natural_order_is_scipys_matrix():
    y = hadax.fwht(jnp.eye(32), norm="backward")
    np.testing.assert_array_equal(y, scipy.linalg.hadamard(32))


@pytest.mark.parametrize("order", ["dyadic", "sequency"])
def test_orders_permute_the_natural_rows(order):
    x = gaussian(2, 64)
    natural = np.asarray(hadax.fwht(x))
    golden = np.load(GOLDEN / "walsh_tools.npz", allow_pickle=False)
    perm = golden["perm_paley" if order == "dyadic" else "perm_sequency"]
    np.testing.assert_array_equal(walsh_order(len(perm), order), perm)
    np.testing.assert_array_equal(hadax.fwht(x, order=order), natural[:, walsh_order(64, order)])
    testing.assert_close(hadax.ifwht(hadax.fwht(x, order=order), order=order), x, n=64, c=4.0)


@given(st.integers(0, 9))
@settings(deadline=None, max_examples=10)
def test_sequency_row_k_changes_sign_k_times(log_n):
    n = 1 << log_n
    matrix = _reference.hadamard_matrix(n, order="sequency")
    np.testing.assert_array_equal((np.diff(matrix, axis=1) != 0).sum(axis=1), np.arange(n))
    np.testing.assert_array_equal(matrix, matrix.T)
    dyadic = _reference.hadamard_matrix(n, order="dyadic")
    np.testing.assert_array_equal(dyadic, dyadic.T)
    np.testing.assert_array_equal(bit_reversal(n)[bit_reversal(n)], np.arange(n))


@pytest.mark.parametrize("n", [8, 12])
@pytest.mark.parametrize("norm", ["ortho", "backward", "forward"])
def test_the_inverse_undoes_every_norm(n, norm):
    x = gaussian(3, n)
    y = hadax.fwht(x, norm=norm)
    testing.assert_close(hadax.ifwht(y, norm=norm), x, n=n, c=4.0)
    scale = {"ortho": n**-0.5, "backward": 1.0, "forward": 1 / n}[norm]
    testing.assert_close(y, scale * _reference.fwht(x.astype(np.float64)), n=n)


def test_ortho_is_its_own_inverse_only_where_the_matrix_is_symmetric():
    x = gaussian(16)
    testing.assert_close(hadax.fwht(hadax.fwht(x)), x, n=16, c=4.0)
    x = gaussian(12)
    with pytest.raises(AssertionError, match="largest error"):
        testing.assert_close(hadax.fwht(hadax.fwht(x)), x, n=12, c=4.0)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.int32, np.uint32])
@pytest.mark.parametrize("n", [64, 24])
def test_integers_are_exact_modulo_their_width(dtype, n):
    x = np.random.default_rng(0).integers(0, 100, (2, n)).astype(dtype)
    wide = _reference.fwht(x.astype(np.int64))
    y = hadax.fwht(x, norm="backward")
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, wide.astype(dtype))
    back = x.astype(np.int64) @ _reference.hadamard_matrix(n)
    np.testing.assert_array_equal(hadax.ifwht(x, norm="forward"), back.astype(dtype))


def test_integer_values_stay_exact_in_floats():
    x = np.random.default_rng(0).integers(-100, 100, (2, 4096)).astype(np.float32)
    np.testing.assert_array_equal(hadax.fwht(x, norm="backward"), _reference.butterfly(x))


@pytest.mark.parametrize("n", [1, 8, 12, 576])
def test_the_two_oracles_agree(n):
    x = gaussian(2, n, dtype=np.float64)
    np.testing.assert_allclose(_reference.butterfly(x), _reference.fwht(x), rtol=1e-12, atol=1e-12)


def test_n_pads_and_truncates():
    x = gaussian(2, 6, 3)
    padded = np.pad(x, ((0, 0), (0, 2), (0, 0)))
    np.testing.assert_array_equal(hadax.fwht(x, n=8, axis=1), hadax.fwht(padded, axis=1))
    np.testing.assert_array_equal(hadax.fwht(x, n=4, axis=1), hadax.fwht(x[:, :4], axis=1))


def test_several_axes():
    x = gaussian(4, 3, 12)
    right = np.einsum(
        "ij,jbk,lk->ibl",
        _reference.hadamard_matrix(4) / 2,
        x.astype(np.float64),
        _reference.hadamard_matrix(12) / 12**0.5,
    )
    y = hadax.fwhtn(x, axes=(0, -1))
    testing.assert_close(y, right, n=48, c=4.0)
    testing.assert_close(hadax.ifwhtn(y, axes=(0, -1)), x, n=48, c=8.0)
    assert hadax.fwhtn(x, s=(4, 16)).shape == (4, 4, 16)
    np.testing.assert_array_equal(hadax.fwhtn(x, axes=2), hadax.fwht(x))
    np.testing.assert_array_equal(hadax.fwhtn(x, s=4), hadax.fwht(x, n=4))
    np.testing.assert_array_equal(
        hadax.fwhtn(x, s=np.array([4, 12]), axes=np.array([0, 2])), hadax.fwhtn(x, axes=(0, 2))
    )


@pytest.mark.parametrize("n", LLM_WIDTHS)
def test_widths_of_language_models(n):
    x = gaussian(2, n)
    y = hadax.fwht(x)
    testing.assert_close(y, _reference.butterfly(x) / n**0.5, n=n)
    testing.assert_close(hadax.ifwht(y), x, n=n, c=4.0)


# jaxlib 0.10.2 compiles dots followed by multiply-and-sum into wrong results on CPU, all of them
# with batch 1 and n >= 2^16: compare compiled code with float64 there, with consumers fused after.
SIZES = [(1, 2**16), (2, 2**16), (1, 2**17), (3, 2**12), (1, 2**12), (1, 12 * 2**13)]
LARGE = [(1, 2**18), (1, 2**19), (1, 2**20), (5, 2**18), (64, 2**14), (1, 172 * 2**11)]


@pytest.mark.parametrize(
    "shape", SIZES + [pytest.param(s, marks=pytest.mark.slow) for s in LARGE], ids=str
)
def test_compiled_code_agrees_with_float64(shape):
    n = shape[-1]
    x = gaussian(*shape)
    signs = np.random.default_rng(1).choice([-1.0, 1.0], n).astype(np.float32)[None, :]
    right = _reference.butterfly(x * signs) / n**0.5

    def transform(v):
        y = hadax.fwht(v * signs)
        return y, jnp.sum(y * y), jnp.max(jnp.abs(y)), jnp.mean(y)

    y, energy, largest, mean = jax.jit(transform)(x)
    testing.assert_close(y, right, n=n)
    np.testing.assert_allclose(float(energy), (right**2).sum(), rtol=1e-4)
    np.testing.assert_allclose(float(largest), np.abs(right).max(), rtol=1e-5)
    np.testing.assert_allclose(float(mean), right.mean(), atol=1e-6)


def test_large_dyadic_order_and_gradient_agree_with_float64():
    n = 2**16
    x = gaussian(1, n)
    right = _reference.butterfly(x)[:, bit_reversal(n)] / n**0.5
    testing.assert_close(jax.jit(lambda v: hadax.fwht(v, order="dyadic"))(x), right, n=n)
    gradient = jax.jit(jax.grad(lambda v: jnp.sum(hadax.fwht(v, order="dyadic") ** 2)))(x)
    testing.assert_close(gradient, 2 * x, n=n, c=8.0)


def test_the_jaxpr_is_one_line():
    jaxpr = str(jax.make_jaxpr(lambda x: hadax.fwht(x, norm="backward"))(jnp.ones(8)))
    assert "b:f32[8] = hadax_wht[n=8] a" in jaxpr
    assert jaxpr.count("=") - jaxpr.count("n=8") == 1


def test_the_gradient_is_the_same_primitive():
    jaxpr = str(jax.make_jaxpr(jax.linear_transpose(hadax.fwht, jnp.ones(8)))(jnp.ones(8)))
    assert "hadax_wht[n=8 scale=" in jaxpr
    assert "transpose" not in jaxpr
    jaxpr = str(jax.make_jaxpr(jax.linear_transpose(hadax.fwht, jnp.ones(12)))(jnp.ones(12)))
    assert "transpose=True" in jaxpr
