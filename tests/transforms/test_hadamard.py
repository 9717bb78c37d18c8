"""The public side of the Hadamard orders."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import hadax


def test_powers_of_two_agree_with_scipy():
    np.testing.assert_array_equal(hadax.hadamard_matrix(16), scipy.linalg.hadamard(16))


@pytest.mark.parametrize("dtype", [jnp.int8, jnp.bfloat16, jnp.float32, jnp.complex64])
def test_dtype(dtype):
    matrix = hadax.hadamard_matrix(12, dtype=dtype)
    assert matrix.dtype == dtype
    np.testing.assert_array_equal(np.asarray(matrix.real).astype(int), hadax.hadamard_matrix(12))


def test_the_default_dtype_keeps_products_exact():
    H = hadax.hadamard_matrix(156)
    np.testing.assert_array_equal(H @ H.T, 156 * np.eye(156))


@pytest.mark.parametrize("dtype", [jnp.uint8, bool])
def test_a_dtype_without_minus_one_is_refused(dtype):
    with pytest.raises(TypeError, match="Argument `dtype` must be a type that holds -1"):
        hadax.hadamard_matrix(4, dtype=dtype)


@pytest.mark.parametrize("n", [4.0, "4", True, None])
@pytest.mark.usefixtures("without_shape_checks")
def test_an_order_that_is_no_integer_is_refused(n):
    with pytest.raises(TypeError, match="Argument `n` must be an integer"):
        hadax.hadamard_matrix(n)
    with pytest.raises(TypeError, match="Argument `n` must be an integer"):
        hadax.next_hadamard_length(n)


def test_an_order_out_of_reach_names_its_neighbours():
    with pytest.raises(ValueError, match=r"but is 188\. The nearest such orders are 184 and 192\."):
        hadax.hadamard_matrix(188)


@pytest.mark.parametrize(
    ("n", "expected"), [(1, 1), (3, 4), (185, 192), (11008, 11008), (2**20 + 1, 1052672)]
)
def test_next_hadamard_length(n, expected):
    assert hadax.next_hadamard_length(n) == expected
