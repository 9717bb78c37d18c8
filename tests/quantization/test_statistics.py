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
