"""Kurtosis and incoherence of arrays where they are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import hadax
from hadax.quantization import incoherence, kurtosis


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
def test_kurtosis_is_scipys(axis):
    x = np.random.default_rng(0).standard_t(5, size=(3, 4, 50)).astype(np.float32)
    flat = x if not isinstance(axis, tuple) else x.transpose(1, 0, 2).reshape(4, -1)
    expected = scipy.stats.kurtosis(flat, axis=1 if isinstance(axis, tuple) else axis, fisher=False)
    np.testing.assert_allclose(kurtosis(x, axis=axis), expected, rtol=1e-4)


def test_incoherence_is_one_when_flat_and_largest_for_a_spike():
    spike = jnp.zeros(64).at[3].set(-2.0)
    assert incoherence(jnp.full(64, -0.3)) == pytest.approx(1)
    assert incoherence(spike) == 8
    assert incoherence(hadax.fwht(spike)) == pytest.approx(1)
    matrix = jax.random.normal(jax.random.key(0), (6, 10))
    expected = abs(matrix).max() * np.sqrt(60) / np.linalg.norm(matrix)
    np.testing.assert_allclose(incoherence(matrix), expected, rtol=1e-6)
    assert incoherence(matrix, axis=(0, 1)).shape == ()
    assert incoherence(matrix, axis=-1).shape == (6,)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("statistic", [kurtosis, incoherence])
def test_integers_are_refused(statistic):
    with pytest.raises(TypeError, match="must be real floating point"):
        statistic(jnp.arange(4))


@pytest.mark.parametrize("statistic", [kurtosis, incoherence])
@pytest.mark.parametrize(
    ("dtype", "scales"),
    [
        ("float16", (1e-3, 1e3)),
        ("bfloat16", (1e-30, 1e-12, 1e10, 1e30)),
        ("float32", (1e-30, 1e-12, 1e10, 1e30)),
    ],
)
def test_the_scale_does_not_matter(statistic, dtype, scales):
    x = np.random.default_rng(0).standard_t(5, size=(3, 40)).astype(np.float32)
    expected = statistic(x, axis=-1)
    eps = float(jnp.finfo(dtype).eps)
    for scale in scales:
        found = statistic(jnp.asarray(scale * x, dtype), axis=-1)
        assert found.dtype == dtype
        np.testing.assert_allclose(found.astype("float32"), expected, rtol=20 * eps)


@pytest.mark.parametrize("statistic", [kurtosis, incoherence])
def test_the_derivative_is_that_of_the_definition(statistic):
    x, v = jax.random.normal(jax.random.key(0), (2, 20))
    found = jax.jvp(statistic, (x,), (v,))[1]
    with jax.enable_x64(True):
        steps = np.float64(x) + np.outer([1e-6, -1e-6], np.float64(v))
        above, below = (float(statistic(y)) for y in steps)
    assert found == pytest.approx((above - below) / 2e-6, rel=1e-3)


@pytest.mark.parametrize("statistic", [kurtosis, incoherence])
def test_what_does_not_vary_has_no_number(statistic):
    assert np.isnan(statistic(jnp.zeros(3)))
    assert np.isnan(kurtosis(jnp.full(1000, 0.3)))


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("statistic", [kurtosis, incoherence])
def test_bad_axes_are_refused(statistic):
    x = jnp.ones((2, 3))
    for axis, kind, message in [
        (2, ValueError, "`axis` must be an axis of x, but is 2"),
        ((0, -2), ValueError, "`axis` must not repeat an axis"),
        (0.5, TypeError, "`axis` must be an integer, but is a float"),
    ]:
        with pytest.raises(kind, match=message):
            statistic(x, axis=axis)
    for axis in (None, 0):
        with pytest.raises(ValueError, match="`x` must have at least one point along axis=0"):
            statistic(jnp.ones((0, 3)), axis=axis)
