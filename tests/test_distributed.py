"""Transforms along an axis that is spread over four devices, against the matrix and against one."""

import functools
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import hadax
from hadax import distributed, testing
from hadax.kernels import _reference

ORDERS = ("natural", "dyadic", "sequency")
# The options of a transform, and how many exchanges it may have.
EXCHANGES = [
    ({"order": "natural"}, 2),
    ({"order": "natural", "transposed": True}, 1),
    ({"order": "dyadic"}, 1),
    ({"order": "sequency"}, 1),
]


def lengths_and_orders(*lengths):
    """Every order at powers of two, the natural one elsewhere."""
    cases = [(n, order) for n in lengths for order in ORDERS if order == "natural" or not n & n - 1]
    return pytest.mark.parametrize(("n", "order"), cases)


def gaussian(*shape, dtype=jnp.float32):
    return jax.random.normal(jax.random.key(3), shape, dtype)


def mesh_of(kind=AxisType.Auto, **axes):
    return jax.make_mesh(tuple(axes.values()), tuple(axes), axis_types=(kind,) * len(axes))


def laid_out(x, mesh, spec):
    return jax.device_put(x, NamedSharding(mesh, spec))


def expected(x, order="natural", *, inverse=False):
    matrix = _reference.hadamard_matrix(x.shape[-1], order=order) / np.sqrt(x.shape[-1])
    wide = np.complex128 if np.iscomplexobj(x) else np.float64
    return np.asarray(x).astype(wide) @ (matrix if inverse else matrix.T)


def collectives(function, *args):
    """The collectives of the compiled program, with how often each is there."""
    names = "all-gather|all-to-all|all-reduce|reduce-scatter|collective-permute|ragged-all-to-all"
    program = jax.jit(function).lower(*args).compile().as_text()
    found = re.findall(rf" ({names})(?:-start)?\(", program)
    return {name: found.count(name) for name in found}


@lengths_and_orders(16, 32, 48, 96, 112, 240, 1024)
@pytest.mark.parametrize("inverse", [False, True], ids=["forward", "inverse"])
def test_equals_the_matrix_and_the_unsharded_transform(n, order, inverse):
    mesh, spec = mesh_of(d=4), P(None, "d")
    x = gaussian(3, n)
    sharded = distributed.ifwht_sharded if inverse else distributed.fwht_sharded
    y = sharded(laid_out(x, mesh, spec), mesh, spec, order=order)
    assert y.sharding.is_equivalent_to(NamedSharding(mesh, spec), 2)
    testing.assert_close(y, expected(x, order, inverse=inverse), n=n, c=4.0)
    whole = hadax.ifwht if inverse else hadax.fwht
    testing.assert_close(y, whole(x, order=order), n=n, c=4.0)


@pytest.mark.parametrize("n", [16, 96, 192, 1024])
def test_transposed_is_natural_order_with_two_axes_swapped(n):
    mesh, spec = mesh_of(d=4), P("d")
    x = gaussian(n)

    def transform(v):
        return distributed.fwht_sharded(v, mesh, spec, transposed=True)

    y = transform(laid_out(x, mesh, spec))
    rows = 4 if n in (16, 1024) else 12
    right = expected(x).reshape(rows, 4, -1).swapaxes(0, 1).reshape(-1)
    testing.assert_close(y, right, n=n, c=4.0)
    z = distributed.ifwht_sharded(y, mesh, spec, transposed=True)
    testing.assert_close(z, x, n=n, c=8.0)
    (back,) = jax.linear_transpose(transform, x)(y)
    testing.assert_close(back, x, n=n, c=8.0)


@pytest.mark.parametrize(("devices", "n"), [(1, 1), (1, 12), (2, 4), (2, 24), (2, 56), (4, 112)])
def test_any_power_of_two_of_devices(devices, n):
    mesh = mesh_of(d=devices)
    x = gaussian(n)
    y = distributed.fwht_sharded(laid_out(x, mesh, P("d")), mesh, P("d"))
    testing.assert_close(y, expected(x), n=n, c=4.0)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("axes", "spec", "axis"),
    [
        ({"a": 2, "b": 2}, P(None, None, ("a", "b")), -1),
        ({"a": 2, "b": 2}, P(None, None, ("b", "a")), -1),
        ({"a": 2, "b": 2}, P("a", None, "b"), -1),
        ({"a": 2, "b": 2}, P(None, None, "b"), 2),
        ({"a": 2, "b": 2}, P("b", "a"), 1),
        ({"d": 4}, P("d"), 0),
        ({"d": 4}, P("d"), -3),
    ],
    ids=str,
)
def test_any_layout_and_axis(axes, spec, axis, order):
    mesh = mesh_of(**axes)
    x = gaussian(16, 16, 16)
    y = distributed.fwht_sharded(laid_out(x, mesh, spec), mesh, spec, axis=axis, order=order)
    right = np.moveaxis(expected(np.moveaxis(np.asarray(x), axis, -1), order), -1, axis)
    testing.assert_close(y, right, n=16, c=4.0)
    assert y.sharding.is_equivalent_to(NamedSharding(mesh, spec), 3)


@pytest.mark.parametrize("order", ORDERS)
def test_inverse_undoes_every_norm(order):
    mesh, spec = mesh_of(d=4), P("d")
    x = laid_out(gaussian(64), mesh, spec)
    for norm in ("ortho", "backward", "forward"):
        y = distributed.fwht_sharded(x, mesh, spec, order=order, norm=norm)
        testing.assert_close(y, hadax.fwht(x, order=order, norm=norm), n=64, c=4.0)
        z = distributed.ifwht_sharded(y, mesh, spec, order=order, norm=norm)
        testing.assert_close(z, x, n=64, c=8.0)


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.complex64], ids=str)
def test_keeps_its_dtype(dtype):
    mesh, spec = mesh_of(d=4), P("d")
    x = gaussian(64, dtype=dtype)
    y = distributed.fwht_sharded(laid_out(x, mesh, spec), mesh, spec)
    assert y.dtype == dtype
    testing.assert_close(y, expected(x), n=64, c=4.0)


def test_integers_are_exact():
    mesh, spec = mesh_of(d=4), P("d")
    x = jax.random.randint(jax.random.key(0), (192,), -1000, 1000)
    y = distributed.fwht_sharded(laid_out(x, mesh, spec), mesh, spec, norm="backward")
    np.testing.assert_array_equal(y, _reference.fwht(np.asarray(x)))
    z = distributed.ifwht_sharded(y, mesh, spec, norm="forward")
    np.testing.assert_array_equal(z, 192 * x)


def test_an_empty_batch():
    mesh, spec = mesh_of(d=4), P(None, "d")
    for order in ORDERS:
        x = laid_out(jnp.zeros((0, 64)), mesh, spec)
        assert distributed.fwht_sharded(x, mesh, spec, order=order).shape == (0, 64)


@pytest.mark.parametrize(("words", "exchanges"), EXCHANGES, ids=str)
@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=str)
def test_the_program_has_the_promised_exchanges_and_no_other(kind, words, exchanges):
    mesh, spec = mesh_of(kind, b=2, d=2), P("b", "d")
    x = laid_out(gaussian(4, 64), mesh, spec)

    def transform(v):
        return distributed.fwht_sharded(v, mesh, spec, **words)

    def inverse(v):
        return distributed.ifwht_sharded(v, mesh, spec, **words)

    assert collectives(transform, x) == {"all-to-all": exchanges}
    assert collectives(inverse, x) == {"all-to-all": exchanges}
    # The transpose of a linear map costs what the map does.
    assert collectives(jax.linear_transpose(transform, x), x) == {"all-to-all": exchanges}
    both = {"all-to-all": 2 * exchanges}
    assert collectives(lambda v: inverse(2 * transform(v)), x) == both


def test_one_device_exchanges_nothing():
    mesh, spec = mesh_of(b=4, d=1), P("b", "d")
    x = laid_out(gaussian(4, 8), mesh, spec)
    assert collectives(lambda v: distributed.fwht_sharded(v, mesh, spec), x) == {}


def test_the_exchange_moves_one_block():
    """Each of the p operands of the all-to-all is a piece: n/p^2 points."""
    mesh, spec = mesh_of(d=4), P("d")
    x = laid_out(gaussian(1024), mesh, spec)
    program = jax.jit(lambda v: distributed.fwht_sharded(v, mesh, spec)).lower(x).compile()
    for line in re.findall(r"= \((.*)\) all-to-all\(", program.as_text()):
        pieces = re.findall(r"f32\[([\d,]+)\]", line)
        assert [np.prod([int(d) for d in piece.split(",")]) for piece in pieces] == [64] * 4


@lengths_and_orders(16, 48)
@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=str)
def test_both_modes_give_the_matrix(kind, n, order):
    mesh, spec = mesh_of(kind, d=4), P("d")
    weights = gaussian(n)

    def loss(v):
        y = distributed.fwht_sharded(v, mesh, spec, order=order)
        return jnp.sum(y * laid_out(weights, mesh, spec))

    with jax.set_mesh(mesh):
        x = laid_out(gaussian(n), mesh, spec)
        gradient = jax.jit(jax.grad(loss))(x)
        _, tangent = jax.jit(lambda v: jax.jvp(loss, (v,), (2 * v,)))(x)
    assert gradient.sharding.is_equivalent_to(NamedSharding(mesh, spec), 1)
    right = expected(weights, order, inverse=True)
    testing.assert_close(gradient, right, n=n, c=4.0)
    testing.assert_close(tangent, 2 * right @ np.asarray(x, np.float64), n=n, c=8.0)


def test_jacobians_and_hessian_are_those_of_the_matrix():
    mesh, spec = mesh_of(d=4), P("d")
    transform = functools.partial(distributed.fwht_sharded, mesh=mesh, spec=spec)
    x = laid_out(gaussian(16), mesh, spec)
    matrix = expected(np.eye(16)).T
    testing.assert_close(jax.jacfwd(transform)(x), matrix, n=16, c=4.0)
    testing.assert_close(jax.jacrev(transform)(x), matrix, n=16, c=4.0)
    hessian = jax.hessian(lambda v: jnp.sum(transform(v) ** 2))(x)
    testing.assert_close(hessian, 2 * np.eye(16), n=16, c=8.0)


@pytest.mark.parametrize("order", ORDERS)
def test_vmap(order):
    mesh, spec = mesh_of(d=4), P("d")
    x = gaussian(16, 3)
    y = jax.vmap(
        lambda v: distributed.fwht_sharded(v, mesh, spec, order=order), in_axes=1, out_axes=1
    )(x)
    testing.assert_close(y, expected(x.T, order).T, n=16, c=4.0)


def test_scan_remat_and_one_trace():
    mesh, spec = mesh_of(d=4), P("d")

    def transform(v):
        return distributed.fwht_sharded(v, mesh, spec)

    def loss(v):
        step = jax.checkpoint(lambda c, x: (c + jnp.sum(transform(x) ** 2), None))
        return jax.lax.scan(step, jnp.zeros(()), v)[0]

    xs = laid_out(gaussian(3, 16), mesh, P(None, "d"))
    testing.assert_close(jax.jit(jax.grad(loss))(xs), 2 * xs, n=16, c=8.0)
    testing.assert_no_retrace(transform, xs[0])


def test_inside_shard_map_beside_other_collectives():
    mesh, spec = mesh_of(b=2, d=2), P("b", "d")
    x = gaussian(2, 16)

    def energy(v):
        y = distributed.fwht(v, "d", order="sequency")
        return jax.lax.psum(jnp.sum(y**2), ("b", "d"))

    mapped = jax.shard_map(energy, mesh=mesh, in_specs=spec, out_specs=P())
    testing.assert_close(jax.jit(mapped)(x), np.sum(np.asarray(x, np.float64) ** 2), n=16, c=8.0)
    gradient = jax.grad(mapped)(laid_out(x, mesh, spec))
    testing.assert_close(gradient, 2 * x, n=16, c=8.0)


@pytest.mark.parametrize(("words", "exchanges"), EXCHANGES, ids=str)
def test_no_device_needs_more_than_a_few_blocks(words, exchanges):
    mesh = mesh_of(d=4)
    x = jax.ShapeDtypeStruct((1 << 16,), jnp.float32, sharding=NamedSharding(mesh, P("d")))
    transform = jax.jit(lambda v: distributed.fwht_sharded(v, mesh, P("d"), **words))
    memory = transform.lower(x).compile().memory_analysis()
    block = 4 * (1 << 16) / 4
    assert memory.argument_size_in_bytes == memory.output_size_in_bytes == block
    assert memory.temp_size_in_bytes < 3 * block


@pytest.mark.parametrize(("words", "exchanges"), EXCHANGES, ids=str)
def test_exports_for_every_platform(words, exchanges):
    mesh, spec = mesh_of(d=4), P("d")
    x = laid_out(gaussian(64), mesh, spec)
    transform = jax.jit(lambda v: distributed.fwht_sharded(v, mesh, spec, **words))
    exported = jax.export.export(transform, platforms=["cpu", "cuda", "tpu"])(x)
    assert exported.mlir_module().count('"stablehlo.all_to_all"') == exchanges
    loaded = jax.export.deserialize(exported.serialize())
    testing.assert_close(jax.jit(loaded.call)(x), transform(x), n=64)


FOUR = functools.partial(mesh_of, d=4)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"spec": P()}, ValueError, r"`spec` must shard axis=1 of x, but is P.*\. An axis that is"),
        ({"spec": P("d")}, ValueError, "`spec` must shard axis=1"),
        ({"spec": P(None, "q")}, ValueError, r"must name axes of the mesh, \('d',\), but is"),
        ({"spec": P(None, None, "d")}, ValueError, "at most x.ndim=2 parts"),
        ({"spec": ("d",)}, TypeError, "`spec` must be a jax.sharding.PartitionSpec, but is"),
        ({"mesh": "d"}, TypeError, "`mesh` must be a mesh, but is a str"),
        ({"axis": 2}, ValueError, "`axis` must be an axis of x, but is 2"),
        ({"order": "paley"}, ValueError, "`order` must be one of"),
        ({"order": ["paley"]}, ValueError, "`order` must be one of"),
        ({"norm": "unit"}, ValueError, "`norm` must be one of"),
        ({"transposed": 1}, TypeError, "`transposed` must be True or False, but is 1"),
        ({"transposed": True, "order": "dyadic"}, ValueError, "must be False with order='dyadic'"),
        ({"implementation": "fast"}, ValueError, "`implementation` must be one of"),
        ({"x": jnp.ones((2, 10))}, ValueError, "multiple of 4 as its length over 4 devices, but"),
        ({"x": jnp.ones((2, 8))}, ValueError, "multiple of 16 as its length over 4 devices, but"),
        ({"x": jnp.ones((2, 24))}, ValueError, "multiple of 48 as its length over 4 devices, but"),
        ({"x": jnp.ones((2, 188))}, ValueError, r"all 4 devices, but has length 188\. The nearest"),
        ({"x": jnp.ones((2, 48)), "order": "dyadic"}, ValueError, "power-of-two length for order="),
        ({"x": jnp.arange(32).reshape(2, 16)}, TypeError, "Integers stay exact with norm="),
        ({"x": jnp.ones((2, 0))}, ValueError, "at least one point"),
        ({"x": "abc"}, TypeError, "must be an array of numbers"),
        ({"mesh": mesh_of(d=3), "x": jnp.ones((2, 36))}, ValueError, "a power of two of devices"),
    ],
)
def test_bad_input(arguments, error, words, without_shape_checks):
    given = {"x": jnp.ones((2, 16)), "mesh": FOUR(), "spec": P(None, "d")} | arguments
    for transform in (distributed.fwht_sharded, distributed.ifwht_sharded):
        with pytest.raises(error, match=words):
            transform(given["x"], **{k: v for k, v in given.items() if k != "x"})


def test_an_explicit_mesh_moves_nothing_unasked():
    mesh = mesh_of(AxisType.Explicit, d=4)
    x = laid_out(jnp.ones((16, 16)), mesh, P("d"))
    with pytest.raises(
        ValueError, match=r"must be laid out as spec=.* on an explicit mesh, but is"
    ):
        distributed.fwht_sharded(x, mesh, P(None, "d"))


def test_an_automatic_mesh_brings_it_there():
    mesh = mesh_of(d=4)
    x = gaussian(16, 16)
    y = distributed.fwht_sharded(laid_out(x, mesh, P("d")), mesh, P(None, "d"))
    testing.assert_close(y, expected(x), n=16, c=4.0)


def test_an_abstract_mesh_is_enough_under_jit():
    mesh = mesh_of(AxisType.Explicit, d=4)
    with jax.set_mesh(mesh):
        x = laid_out(gaussian(64), mesh, P("d"))
        y = jax.jit(lambda v: distributed.fwht_sharded(v, mesh.abstract_mesh, P("d")))(x)
    testing.assert_close(y, expected(x), n=64, c=4.0)


@pytest.mark.parametrize("transform", [distributed.fwht, distributed.ifwht])
@pytest.mark.parametrize("name", ["d", ["d"], 3])
@pytest.mark.usefixtures("without_shape_checks")
def test_an_axis_name_that_is_not_bound(transform, name):
    with pytest.raises(ValueError, match=r"must name mesh axes of an enclosing jax.shard_map, but"):
        transform(jnp.ones(16), name)


def test_two_processes():
    """A run of two processes with two devices each, that talk to one another by gloo."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = str(free.getsockname()[1])
    script = Path(__file__).with_name("two_processes.py")
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    environment |= {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(script.parent.parent)}
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), port, str(rank)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for rank, process in enumerate(processes):
            output, _ = process.communicate(timeout=300)
            assert process.returncode == 0, output
            assert f"process {rank} agrees" in output
    finally:
        for process in processes:
            process.kill()
            process.wait()
