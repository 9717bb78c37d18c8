"""The public assertions, each with a case that must fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import testing


def test_assert_close_sees_errors_shapes_and_nans():
    testing.assert_close(np.ones(3, np.float32), np.ones(3), n=8)
    with pytest.raises(AssertionError, match=r"largest error 0\.001 must be at most"):
        testing.assert_close(np.full(3, 1.001, np.float32), np.ones(3), n=8)
    with pytest.raises(AssertionError):
        testing.assert_close(np.ones((3, 1), np.float32), np.ones(3), n=8)
    with pytest.raises(AssertionError):
        testing.assert_close(np.full(3, np.nan, np.float32), np.ones(3), n=8)
    with pytest.raises(AssertionError, match="`expected` must be finite"):
        testing.assert_close(np.ones(1, np.float32), np.array([np.inf]), n=8)


def test_assert_close_wants_equal_integers():
    testing.assert_close(np.arange(3), np.arange(3), n=8)
    with pytest.raises(AssertionError):
        testing.assert_close(np.arange(3), np.arange(3) + 1, n=8)


def test_assert_adjoint_sees_a_missing_transpose():
    a = jnp.arange(9.0).reshape(3, 3)
    testing.assert_adjoint(lambda x: a @ x, lambda y: a.T @ y, (3, 3), jax.random.key(0))
    with pytest.raises(AssertionError, match="<Ax, y>"):
        testing.assert_adjoint(lambda x: a @ x, lambda y: a @ y, (3, 3), jax.random.key(0))


def test_assert_orthogonal_sees_a_scale_and_a_shape():
    with pytest.raises(AssertionError, match="differs from I"):
        testing.assert_orthogonal(1.001 * np.eye(3, dtype=np.float32))
    with pytest.raises(AssertionError):
        testing.assert_orthogonal(np.ones((2, 3), np.float32))


@jax.tree_util.register_pytree_node_class
class Forgetful:
    """A pytree whose structure never equals itself, so that jit never finds its program again."""

    def tree_flatten(self):
        return (jnp.ones(3),), object()

    @classmethod
    def tree_unflatten(cls, _, __):
        return cls()


def test_assert_no_retrace_sees_a_pytree_that_changes():
    testing.assert_no_retrace(lambda x: x + 1, jnp.ones(3))
    with pytest.raises(AssertionError, match="traced"):
        testing.assert_no_retrace(lambda _: jnp.ones(3), Forgetful())


def test_assert_no_collectives_sees_a_sum_over_devices():
    mesh = jax.make_mesh((4,), ("d",))
    spread = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d"))
    x = jax.device_put(jnp.arange(8.0), spread)
    testing.assert_no_collectives(jax.jit(lambda x: x + 1).lower(x).compile())
    with pytest.raises(AssertionError, match="collective operations, the first"):
        testing.assert_no_collectives(jax.jit(jnp.sum).lower(x).compile())
