"""The contract of a linear transform, for each one in the registry."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from hadax import testing
from tests.contracts.registry import Transform, every_transform

COLLECTIVES = ("all-gather", "all-to-all", "all-reduce", "collective-permute")
COMPILED: list[str] = []


def count_compilations(event: str, _: float, **__: object) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        COMPILED.append(event)


jax.monitoring.register_event_duration_secs_listener(count_compilations)


def gaussian(*shape: int, dtype=jnp.float32) -> jax.Array:
    """Drawn by NumPy: JAX would compile a program for every shape."""
    re, im = np.random.default_rng(1).standard_normal((2, *shape))
    z = (re + 1j * im) / 2**0.5
    return jnp.asarray(z if jnp.issubdtype(dtype, jnp.complexfloating) else re, dtype)


def expected(transform: Transform, x: jax.Array) -> np.ndarray:
    wide = np.complex128 if np.iscomplexobj(x) else np.float64
    return np.einsum("ij,...j->...i", transform.matrix, np.asarray(x).astype(wide))


@every_transform
@pytest.mark.parametrize(
    "dtype", [jnp.float32, jnp.bfloat16, jnp.float16, jnp.complex64], ids=lambda d: d.__name__
)
def test_equals_its_matrix_and_keeps_its_dtype(transform, dtype):
    x = gaussian(2, transform.n, dtype=dtype)
    y = transform.function(x)
    assert y.dtype == (jnp.complex64 if transform.complex_output else dtype)
    testing.assert_close(y, expected(transform, x), n=transform.n)


@every_transform
def test_double_precision_and_single_precision_inside_x64(transform, x64):
    for dtype, wide in [
        (jnp.float64, jnp.complex128),
        (jnp.complex128, jnp.complex128),
        (jnp.float32, jnp.complex64),
        (jnp.bfloat16, jnp.complex64),
    ]:
        x = gaussian(transform.n, dtype=dtype)
        y = transform.function(x)
        assert y.dtype == (wide if transform.complex_output else dtype)
        testing.assert_close(y, expected(transform, x), n=transform.n)


@every_transform
def test_acts_along_any_axis(transform):
    x = gaussian(2, transform.n, 3)
    y = transform.function(x, axis=1)
    right = np.moveaxis(expected(transform, jnp.moveaxis(x, 1, -1)), -1, 1)
    testing.assert_close(y, right, n=transform.n)
    testing.assert_close(transform.function(x, axis=-2), right, n=transform.n)


@every_transform
def test_jit_vmap_and_an_empty_batch_agree_with_eager(transform):
    x = gaussian(2, transform.n, 3)
    y = transform.function(x, axis=1)
    for in_axis, out_axis in [(0, 0), (2, 2), (0, 1), (-1, 0)]:
        mapped = jax.jit(
            jax.vmap(
                lambda v: transform.function(v, axis=-1 if v.shape[-1] == transform.n else 0),
                in_axes=in_axis,
                out_axes=out_axis,
            )
        )(x)
        inner = np.moveaxis(np.asarray(y), in_axis, 0)
        testing.assert_close(mapped, np.moveaxis(inner, 0, out_axis), n=transform.n)
    assert transform.function(jnp.zeros((0, transform.n))).shape == (0, transform.n)


@every_transform
def test_both_modes_give_the_matrix(transform):
    x = gaussian(transform.n)
    forward = jax.jit(jax.jacfwd(transform.function))(x)
    testing.assert_close(forward, transform.matrix, n=transform.n)
    if not transform.complex_output:
        reverse = jax.jit(jax.jacrev(transform.function))(x)
        testing.assert_close(reverse, transform.matrix, n=transform.n)
    z = x.astype(jnp.complex64)
    holomorphic = jax.jit(jax.jacrev(transform.function, holomorphic=True))(z)
    testing.assert_close(holomorphic, transform.matrix, n=transform.n)


@every_transform
def test_hessian_of_the_squared_norm(transform):
    x = gaussian(transform.n)

    def energy(v):
        return jnp.sum(jnp.abs(transform.function(v)) ** 2)

    gram = 2 * (transform.matrix.conj().T @ transform.matrix).real
    testing.assert_close(jax.jit(jax.hessian(energy))(x), gram, n=transform.n, c=8.0)


@every_transform
def test_linear_transpose_and_its_transpose(transform):
    dtype = jnp.complex64 if transform.complex_output else jnp.float32
    x, y = gaussian(transform.n, dtype=dtype), 2 * gaussian(transform.n, dtype=dtype)
    (back,) = jax.linear_transpose(transform.function, x)(y)
    right = transform.matrix.T @ np.asarray(y)
    testing.assert_close(back, right, n=transform.n)
    (twice,) = jax.linear_transpose(lambda v: jax.linear_transpose(transform.function, x)(v)[0], x)(
        y
    )
    testing.assert_close(twice, transform.matrix @ np.asarray(y), n=transform.n)


@every_transform
def test_scan_and_remat(transform):
    xs = gaussian(3, transform.n)

    def loss(v):
        step = jax.checkpoint(lambda c, x: (c + jnp.sum(jnp.abs(transform.function(x)) ** 2), None))
        return jax.lax.scan(step, jnp.zeros(()), v)[0]

    gram = 2 * (transform.matrix.conj().T @ transform.matrix).real
    gradient = jax.jit(jax.grad(loss))(xs)
    testing.assert_close(gradient, np.asarray(xs) @ gram, n=transform.n, c=8.0)


@every_transform
def test_exports_with_a_symbolic_batch_and_its_vjp(transform):
    (batch,) = jax.export.symbolic_shape("b")
    shape = jax.ShapeDtypeStruct((batch, transform.n), jnp.float32)
    exported = jax.export.export(jax.jit(transform.function), platforms=["cpu", "cuda", "tpu"])(
        shape
    )
    loaded = jax.export.deserialize(exported.serialize(vjp_order=1))
    x = gaussian(2, transform.n)
    testing.assert_close(loaded.call(x), expected(transform, x), n=transform.n)
    cotangent = transform.function(2 * x)
    _, pullback = jax.vjp(transform.function, x)
    loaded_vjp = loaded.vjp().call(x, cotangent)[0]
    testing.assert_close(loaded_vjp, pullback(cotangent)[0], n=transform.n)


@every_transform
@pytest.mark.parametrize("spec", [P("d"), P(None, "d")], ids=str)
def test_explicit_mesh_keeps_the_sharding(transform, spec):
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Explicit,))
    x = gaussian(4, 4, transform.n)
    with jax.set_mesh(mesh):
        sharded = jax.device_put(x, NamedSharding(mesh, spec))
        y = jax.jit(transform.function)(sharded)
        assert y.sharding.spec == P(*spec, *[None] * (3 - len(spec)))
        testing.assert_close(y, expected(transform, x), n=transform.n)
        gradient = jax.jit(jax.grad(lambda v: jnp.abs(transform.function(v)).sum()))(sharded)
        assert gradient.sharding.spec == y.sharding.spec


@every_transform
@pytest.mark.parametrize("spec", [P("d"), P(None, "d")], ids=str)
def test_auto_mesh_keeps_the_sharding_and_moves_nothing(transform, spec):
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Auto,))
    x = jax.device_put(gaussian(4, 4, transform.n), NamedSharding(mesh, spec))
    compiled = jax.jit(transform.function).lower(x).compile()
    y = compiled(x)
    testing.assert_close(y, expected(transform, x), n=transform.n)
    assert y.sharding.is_equivalent_to(x.sharding, x.ndim)
    program = compiled.as_text()
    assert not any(f"{name}(" in program for name in COLLECTIVES)


@every_transform
def test_shard_map(transform):
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Auto,))
    x = gaussian(8, transform.n)
    local = jax.shard_map(transform.function, mesh=mesh, in_specs=P("d"), out_specs=P("d"))
    testing.assert_close(jax.jit(local)(x), expected(transform, x), n=transform.n)


@every_transform
def test_runs_where_jit_is_disabled(transform):
    x = gaussian(2, transform.n)
    with jax.disable_jit():
        testing.assert_close(transform.function(x), expected(transform, x), n=transform.n)


@every_transform
def test_is_traced_once(transform):
    testing.assert_no_retrace(transform.function, gaussian(2, transform.n))


@every_transform
def test_eager_calls_compile_once(transform):
    x = gaussian(3, transform.n)
    transform.function(x)
    before = len(COMPILED)
    transform.function(x)
    assert len(COMPILED) == before
    jax.jit(lambda v: transform.function(v) + 1)(x)  # the listener does listen
    assert len(COMPILED) > before
