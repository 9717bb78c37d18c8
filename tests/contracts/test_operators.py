"""The contract of an operator, for each one in the registry.

Most tests apply it to one block of numbers of a shape, under one `jit`: compiling is what costs.
"""

import functools

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


@functools.cache
def made(case):
    """Its operator for KEY with its matrix, once for all tests of single precision."""
    op = case.make(KEY)
    return op, matrix_of(op)


@functools.cache
def ensemble_of(case):
    """Three keys, and an operator for each."""
    keys = jax.random.split(KEY, 3)
    return keys, jax.jit(jax.vmap(case.make))(keys)


def gaussian(*shape: int, dtype=jnp.float32) -> jax.Array:
    """Drawn by NumPy: JAX would compile a program for every shape."""
    re, im = np.random.default_rng(1).standard_normal((2, *shape))
    z = (re + 1j * im) / 2**0.5
    return jnp.asarray(z if jnp.issubdtype(dtype, jnp.complexfloating) else re, dtype)


def tolerance(case) -> dict:
    return {"n": 8, "c": 4.0 * case.depth}


@every_operator
def test_orthogonal_or_with_its_inverse(case):
    op, matrix = made(case)
    assert matrix.shape == op.shape
    if case.orthogonal:
        testing.assert_orthogonal(op.as_matrix(), **tolerance(case))
    if not case.invertible:
        with pytest.raises(TypeError, match=r"Argument `op` must have a known inverse"):
            hadax.inverse(op)
        return
    x = gaussian(4, op.shape[1])
    there_and_back = jax.jit(lambda v: (hadax.inverse(op)(op(v)), op(hadax.inverse(op)(v))))
    for y in there_and_back(x):
        testing.assert_close(y, x, **tolerance(case))


@every_operator
def test_transpose(case):
    op, matrix = made(case)
    assert op.T.shape == op.shape[::-1]
    testing.assert_adjoint(op, op.T, op.shape, KEY)
    transposed, twice = jax.jit(lambda o: (o.T.as_matrix(), o.T.T.as_matrix()))(op)
    testing.assert_close(transposed, matrix.T, **tolerance(case))
    testing.assert_close(twice, matrix, **tolerance(case))


@every_operator
@pytest.mark.parametrize(
    "dtype", [jnp.float32, jnp.bfloat16, jnp.float16, jnp.complex64], ids=lambda d: d.__name__
)
def test_dtype_is_kept(case, dtype):
    op, matrix = made(case)
    x = gaussian(4, op.shape[1], dtype=dtype)
    y, back = jax.jit(lambda v: (op(v), op.T(op(v))))(x)
    assert y.dtype == (jnp.complex64 if case.complex_output else dtype)
    right = np.asarray(x).astype(np.complex128) @ matrix.T
    is_complex = jnp.issubdtype(y.dtype, jnp.complexfloating)
    testing.assert_close(y, right if is_complex else right.real, **tolerance(case))
    assert back.dtype == y.dtype


@every_operator
def test_double_precision_stays(case, x64):
    op = jax.jit(case.make)(KEY)
    x = gaussian(op.shape[1], dtype=jnp.float64)
    apply = jax.jit(lambda o, v: (o.as_matrix(), o(v), o(v.astype(jnp.float32))))
    matrix, y, single = apply(op, x)
    wide, narrow = (
        (jnp.complex128, jnp.complex64) if case.complex_output else (jnp.float64, jnp.float32)
    )
    assert y.dtype == matrix.dtype == wide
    testing.assert_close(y, np.asarray(matrix) @ np.asarray(x), **tolerance(case))
    assert single.dtype == narrow
    if case.orthogonal:
        testing.assert_orthogonal(matrix, **tolerance(case))
    if case.name == "srht":
        m, n = op.shape
        gram = np.asarray(matrix) @ np.asarray(matrix).T
        testing.assert_close(gram, n / m * np.eye(m), **tolerance(case))


@every_operator
def test_integers_are_exact_or_refused(case):
    op, matrix = made(case)
    x = jnp.arange(op.shape[1])
    if not case.integer:
        with pytest.raises(TypeError, match="Argument `x` must be real or complex"):
            op(x)
        return
    y = op(x)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, matrix @ np.asarray(x))


@every_operator
def test_an_ensemble_is_refused_outside_of_vmap(case):
    _, ensemble = ensemble_of(case)
    if not jax.tree.leaves(ensemble):
        return  # it has no arrays: every member is the same operator
    with pytest.raises(
        ValueError, match=r"must be a single one to be applied, but .* Use jax\.vmap"
    ):
        ensemble(gaussian(4, made(case)[0].shape[1]))


@every_operator
def test_meshes_and_scan(case):
    op, matrix = made(case)
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Explicit,))

    def both(x, y):
        return op(x), op.T(y)

    def scan(x, y):
        return jax.lax.scan(lambda c, rows: (c, both(*rows)), None, (x, y))[1]

    x, y = gaussian(4, op.shape[1]), gaussian(4, op.shape[0])
    right = (np.asarray(x) @ matrix.T, np.asarray(y) @ matrix)
    with jax.set_mesh(mesh):
        rows = jax.device_put((x, y), NamedSharding(mesh, P("d")))
        sharded = jax.jit(both)(*rows)
        assert all(z.sharding.spec == P("d", None) for z in sharded)
        local = jax.jit(jax.shard_map(both, mesh=mesh, in_specs=P("d"), out_specs=P("d")))(*rows)
    for found in (sharded, local, jax.jit(scan)(x, y)):
        for z, wanted in zip(found, right, strict=True):
            testing.assert_close(z, wanted, **tolerance(case))


@every_operator
def test_is_a_pytree_that_jit_and_vmap_take(case):
    op, _ = made(case)
    x = gaussian(4, op.shape[1])
    y = op(x)
    leaves, tree = jax.tree.flatten(op)
    assert all(isinstance(leaf, jax.Array) for leaf in leaves)
    np.testing.assert_array_equal(jax.tree.unflatten(tree, leaves)(x), y)
    assert jax.eval_shape(lambda o, v: o(v), op, x).shape == y.shape
    testing.assert_no_retrace(lambda o, v: o(v), op, x)
    jitted = jax.jit(lambda o, v: o(v))(op, x)
    testing.assert_close(jitted, y, **tolerance(case))
    mapped = jax.jit(jax.vmap(op, in_axes=1, out_axes=1))(x.T)
    testing.assert_close(mapped, y.T, **tolerance(case))


@every_operator
def test_an_ensemble_is_a_vmap_over_keys(case):
    keys, ensemble = ensemble_of(case)
    x = gaussian(3, made(case)[0].shape[1])
    y = jax.jit(jax.vmap(lambda op, v: op(v)))(ensemble, x)
    one_by_one = jax.jit(lambda key, v: case.make(key)(v))
    for i in range(3):
        testing.assert_close(y[i], one_by_one(keys[i], x[i]), **tolerance(case))


@every_operator
def test_both_modes_give_the_matrix(case):
    op, matrix = made(case)
    dtype = jnp.complex64 if case.complex_output else jnp.float32
    x, y = (gaussian(length, dtype=dtype) for length in reversed(op.shape))

    @jax.jit
    def derivatives(x, y):
        modes = (mode(op, holomorphic=case.complex_output)(x) for mode in (jax.jacfwd, jax.jacrev))
        return *modes, *jax.linear_transpose(op, x)(y)

    forward, reverse, back = derivatives(x, y)
    testing.assert_close(forward, matrix, **tolerance(case))
    testing.assert_close(reverse, matrix, **tolerance(case))
    testing.assert_close(back, matrix.T @ np.asarray(y), **tolerance(case))


@every_operator
def test_composition(case):
    op, matrix = made(case)
    gram = op.T @ op
    x = gaussian(4, op.shape[1])
    y, right, written = jax.jit(lambda v: (gram(v), op.T(op(v)), gram.as_matrix()))(x)
    testing.assert_close(y, right, **tolerance(case))
    testing.assert_close(written, matrix.T @ matrix, **tolerance(case))


@every_operator
def test_exports(case):
    op, _ = made(case)
    x = gaussian(4, op.shape[1])
    exported = jax.export.export(jax.jit(op.__call__))(x)
    loaded = jax.export.deserialize(exported.serialize())
    testing.assert_close(loaded.call(x), op(x), **tolerance(case))


@every_operator
def test_lineax_sees_the_same_map(case):
    op, matrix = made(case)
    dtype = jnp.complex64 if case.complex_output else jnp.float32
    foreign = hadax.lineax.to_lineax(op, dtype=dtype)
    x = gaussian(op.shape[1], dtype=dtype)
    written, y, right = jax.jit(lambda v: (foreign.as_matrix(), foreign.mv(v), op(v)))(x)
    testing.assert_close(written, matrix, **tolerance(case))
    testing.assert_close(y, right, **tolerance(case))
    if case.invertible:
        solved = lineax.linear_solve(foreign, y, lineax.LU()).value
        testing.assert_close(solved, x, n=8, c=32.0 * case.depth)


@every_operator
def test_nnx_modules_hold_it(case):
    class Holder(nnx.Module):
        def __init__(self):
            self.op = made(case)[0]

        def __call__(self, x):
            return self.op(x)

    holder = Holder()
    x = gaussian(4, holder.op.shape[1])
    y = nnx.jit(lambda module, v: module(v))(holder, x)
    testing.assert_close(y, holder.op(x), **tolerance(case))
    graph, state = nnx.split(holder)
    testing.assert_close(nnx.merge(graph, state)(x), holder.op(x), **tolerance(case))


@every_operator
def test_refuses_a_wrong_length(case):
    op, _ = made(case)
    with pytest.raises(ValueError, match=r"Argument `x` must have length \d+ along its last axis"):
        op(jnp.ones((2, op.shape[1] + 1)))
    with pytest.raises(ValueError, match="equal inner lengths"):
        op @ hadax.operators.scale(1.0, op.shape[1] + 1)
