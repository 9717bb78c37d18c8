from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.discrete.transforms import inverse_mobius_transform, mobius_transform

import hadax

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "walsh_tools.npz", allow_pickle=False)
integers = st.lists(st.integers(-1000, 1000), min_size=8, max_size=8)


@given(integers)
@settings(deadline=None, max_examples=25)
def test_sympy_has_the_same_sums_under_other_names(values):
    x = jnp.array(values)
    for subset in (True, False):
        zeta = mobius_transform(values, subset=subset)
        moebius = inverse_mobius_transform(values, subset=subset)
        np.testing.assert_array_equal(hadax.zeta(x, subset=subset), np.array(zeta, int))
        np.testing.assert_array_equal(hadax.imoebius(x, subset=subset), np.array(zeta, int))
        np.testing.assert_array_equal(hadax.moebius(x, subset=subset), np.array(moebius, int))
    np.testing.assert_array_equal(hadax.fwht(x, norm="backward"), np.array(sympy.fwht(values), int))


def test_golden_vectors():
    g, f = jnp.asarray(GOLDEN["g"]), jnp.asarray(GOLDEN["f_bool"])
    np.testing.assert_array_equal(hadax.zeta(g), GOLDEN["zeta_sub"])
    np.testing.assert_array_equal(hadax.zeta(g, subset=False), GOLDEN["zeta_sup"])
    np.testing.assert_array_equal(hadax.moebius(g), GOLDEN["mobius_sub"])
    np.testing.assert_array_equal(hadax.moebius(f), GOLDEN["arith"])
    np.testing.assert_array_equal(hadax.reed_muller(f), GOLDEN["rm"])


@pytest.mark.parametrize("dtype", [jnp.bool_, jnp.int8, jnp.uint8, jnp.int32, jnp.uint32])
def test_reed_muller_is_an_involution_that_keeps_its_dtype(dtype):
    table = jax.random.bernoulli(jax.random.key(0), shape=(3, 512)).astype(dtype)
    coefficients = hadax.reed_muller(table)
    assert coefficients.dtype == dtype
    np.testing.assert_array_equal(hadax.reed_muller(coefficients), table)
    zeta = hadax.zeta(table.astype(jnp.int32))
    np.testing.assert_array_equal(coefficients.astype(int), np.asarray(zeta) % 2)


@pytest.mark.parametrize("log_n", [0, 1, 3, 5, 6, 12])
def test_reed_muller_is_the_parity_of_the_sums_at_every_length(log_n):
    """Shorter than a word of packed bits, a word, and longer."""
    table = jax.random.randint(jax.random.key(1), (2, 1 << log_n, 3), -5, 5)
    found = hadax.reed_muller(table, axis=1)
    np.testing.assert_array_equal(found, hadax.zeta(table, axis=1) % 2)


def test_reed_muller_of_known_functions():
    parity = jnp.array([0, 1, 1, 0, 1, 0, 0, 1])
    np.testing.assert_array_equal(hadax.reed_muller(parity), [0, 1, 1, 0, 1, 0, 0, 0])
    conjunction = jnp.array([[0, 0, 0, 1]]).T
    np.testing.assert_array_equal(hadax.reed_muller(conjunction, axis=0), conjunction)


@given(st.integers(0, 10))
@settings(deadline=None, max_examples=11)
def test_moebius_undoes_zeta(log_n):
    x = jax.random.randint(jax.random.key(log_n), (1 << log_n,), -100, 100)
    np.testing.assert_array_equal(hadax.moebius(hadax.zeta(x)), x)
    np.testing.assert_array_equal(hadax.imoebius(hadax.moebius(x)), x)
