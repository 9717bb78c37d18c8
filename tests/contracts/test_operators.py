"""The contract of an operator, for each one in the registry."""

import flax.nnx as nnx
import jax
import jax.numpy as jnp
import lineax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import hadax
import hadax.lineax
import hadax.nnx
from hadax import testing
from tests.contracts.registry import every_operator

KEY = jax.random.key(7)


def matrix_of(op) -> np.ndarray:
    matrix = np.asarray(op.as_matrix())
    return matrix.astype(np.complex128 if np.iscomplexobj(matrix) else np.float64)


def gaussian(*shape: int, dtype=jnp.float32) -> jax.Array:
    return jax.random.normal(jax.random.key(1), shape, dtype)


def tolerance(case) -> dict:
    return {"n": 8, "c": 4.0 * case.depth}


@every_operator
def test_orthogonal_or_with_its_inverse(case):
    op = case.make(KEY)
    assert matrix_of(op).shape == op.shape
    if case.orthogonal:
        testing.assert_orthogonal(op.as_matrix(), **tolerance(case))
    if not case.invertible:
        with pytest.raises(TypeError, match=r"Argument `op` must have a known inverse"):
            hadax.inverse(op)
        return
    x = gaussian(2, op.shape[1])
    testing.assert_close(hadax.inverse(op)(op(x)), x, **tolerance(case))
    testing.assert_close(op(hadax.inverse(op)(x)), x, **tolerance(case))


@every_operator
def test_transpose(case):
    op = case.make(KEY)
    assert op.T.shape == op.shape[::-1]
    testing.assert_adjoint(op, op.T, op.shape, KEY)
    testing.assert_close(op.T.as_matrix(), matrix_of(op).T, **tolerance(case))
    testing.assert_close(op.T.T.as_matrix(), matrix_of(op), **tolerance(case))


@every_operator
@pytest.mark.parametrize(
    "dtype", [jnp.float32, jnp.bfloat16, jnp.float16, jnp.complex64], ids=lambda d: d.__name__
)
def test_dtype_is_kept(case, dtype):
    op = case.make(KEY)
    x = gaussian(2, op.shape[1], dtype=dtype)
    y = op(x)
    assert y.dtype == (jnp.complex64 if case.complex_output else dtype)
    right = np.asarray(x).astype(np.complex128) @ matrix_of(op).T
    is_complex = jnp.issubdtype(y.dtype, jnp.complexfloating)
    testing.assert_close(y, right if is_complex else right.real, **tolerance(case))
    assert op.T(y).dtype == y.dtype


@every_operator
def test_double_precision_stays(case, x64):
    op = case.make(KEY)
    x = gaussian(op.shape[1], dtype=jnp.float64)
    matrix = op.as_matrix()
    wide, narrow = (
        (jnp.complex128, jnp.complex64) if case.complex_output else (jnp.float64, jnp.float32)
    )
    assert op(x).dtype == matrix.dtype == wide
    testing.assert_close(op(x), matrix_of(op) @ np.asarray(x), **tolerance(case))
    assert op(x.astype(jnp.float32)).dtype == narrow
    if case.orthogonal:
        testing.assert_orthogonal(matrix, **tolerance(case))
    if case.name == "srht":
        m, n = op.shape
        testing.assert_close(matrix @ matrix.T, n / m * np.eye(m), **tolerance(case))


@every_operator
def test_integers_are_exact_or_refused(case):
    op = case.make(KEY)
    x = jnp.arange(op.shape[1])
    if not case.integer:
        with pytest.raises(TypeError, match="Argument `x` must be real or complex"):
            op(x)
        return
    y = op(x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, matrix_of(op) @ np.asarray(x))


@every_operator
def test_an_ensemble_is_refused_outside_of_vmap(case):
    ensemble = jax.vmap(case.make)(jax.random.split(KEY, 2))
    if not jax.tree.leaves(ensemble):
        return  # it has no arrays: every member is the same operator
    with pytest.raises(
        ValueError, match=r"must be a single one to be applied, but .* Use jax\.vmap"
    ):
        ensemble(gaussian(2, case.make(KEY).shape[1]))


@every_operator
def test_meshes_and_scan(case):
    op = case.make(KEY)
    x = gaussian(4, op.shape[1])
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Explicit,))
    for direction in (op, op.T):
        x = gaussian(4, direction.shape[1])
        y = direction(x)
        with jax.set_mesh(mesh):
            sharded = jax.device_put(x, NamedSharding(mesh, P("d")))
            z = jax.jit(direction.__call__)(sharded)
            assert z.sharding.spec == P("d", None)
        testing.assert_close(z, y, **tolerance(case))
        local = jax.shard_map(direction, mesh=mesh, in_specs=P("d"), out_specs=P("d"))
        with jax.set_mesh(mesh):
            testing.assert_close(jax.jit(local)(sharded), y, **tolerance(case))
        _, scanned = jax.lax.scan(lambda c, v, op=direction: (c, op(v)), None, x)
        testing.assert_close(scanned, y, **tolerance(case))


@every_operator
def test_is_a_pytree_that_jit_and_vmap_take(case):
    op = case.make(KEY)
    x = gaussian(3, op.shape[1])
    leaves, tree = jax.tree.flatten(op)
    assert all(isinstance(leaf, jax.Array) for leaf in leaves)
    rebuilt = jax.tree.unflatten(tree, leaves)
    np.testing.assert_array_equal(rebuilt(x), op(x))
    y = jax.jit(lambda o, v: o(v))(op, x)
    testing.assert_close(y, op(x), **tolerance(case))
    assert jax.eval_shape(lambda o, v: o(v), op, x).shape == (3, op.shape[0])
    mapped = jax.vmap(lambda v: op(v), in_axes=1, out_axes=1)(x.T)
    testing.assert_close(mapped, op(x).T, **tolerance(case))
    testing.assert_no_retrace(lambda o, v: o(v), op, x)


@every_operator
def test_an_ensemble_is_a_vmap_over_keys(case):
    keys = jax.random.split(KEY, 3)
    ensemble = jax.vmap(case.make)(keys)
    x = gaussian(3, case.make(KEY).shape[1])
    y = jax.vmap(lambda op, v: op(v))(ensemble, x)
    for i in range(3):
        testing.assert_close(y[i], case.make(keys[i])(x[i]), **tolerance(case))


@every_operator
def test_both_modes_give_the_matrix(case):
    op = case.make(KEY)
    x = gaussian(op.shape[1], dtype=jnp.complex64 if case.complex_output else jnp.float32)
    for mode in (jax.jacfwd, jax.jacrev):
        matrix = mode(op, holomorphic=case.complex_output)(x)
        testing.assert_close(matrix, matrix_of(op), **tolerance(case))
    (back,) = jax.linear_transpose(op, x)(op(x))
    testing.assert_close(back, matrix_of(op).T @ np.asarray(op(x)), **tolerance(case))


@every_operator
def test_composition(case):
    op = case.make(KEY)
    gram = op.T @ op
    x = gaussian(2, op.shape[1])
    testing.assert_close(gram(x), op.T(op(x)), **tolerance(case))
    testing.assert_close(gram.as_matrix(), matrix_of(op).T @ matrix_of(op), **tolerance(case))


@every_operator
def test_exports(case):
    op = case.make(KEY)
    x = gaussian(2, op.shape[1])
    exported = jax.export.export(jax.jit(op.__call__))(x)
    loaded = jax.export.deserialize(exported.serialize())
    testing.assert_close(loaded.call(x), op(x), **tolerance(case))


@every_operator
def test_lineax_sees_the_same_map(case):
    op = case.make(KEY)
    dtype = jnp.complex64 if case.complex_output else jnp.float32
    foreign = hadax.lineax.to_lineax(op, dtype=dtype)
    testing.assert_close(foreign.as_matrix(), matrix_of(op), **tolerance(case))
    x = gaussian(op.shape[1], dtype=dtype)
    testing.assert_close(foreign.mv(x), op(x), **tolerance(case))
    if case.invertible:
        solved = lineax.linear_solve(foreign, op(x), lineax.LU()).value
        testing.assert_close(solved, x, n=8, c=32.0 * case.depth)


@every_operator
def test_nnx_modules_hold_it(case):
    class Holder(nnx.Module):
        def __init__(self):
            self.op = case.make(KEY)

        def __call__(self, x):
            return self.op(x)

    holder = Holder()
    x = gaussian(2, holder.op.shape[1])
    y = nnx.jit(lambda module, v: module(v))(holder, x)
    testing.assert_close(y, holder.op(x), **tolerance(case))
    graph, state = nnx.split(holder)
    testing.assert_close(nnx.merge(graph, state)(x), holder.op(x), **tolerance(case))


@every_operator
def test_refuses_a_wrong_length(case):
    op = case.make(KEY)
    with pytest.raises(ValueError, match=r"Argument `x` must have length \d+ along its last axis"):
        op(jnp.ones((2, op.shape[1] + 1)))
    with pytest.raises(ValueError, match="equal inner lengths"):
        op @ hadax.operators.scale(1.0, op.shape[1] + 1)
