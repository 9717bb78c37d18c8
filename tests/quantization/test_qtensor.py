"""Quantized tensors: what they hold, how large they are, how they compose and multiply."""

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as orbax
import pytest
from flax import nnx

import hadax.nnx  # registers QTensor
from hadax.quantization import (
    FloatFormat,
    IntFormat,
    QTensor,
    ScaleSpec,
    lloyd_max,
    nf4,
    quantized_matmul,
    simulate,
)
from hadax.quantization import quantize as quantize_eagerly

assert hadax.nnx
quantize = jax.jit(quantize_eagerly, static_argnums=(1, 2))  # of whole functions, fewer compile
KERNEL = jax.random.normal(jax.random.key(0), (32, 12))
PER_OUTPUT = ScaleSpec(axis=-2)
GROUPS = ScaleSpec(axis=-2, block=8, dtype="float16")


def same(first, second):
    """Whether two pytrees are the same bit for bit."""
    assert jax.tree.structure(first) == jax.tree.structure(second)
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return True


@pytest.mark.parametrize(
    ("bits", "symmetric"), [(2, True), (3, False), (4, True), (5, True), (6, False), (7, True)]
)
def test_codes_take_their_bits_and_no_more(bits, symmetric):
    packed = quantize(KERNEL, IntFormat(bits, symmetric), PER_OUTPUT)
    assert packed.codes.shape == (32, -(-12 * bits // 8))
    assert packed.codes.dtype == jnp.uint8
    zeros = 0 if symmetric else 12
    assert packed.nbytes == packed.codes.size + 12 * 4 + zeros
    assert packed.bits_per_weight == 8 * packed.nbytes / KERNEL.size
    assert packed.shape == KERNEL.shape
    error = jnp.abs(packed.dequantize() - KERNEL)
    assert (error <= packed.scales * 0.501).all()


@pytest.mark.usefixtures("without_shape_checks")
def test_four_bits_and_their_scales_are_below_five():
    kernel = jnp.ones((576, 192))
    for spec, expected in [
        (ScaleSpec(axis=-2, block=32, dtype="float16"), 4.5),
        (ScaleSpec(axis=-2), 4 + 32 / 576),
        (ScaleSpec(axis=-2, block=16, dtype="e4m3"), 4.5),
        (ScaleSpec(axis=-2, block=32, dtype="e8m0"), 4.25),
    ]:
        packed = jax.eval_shape(lambda x, spec=spec: quantize(x, IntFormat(4), spec), kernel)
        assert packed.bits_per_weight == pytest.approx(expected)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_dtype_comes_back(dtype):
    x = KERNEL.astype(dtype)
    packed = quantize(x, nf4(), GROUPS)
    assert packed.dtype == dtype
    assert same(packed.dequantize(), simulate(x, nf4(), GROUPS))


def test_doubles(x64):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(4, 8)))
    packed = quantize(x, IntFormat(8))
    assert packed.scales.dtype == packed.dequantize().dtype == jnp.float64
    np.testing.assert_allclose(packed.scales, np.abs(x).max(1, keepdims=True) / 127, rtol=1e-15)


@pytest.mark.parametrize("format", [IntFormat(4, symmetric=False), lloyd_max(3)], ids=repr)
def test_layers_are_an_axis_like_any_other(format):
    layers = jnp.stack([KERNEL, 2 * KERNEL, KERNEL - 1])
    stacked = jax.vmap(lambda x: quantize(x, format, GROUPS))(layers)
    assert same(stacked, jax.jit(lambda x: quantize(x, format, GROUPS))(layers))
    assert same(
        jax.lax.scan(lambda _, one: (None, one.dequantize()), None, stacked)[1],
        stacked.dequantize(),
    )
    second = jax.tree.map(lambda leaf: leaf[1], stacked)
    assert same(second, quantize(layers[1], format, GROUPS))
    if format.ignores_zeros:
        short = ScaleSpec(axis=-2, block=12)
        stacked = quantize(layers, format, short)
        assert same(stacked, jax.vmap(lambda x: quantize(x, format, short))(layers))
        third = jax.tree.map(lambda leaf: leaf[2], stacked)
        assert same(third, quantize(layers[2], format, short))
        assert same(third.columns(3, 8), quantize(layers[2][:, 3:8], format, short))
    assert second.shape == KERNEL.shape
    whole = jax.vmap(lambda x: quantize(x, format, ScaleSpec(axis=None)))(layers)
    assert whole.scales.shape == (3, 1, 1)
    assert same(jax.vmap(QTensor.dequantize)(whole), whole.dequantize())


def test_an_equal_tensor_does_not_retrace():
    count = 0

    @jax.jit
    def total(packed):
        nonlocal count
        count += 1
        return packed.dequantize().sum()

    for scale in (1.0, 2.0):
        total(quantize(scale * KERNEL, nf4(), GROUPS))
    assert count == 1


def test_it_is_data_of_an_nnx_module():
    class Linear(nnx.Module):
        def __init__(self):
            self.kernel = quantize(KERNEL, IntFormat(4, symmetric=False), GROUPS)
            self.bias = nnx.Param(jnp.zeros((1, 12)))

        def __call__(self, x):
            return quantized_matmul(x, self.kernel) + self.bias[...]

    model, x = Linear(), jnp.ones((1, 32))
    expected = quantized_matmul(x, model.kernel)
    np.testing.assert_allclose(nnx.jit(lambda m, x: m(x))(model, x), expected, rtol=1e-5)
    graph, state = nnx.split(model)
    assert len(jax.tree.leaves(state)) == 4
    merged = nnx.merge(graph, jax.tree.map(jnp.copy, state))
    assert same(merged.kernel, model.kernel)
    trained, rest = nnx.split(model, nnx.Param, ...)[1:]
    assert (len(jax.tree.leaves(trained)), len(jax.tree.leaves(rest))) == (1, 3)


@pytest.mark.usefixtures("without_shape_checks")  # orbax puts stand-ins in place of arrays
def test_orbax_keeps_it(tmp_path):
    tree = {
        "a": quantize(KERNEL, IntFormat(3, symmetric=False), ScaleSpec(-2, 8, dtype="e4m3")),
        "b": quantize(KERNEL, nf4(), ScaleSpec(-2, 8, dtype="e8m0")),
    }
    with orbax.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "tree", tree)
        checkpointer.wait_until_finished()
        found = checkpointer.restore(tmp_path / "tree", jax.tree.map(jnp.zeros_like, tree))
    assert same(found, tree)


SPECS = [
    PER_OUTPUT,
    ScaleSpec(axis=None),
    GROUPS,
    ScaleSpec(axis=-1),
    ScaleSpec(axis=(-2, -1), block=(16, 4), dtype="e4m3"),
    ScaleSpec(axis=-1, block=4),
    ScaleSpec(axis=-2, block=12, dtype="float16"),
    ScaleSpec(axis=-2, block=5),
    ScaleSpec(axis=(-2, -1), block=(12, 5)),
    ScaleSpec(axis=(-2, -1), block=(12, 24)),
    ScaleSpec(axis=-1, block=5),
]


@pytest.mark.optimized  # has small floats
@pytest.mark.parametrize("spec", SPECS, ids=repr)
@pytest.mark.parametrize(
    "format", [IntFormat(4, symmetric=False), FloatFormat("e2m1"), nf4()], ids=repr
)
def test_products_are_those_of_the_unpacked_kernel(spec, format):
    x = jax.random.normal(jax.random.key(1), (2, 3, 32))
    packed = quantize(KERNEL, format, spec)
    found = jax.jit(quantized_matmul)(x, packed)
    kernel = np.asarray(packed.dequantize(), np.float64)
    expected = np.asarray(x, np.float64) @ kernel
    bound = np.abs(np.asarray(x, np.float64)) @ np.abs(kernel)
    # Round-off of 32 products and sums: gamma_34.
    assert (np.abs(found - expected) <= 34 * np.finfo(np.float32).eps * bound).all()
    one = quantized_matmul(x[0, 0], packed)
    np.testing.assert_allclose(one, expected[0, 0], atol=1e-4)
    half = quantized_matmul(x.astype("bfloat16"), packed)
    assert half.dtype == jnp.bfloat16


def test_groups_are_never_unpacked_all_at_once():
    packed = quantize(jnp.ones((64, 16)), IntFormat(4), ScaleSpec(axis=-2, block=8))
    jaxpr = jax.make_jaxpr(quantized_matmul)(jnp.ones((1, 64)), packed)
    shapes = {
        tuple(variable.aval.shape)
        for equation in jaxpr.eqns
        for variable in equation.outvars
        if variable.aval.dtype == jnp.float32
    }
    assert max(np.prod(shape) for shape in shapes) < 64 * 16


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"`format` must have at most 8 bits .* but has 9"):
        quantize_eagerly(KERNEL, IntFormat(9))
    with pytest.raises(ValueError, match="`axis` must be an axis of x, but is -1"):
        quantize_eagerly(jnp.ones(()), IntFormat(4))
    packed = quantize_eagerly(KERNEL, IntFormat(4))
    with pytest.raises(TypeError, match="`kernel` must be a QTensor, but is a"):
        quantized_matmul(jnp.ones(32), KERNEL)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`x` must have length 32 .* x\.shape=\(31,\)"):
        quantized_matmul(jnp.ones(31), packed)
    with pytest.raises(ValueError, match=r"`kernel` must have 2 axes, but has shape \(2, 32, 12\)"):
        quantized_matmul(jnp.ones(32), quantize_eagerly(jnp.stack([KERNEL, KERNEL]), IntFormat(4)))


def test_columns_have_scales_of_their_own():
    packed = quantize(KERNEL, IntFormat(4), GROUPS)
    np.testing.assert_array_equal(packed.columns(2, 7).dequantize(), packed.dequantize()[:, 2:7])
    for spec in (ScaleSpec(axis=-1), ScaleSpec(axis=-1, block=2)):
        with pytest.raises(ValueError, match="columns must have scales of their own, but 12"):
            quantize(KERNEL, IntFormat(4), spec).columns(2, 4)
