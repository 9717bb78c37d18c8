"""Compressed updates in optax: their error, their state, and that a model still learns."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import hadax.optax
from hadax.compression import expected_nmse

KEY = jax.random.key(5)


def tree(dtype=jnp.float32):
    keys = jax.random.split(KEY, 3)
    return {
        "w": jax.random.normal(keys[0], (30, 7), dtype),
        "b": [
            jax.random.normal(keys[1], (7,), dtype),
            jnp.ones((), dtype),
            jnp.zeros((0, 3), dtype),
        ],
    }


def test_updates_keep_shape_and_dtype_and_are_close():
    updates = tree(jnp.bfloat16)
    transform = hadax.optax.compressed(KEY, bits=6)
    found, state = jax.jit(transform.update)(updates, transform.init(updates))
    assert jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, updates)
    assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype(jnp.bfloat16)}
    np.testing.assert_allclose(np.float32(found["w"]), np.float32(updates["w"]), atol=0.2)
    assert state.residual is None


def test_every_step_and_every_array_has_a_rotation_of_its_own():
    """200 steps on one vector: the mean of what arrives is it, with a 200th of the error."""
    updates = [jnp.arange(1.0, 25.0)] * 2
    transform = hadax.optax.compressed(KEY)
    traces = []

    @jax.jit
    def step(updates, state):
        traces.append(1)
        return transform.update(updates, state)

    state, seen = transform.init(updates), []
    for _ in range(200):
        found, state = step(updates, state)
        seen.append(np.asarray(found))
    assert int(state.count) == 200
    x = np.asarray(updates[0])
    error = np.square(np.mean(seen, axis=0) - x).sum(axis=-1) / (x @ x)
    np.testing.assert_allclose(error, expected_nmse(1) / 200, rtol=0.9)
    assert not np.allclose(seen[0][0], seen[0][1])
    assert len(traces) == 1


def test_error_feedback_carries_what_was_lost():
    updates = tree()
    transform = hadax.optax.compressed(KEY, scale="mmse", error_feedback=True)
    state = transform.init(updates)
    total = jax.tree.map(jnp.zeros_like, updates)
    for _ in range(3):
        found, state = jax.jit(transform.update)(updates, state)
        total = jax.tree.map(jnp.add, total, found)
    wanted = jax.tree.map(lambda sent, left: sent + left, total, state.residual)
    for a, b in zip(jax.tree.leaves(wanted), jax.tree.leaves(updates), strict=True):
        np.testing.assert_allclose(a, 3 * b, atol=1e-4)


def test_residuals_of_16_bit_updates_are_kept_in_32():
    transform = hadax.optax.compressed(KEY, error_feedback=True)
    state = transform.init(tree(jnp.bfloat16))
    found, state = transform.update(tree(jnp.bfloat16), state)
    assert state.residual["w"].dtype == jnp.float32
    assert found["w"].dtype == jnp.bfloat16


@pytest.mark.parametrize(
    "settings", [{}, {"bits": 2}, {"scale": "mmse", "error_feedback": True}], ids=str
)
def test_a_regression_in_flax_learns(settings):
    x = jax.random.normal(KEY, (64, 10))
    y = x @ jnp.arange(10.0)[:, None]
    model = nnx.Linear(10, 1, rngs=nnx.Rngs(0))
    transform = hadax.optax.compressed(KEY, **settings)
    optimizer = nnx.Optimizer(model, optax.chain(transform, optax.sgd(0.05)), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer):
        def loss(model):
            return jnp.mean(jnp.square(model(x) - y))

        value, gradient = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradient)
        return value

    losses = [float(step(model, optimizer)) for _ in range(150)]
    assert losses[-1] < 1e-3 * losses[0]


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"bits": 0}, ValueError, "`bits` must be from 1 to 8"),
        ({"blocks": 0}, ValueError, "`blocks` must be at least 1"),
        ({"scale": "x"}, ValueError, "`scale` must be one of"),
        ({"error_feedback": 1}, TypeError, "`error_feedback` must be True or False"),
        ({"key": 3}, TypeError, "new-style key"),
    ],
)
def test_bad_settings_are_refused_at_once(settings, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        hadax.optax.compressed(**{"key": KEY, **settings})


def test_integers_are_refused(without_shape_checks):
    transform = hadax.optax.compressed(KEY)
    with pytest.raises(TypeError, match="real floating point"):
        transform.update({"n": jnp.arange(4)}, transform.init({"n": jnp.arange(4)}))
