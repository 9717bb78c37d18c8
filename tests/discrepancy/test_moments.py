"""The fourth moment's recursion against signs written out, and against the paper's table."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from hadax.discrepancy import fourth_moment
from hadax.kernels import _reference


def _by_enumeration(x, blocks):
    """E|y|_4^4 over all signs of all blocks, in float64."""
    d = x.size
    h = _reference.hadamard_matrix(d) / np.sqrt(d)
    signs = np.array(list(itertools.product([1.0, -1.0], repeat=d)))
    vectors = (x / np.linalg.norm(x))[None]
    for _ in range(blocks):
        vectors = ((signs[:, None] * vectors).reshape(-1, d)) @ h.T
    return np.mean(np.sum(vectors**4, axis=-1))


@pytest.mark.parametrize("blocks", [0, 1, 2, 3])
def test_equals_enumeration(blocks):
    x = np.array([1.0, 0.5, -2.0, 0.0])
    found = fourth_moment(jnp.asarray(x, "float32"), blocks=blocks)
    assert float(found) == pytest.approx(_by_enumeration(x, blocks), rel=1e-5)


def test_one_block_of_a_length_that_is_no_power_of_two():
    x = np.arange(1.0, 13.0)
    found = fourth_moment(jnp.asarray(x, "float32"), blocks=1)
    assert float(found) == pytest.approx(_by_enumeration(x, 1), rel=1e-5)


@pytest.mark.parametrize(
    ("nonzeros", "kurtosis"), [(1, (1.0, 2.9922, 2.9766)), (2, (2.0, 2.9844, 2.9767))]
)
def test_reference_table(nonzeros, kurtosis):
    x = (jnp.arange(256) < nonzeros).astype("float32")
    for blocks, value in enumerate(kurtosis, start=1):
        assert float(256 * fourth_moment(x, blocks=blocks)) == pytest.approx(value, abs=6e-5)


def test_batched_scaled_and_differentiable():
    x = jax.random.normal(jax.random.key(0), (3, 16))
    batch = fourth_moment(x)
    np.testing.assert_allclose(batch, jax.vmap(fourth_moment)(x), rtol=1e-6)
    np.testing.assert_allclose(batch, fourth_moment(x * 1e15), rtol=1e-5)
    assert fourth_moment(x.astype("bfloat16")).dtype == jnp.bfloat16

    def total(v):
        return jnp.sum(fourth_moment(v, blocks=1))

    check_grads(total, (x,), order=2, rtol=1e-2)
    # The direction of x alone matters: no derivative along x.
    slope = jax.grad(total)(x)
    np.testing.assert_allclose(jnp.sum(slope * x, axis=-1), 0, atol=1e-6)


def test_bad_input():
    with pytest.raises(TypeError, match="`x` must be real floating point"):
        fourth_moment(jnp.ones(4, "int32"))
    with pytest.raises(ValueError, match="`blocks` must be at least 0"):
        fourth_moment(jnp.ones(4), blocks=-1)
