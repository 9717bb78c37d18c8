"""Scales: what shares one, and how it is kept."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

import hadax.quantization
from hadax.quantization import Codebook, FloatFormat, IntFormat, ScaleSpec, lloyd_max, nf4

# Of whole functions, fewer compile.
quantize = jax.jit(hadax.quantization.quantize, static_argnums=(1, 2))
simulate = jax.jit(hadax.quantization.simulate, static_argnums=(1, 2))
X = jax.random.normal(jax.random.key(0), (4, 6, 8))


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        (ScaleSpec(), (4, 6, 1)),
        (ScaleSpec(axis=None), (1, 1, 1)),
        (ScaleSpec(axis=-2), (4, 1, 8)),
        (ScaleSpec(axis=1, block=3), (4, 2, 8)),
        (ScaleSpec(axis=(-2, -1), block=2), (4, 3, 4)),
        (ScaleSpec(axis=(0, -1), block=(2, 8)), (2, 6, 1)),
        (ScaleSpec(axis=1, block=4), (4, 2, 8)),
        (ScaleSpec(axis=(0, -1), block=(3, 16)), (2, 6, 1)),
        (ScaleSpec(axis=(-2, -1), block=(5, 3)), (4, 2, 3)),
    ],
    ids=str,
)
def test_what_shares_a_scale(spec, counts):
    packed = quantize(X, IntFormat(4), spec)
    assert packed.scales.shape == spec.counts(X) == counts
    for where in (np.zeros(3, int), np.array(counts) - 1, np.array(counts) // 2):
        pairs = zip(where, spec.lengths(X), strict=True)
        blocks = tuple(slice(i * length, (i + 1) * length) for i, length in pairs)
        np.testing.assert_allclose(
            packed.scales[tuple(where)], jnp.abs(X[blocks]).max() / 7, rtol=1e-6
        )
        alone = simulate(X[blocks], IntFormat(4), ScaleSpec(axis=None))
        np.testing.assert_allclose(packed.dequantize()[blocks], alone, rtol=1e-6)


def test_square_blocks_of_the_transpose_are_the_transposed_blocks():
    x, spec = X.reshape(32, 6)[:, :4], ScaleSpec(axis=(-2, -1), block=4)
    format = FloatFormat("e2m1")
    np.testing.assert_array_equal(simulate(x.T, format, spec), simulate(x, format, spec).T)
    along = ScaleSpec(block=4)
    assert (simulate(x.T, format, along) != simulate(x, format, along).T).any()


@pytest.mark.parametrize("format", [IntFormat(4), IntFormat(3, symmetric=False)], ids=repr)
@pytest.mark.parametrize("power", [-20, 20])
def test_powers_of_two_go_through(format, power):
    for spec in (ScaleSpec(), ScaleSpec(dtype="e8m0")):
        scaled = simulate(X * 2.0**power, format, spec)
        np.testing.assert_array_equal(scaled, simulate(X, format, spec) * 2.0**power)


@pytest.mark.parametrize("name", ["float32", "float16", "e4m3", "e8m0"])
def test_scales_are_rounded_to_their_dtype(name):
    kinds = {"e4m3": ml_dtypes.float8_e4m3fn, "e8m0": ml_dtypes.float8_e8m0fnu}
    exact = np.asarray(jnp.abs(X).max(-1, keepdims=True) / 7)
    scales = quantize(X, IntFormat(4), ScaleSpec(dtype=name)).scales
    assert scales.dtype == kinds.get(name, name)
    kept = exact.astype(kinds.get(name, name))
    np.testing.assert_array_equal(np.asarray(scales, np.float32), kept.astype(np.float32))
    up = quantize(X, IntFormat(4), ScaleSpec(dtype=name, rounding="up")).scales
    assert up.dtype == scales.dtype
    wide = np.asarray(up, np.float32)
    assert (wide >= exact).all()
    assert (wide <= exact * {"float32": 1, "float16": 1.001, "e4m3": 1.13, "e8m0": 2}[name]).all()


def test_powers_of_two_are_powers_of_two():
    scales = quantize(X, IntFormat(4), ScaleSpec(dtype="e8m0")).scales.astype("float32")
    assert (np.frexp(np.asarray(scales))[0] == 0.5).all()


@pytest.mark.parametrize("name", ["float16", "e4m3", "e8m0"])
@pytest.mark.parametrize("rounding", ["nearest", "up"])
def test_scales_beyond_their_dtype_saturate(name, rounding):
    spec = ScaleSpec(dtype=name, rounding=rounding)
    x = jnp.array([[1e38, -1e30], [1e-36, 2e-37], [0.0, 0.0]])
    found = simulate(x, IntFormat(8), spec)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[2], 0)
    top = {"float16": 65504.0, "e4m3": 448.0}.get(name)
    if top:
        np.testing.assert_array_equal(found[0], [127 * top, -128 * top])


def test_what_the_last_block_lacks():
    assert ScaleSpec(axis=-2, block=4).padding(X) == (2, 0)
    assert ScaleSpec(axis=-1, block=5).padding(X) == (2,)
    assert ScaleSpec(axis=0, block=3).padding(X) == (2, 0, 0)
    assert ScaleSpec(axis=-1, block=9).padding(X) == ScaleSpec().padding(X) == ()
    assert quantize(X, nf4(), ScaleSpec(axis=-1, block=5)).padding == (2,)


@pytest.mark.parametrize("format", [IntFormat(3, symmetric=False), FloatFormat("e2m1"), nf4()])
def test_a_shorter_last_block_is_an_array_of_its_own(format):
    spec, best = ScaleSpec(axis=-2, block=4), hadax.quantization.best_clip
    clip = best(X, format, spec)
    found = hadax.quantization.simulate(X, format, spec, clip=clip)
    for i, rows in enumerate((slice(4), slice(4, 6))):
        whole = ScaleSpec(axis=-2)
        alone = best(X[:, rows], format, whole)
        np.testing.assert_array_equal(clip[:, i : i + 1], alone)
        expected = hadax.quantization.simulate(X[:, rows], format, whole, clip=alone)
        np.testing.assert_array_equal(found[:, rows], expected)


@pytest.mark.parametrize("format", [lloyd_max(2), lloyd_max(3), Codebook((-1.0, 0.5, 1.0))])
def test_a_shorter_last_block_is_refused_where_zeros_would_count(format):
    assert not format.ignores_zeros
    simulate(X, format, ScaleSpec(block=4))
    with pytest.raises(ValueError, match=r"must divide .* lacks 1 points .*\(4, 6, 8\). Pass a"):
        hadax.quantization.simulate(X, format, ScaleSpec(block=3))


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_scales_are_refused():
    for keywords, kind, message in [
        ({"axis": [0]}, TypeError, "`axis` must be an integer, a tuple or None"),
        ({"block": 0}, ValueError, "`block` must be at least 1, but is 0"),
        (
            {"dtype": "e5m2"},
            ValueError,
            "`dtype` must be one of 'float32', 'bfloat16', 'float16', 'e4m3'",
        ),
        ({"rounding": "down"}, ValueError, "`rounding` must be one of 'nearest', 'up'"),
        ({"axis": (0, 1), "block": (2,)}, ValueError, "or have one an axis, but has 1 for 2"),
        ({"axis": 3}, ValueError, "`axis` must be an axis of x, but is 3"),
    ]:
        with pytest.raises(kind, match=message):
            hadax.quantization.quantize(X, IntFormat(4), ScaleSpec(**keywords))
