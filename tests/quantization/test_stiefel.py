"""Steps among matrices with orthonormal rows, and the optimizer made of them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import hadax.optax
from hadax.quantization import stiefel_step

KEYS = jax.random.split(jax.random.key(0), 4)
KINDS = ["cayley", "solve", "qr", "polar"]


def drift(x):
    return float(jnp.max(jnp.abs(x @ x.mT - jnp.eye(x.shape[-2]))))


def rows(key, p, n):
    """A random matrix with orthonormal rows."""
    return jnp.linalg.qr(jax.random.normal(key, (n, p)))[0].T


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(12, 12), (4, 12), (1, 3), (1, 1)])
def test_a_step_stays_and_goes_where_its_tangent_says(kind, shape):
    x, direction = rows(KEYS[0], *shape), jax.random.normal(KEYS[1], shape)
    new, tangent = stiefel_step(x, direction, 1e-3, retraction=kind)
    assert drift(new) < 16 * jnp.finfo(jnp.float32).eps
    np.testing.assert_allclose(new - x, 1e-3 * tangent, atol=3e-5)
    product = x @ tangent.T
    np.testing.assert_allclose(product, -product.T, atol=1e-5)
    assert jnp.vdot(direction, tangent) >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_tangent_is_its_own_tangent(kind):
    x = rows(KEYS[0], 5, 9)
    _, tangent = stiefel_step(x, jax.random.normal(KEYS[1], (5, 9)), 0.1, retraction=kind)
    np.testing.assert_allclose(
        stiefel_step(x, tangent, 0.1, retraction=kind)[1], tangent, atol=1e-5
    )


def test_the_fixed_point_is_the_solution():
    x, direction = rows(KEYS[0], 24, 24), jax.random.normal(KEYS[1], (24, 24))
    solved = stiefel_step(x, direction, 9.0, retraction="solve")[0]
    np.testing.assert_allclose(stiefel_step(x, direction, 9.0)[0], solved, atol=1e-4)
    many = stiefel_step(x, direction, 9.0, iterations=30)[0]
    np.testing.assert_allclose(many, solved, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [2, 32])
def test_the_longest_steps_do_not_drift(kind, n):
    optimizer = hadax.optax.stiefel_sgd(1e3, momentum=0.9, retraction=kind)
    x = rows(KEYS[0], n, n)

    def step(carry, key):
        x, state = carry
        updates, state = optimizer.update(jax.random.normal(key, x.shape), state, x)
        return (optax.apply_updates(x, updates), state), None

    (x, state), _ = jax.lax.scan(step, (x, optimizer.init(x)), jax.random.split(KEYS[1], 100))
    assert int(state.count) == 100
    assert drift(x) < 1e-5


@pytest.mark.parametrize(("kind", "momentum"), [*((kind, 0.0) for kind in KINDS), ("cayley", 0.8)])
def test_procrustes_reaches_its_optimum(kind, momentum):
    """min ||X A - B|| has the solution U V^T of the singular vectors of B A^T."""
    n = 16
    a = jax.random.normal(KEYS[2], (n, 40))
    b = rows(KEYS[3], n, n) @ a + 0.5 * jax.random.normal(KEYS[1], (n, 40))

    def loss(x):
        return jnp.sum(jnp.square(x @ a - b))

    # A matrix of the same sign of the determinant: no path leads to the others.
    u, _, v = jnp.linalg.svd(b @ a.T)
    start = jnp.eye(n).at[0, 0].set(jnp.sign(jnp.linalg.det(u @ v)))

    def schedule(count):
        return 0.75 * (1 + jnp.cos(jnp.pi / 200 * count.astype(jnp.float32)))

    optimizer = hadax.optax.stiefel_sgd(schedule, momentum=momentum, retraction=kind)

    traces = []

    @jax.jit
    def step(x, state):
        traces.append(1)
        updates, state = optimizer.update(jax.grad(loss)(x), state, x)
        return optax.apply_updates(x, updates), state

    x, state = start, optimizer.init(start)
    for _ in range(200):
        x, state = step(x, state)
    assert loss(x) < 1.001 * loss(u @ v)
    assert drift(x) < 4e-6
    assert len(traces) == 1


def test_marked_leaves_beside_others_and_leading_axes():
    params = {"rotation": jnp.stack([rows(k, 3, 4) for k in KEYS]), "bias": jnp.ones(3)}
    labels = {"rotation": "stiefel", "bias": "other"}
    optimizer = optax.partition(
        {"stiefel": hadax.optax.stiefel_sgd(0.1), "other": optax.sgd(0.1)}, labels
    )
    gradients = jax.tree.map(jnp.ones_like, params)
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    found = optax.apply_updates(params, updates)["rotation"]
    for i in range(4):
        alone = stiefel_step(params["rotation"][i], -jnp.ones((3, 4)), 0.1)[0]
        np.testing.assert_allclose(found[i], alone, atol=1e-6)
    np.testing.assert_allclose(updates["bias"], -0.1)


def test_half_precision_is_kept():
    x = rows(KEYS[0], 3, 4).astype(jnp.bfloat16)
    new, tangent = stiefel_step(x, jnp.ones((3, 4), jnp.bfloat16), 0.1)
    assert new.dtype == tangent.dtype == jnp.bfloat16


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    x = jnp.eye(3)
    with pytest.raises(ValueError, match="`x` must have shape"):
        stiefel_step(jnp.ones((4, 3)), jnp.ones((4, 3)), 0.1)
    with pytest.raises(ValueError, match="`direction` must have the shape of x"):
        stiefel_step(x, x[:2], 0.1)
    with pytest.raises(ValueError, match=r"`rate` must be at least 0, but is -0\.1"):
        stiefel_step(jnp.eye(2), jnp.ones((2, 2)), -0.1)
    with pytest.raises(ValueError, match="`retraction` must be one of"):
        stiefel_step(x, x, 0.1, retraction="x")
    with pytest.raises(ValueError, match="`momentum` must be at least 0 and below 1, but is 1"):
        hadax.optax.stiefel_sgd(0.1, momentum=1)
    with pytest.raises(ValueError, match="`iterations` must be at least 1"):
        hadax.optax.stiefel_sgd(0.1, iterations=0)
    optimizer = hadax.optax.stiefel_sgd(0.1)
    with pytest.raises(ValueError, match="must have orthonormal rows, but"):
        optimizer.init(2 * x)
    with pytest.raises(ValueError, match="`params` must be given"):
        optimizer.update(x, optimizer.init(x))
