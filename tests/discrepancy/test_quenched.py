import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.discrepancy import quenched_ks, sphere_coordinate_cdf


@pytest.mark.parametrize("d", [4, 64, 1024, 2**16])
def test_is_the_distance_of_scipy(d):
    stats = pytest.importorskip("scipy.stats")
    y = np.random.default_rng(d).normal(size=(3, d))
    y /= np.linalg.norm(y, axis=-1, keepdims=True)
    expected = [
        stats.kstest(math.sqrt(d) * row, lambda t: sphere_coordinate_cdf(t, d)).statistic
        for row in y
    ]
    np.testing.assert_allclose(quenched_ks(jnp.asarray(y, "float32")), expected, atol=3e-6)


@pytest.mark.parametrize("d", [64, 2**16])
def test_nan_stays_nan(d):
    y = jnp.zeros((2, d)).at[0, 3].set(jnp.nan).at[1, 0].set(1.0)
    np.testing.assert_array_equal(jnp.isnan(quenched_ks(y)), [True, False])


def test_ties_need_no_rounding():
    """A quarter at 0, split by round-off, is the same jump."""
    y = jnp.array([0.5] * 2 + [-0.5] * 2 + [0.0] * 12)
    noise = 1e-7 * jax.random.normal(jax.random.key(0), (16,))
    assert float(quenched_ks(y)) == pytest.approx(float(quenched_ks(y + noise)), abs=1e-6)
    assert float(quenched_ks(y)) == pytest.approx(0.375, abs=1e-6)  # 14/16 - F(0)


def test_works_on_batches_of_every_float():
    y = jax.vmap(lambda key: hadax.randomized_hadamard(key, 256)(jnp.eye(256)[3]))(
        jax.random.split(jax.random.key(1), 6)
    )
    distances = quenched_ks(y.reshape(2, 3, 256))
    assert distances.shape == (2, 3)
    assert 0.03 < float(distances.mean()) < 0.15
    assert quenched_ks(y.astype("bfloat16")).dtype == jnp.float32


@pytest.mark.parametrize(
    ("y", "error"), [(np.eye(4, dtype=int), TypeError), (np.ones(2, "float32"), ValueError)]
)
def test_bad_input(y, error, without_shape_checks):
    with pytest.raises(error, match="Argument"):
        quenched_ks(y)
