"""Simulated quantization: the grid, its edges, its derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hadax.quantization import (
    Codebook,
    FloatFormat,
    IntFormat,
    ScaleSpec,
    fake_quantize,
    lloyd_max,
    nf4,
    quantize,
    simulate,
)

FLOATS = st.floats(-1e4, 1e4, width=32).filter(lambda v: v == 0 or abs(v) > 1e-4)


@settings(deadline=None, max_examples=50)  # the first example compiles
@given(arrays.arrays(np.float32, (3, 8), elements=FLOATS), st.sampled_from([2, 4, 8]))
def test_points_of_the_grid_are_nearest_and_stay(x, bits):
    found = np.asarray(fake_quantize(x, bits=bits))
    top = 2 ** (bits - 1) - 1
    scale = np.abs(x).max(axis=-1, keepdims=True) / top
    assert (np.abs(found - x) <= scale * (0.5 + 1e-3)).all()
    assert all(len(np.unique(row)) <= 2 * top + 1 for row in found)
    np.testing.assert_allclose(fake_quantize(found, bits=bits), found, rtol=1e-5)


def test_against_the_definition_with_clipping():
    x = np.random.default_rng(0).normal(size=(5, 64))
    scale = 0.7 * np.abs(x).max(axis=0) / 7
    expected = scale * np.clip(np.round(x / scale), -8, 7)
    assert (expected / scale).min() == -8
    found = fake_quantize(x.astype(np.float32), bits=4, axis=0, clip=0.7)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_zero_rows_stay_zero_beside_others():
    x = jnp.zeros((2, 4)).at[1, 2].set(-7.0)
    np.testing.assert_array_equal(fake_quantize(x, bits=4), x)


def test_axes_share_a_scale():
    x = jax.random.normal(jax.random.key(0), (3, 4, 5))
    np.testing.assert_array_equal(
        fake_quantize(x, bits=3, axis=(1, 2)),
        fake_quantize(x.reshape(3, 20), bits=3).reshape(x.shape),
    )
    np.testing.assert_array_equal(
        fake_quantize(x, bits=3, axis=None), fake_quantize(x.ravel(), bits=3).reshape(x.shape)
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_dtype_is_kept_and_half_precision_rounds_once(dtype):
    x = jax.random.normal(jax.random.key(0), (2, 33)).astype(dtype)
    found = fake_quantize(x, bits=4)
    assert found.dtype == x.dtype
    wide = fake_quantize(x.astype("float32"), bits=4).astype(dtype)
    np.testing.assert_array_equal(found.astype("float32"), wide.astype("float32"))


def test_a_scale_below_the_normal_numbers_gives_numbers():
    x = jnp.array([2e-38, 1.2e-38])
    found = fake_quantize(x, bits=8)
    np.testing.assert_allclose(found, x, atol=float(jnp.finfo("float32").tiny))


def test_clips_of_every_kind():
    x = jax.random.normal(jax.random.key(0), (3, 8))
    expected = fake_quantize(x, bits=3, clip=jnp.full((3, 1), 0.5))
    for clip in (0.5, np.float64(0.5), np.full((3, 1), 0.5), [[0.5]], jnp.asarray([0.5])):
        np.testing.assert_array_equal(fake_quantize(x, bits=3, clip=np.asarray(clip)), expected)
    traced = jax.jit(lambda c: fake_quantize(x, bits=3, clip=c))(jnp.asarray(0.5))
    np.testing.assert_allclose(traced, expected, rtol=1e-6)
    np.testing.assert_array_equal(fake_quantize(x, bits=3, clip=1), fake_quantize(x, bits=3))


def test_the_derivative_is_that_of_the_identity():
    x, v = jax.random.normal(jax.random.key(0), (2, 3, 8))

    def quantize(y):
        return fake_quantize(y, bits=2, clip=0.5)

    np.testing.assert_array_equal(jax.jvp(quantize, (x,), (v,))[1], v)
    np.testing.assert_array_equal(jax.vjp(quantize, x)[1](v)[0], v)
    np.testing.assert_array_equal(jax.jit(jax.vmap(quantize))(x), quantize(x))


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(TypeError, match=r"real floating point, but has x\.dtype=int32"):
        fake_quantize(jnp.arange(3), bits=4)
    for bits, message in [(1, "at least 2, but is 1"), (17, "at most limit=16, but is 17")]:
        with pytest.raises(ValueError, match=message):
            fake_quantize(jnp.ones(3), bits=bits)
    with pytest.raises(ValueError, match=r"`clip` must be above 0 and at most 1, but is 1\.5"):
        fake_quantize(jnp.ones(3), bits=4, clip=1.5)
    for clip in (jnp.asarray(1.5), np.array([0.5, 0.0]), np.nan):
        with pytest.raises(ValueError, match="`clip` must be above 0 and at most 1, but is"):
            fake_quantize(jnp.ones((3, 2)), bits=4, axis=0, clip=clip)
    with pytest.raises(TypeError, match="`clip` must be real floating point"):
        fake_quantize(jnp.ones(3), bits=4, clip=0.5j)
    for shape in [(2, 1, 1), (1, 3), (3,)]:
        with pytest.raises(ValueError, match=r"`clip` must broadcast to .*, \(2, 1\), but has"):
            fake_quantize(jnp.ones((2, 3)), bits=4, clip=jnp.full(shape, 0.5))


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_axes_are_refused():
    for x, axis, kind, message in [
        (jnp.ones(3), 1, ValueError, "`axis` must be an axis of x, but is 1"),
        (jnp.ones(3), 0.5, TypeError, "`axis` must be an integer, but is a float"),
        (jnp.ones(()), -1, ValueError, "`axis` must be an axis of x, but is -1"),
        (jnp.ones((2, 2)), (0, 0), ValueError, "`axis` must not repeat an axis"),
        (jnp.ones((2, 0)), -1, ValueError, "`x` must have at least one point along axis=-1"),
    ]:
        with pytest.raises(kind, match=message):
            fake_quantize(x, bits=4, axis=axis)


FORMATS = [
    IntFormat(3),
    IntFormat(4, symmetric=False),
    FloatFormat("e2m1"),
    FloatFormat("e4m3"),
    lloyd_max(3),
    Codebook((-1.0, 0.0, 1.0)),
]
SPECS = [
    ScaleSpec(axis=-2, block=4),
    ScaleSpec(axis=-2, block=3),
    ScaleSpec(axis=(-2, -1), block=(4, 2), dtype="e4m3", rounding="up"),
]


@pytest.mark.optimized  # has small floats
@pytest.mark.parametrize("format", FORMATS, ids=repr)
@pytest.mark.parametrize("spec", SPECS, ids=repr)
@pytest.mark.parametrize("compiled", [False, True])
def test_simulated_is_packed_and_unpacked_bit_for_bit(format, spec, compiled):
    x = jax.random.t(jax.random.key(0), 3.0, (8, 6)).at[:4, 2].set(0.0)
    if spec.padding(x) and not format.ignores_zeros:
        return  # refused: tests/quantization/test_scales.py

    def both(key, x):
        clip, key = 0.8, None if spec.dtype is None else key
        packed = quantize(x, format, spec, clip=clip, key=key)
        return simulate(x, format, spec, clip=clip, key=key), packed.dequantize()

    simulated, unpacked = (jax.jit(both) if compiled else both)(jax.random.key(1), x)
    assert np.asarray(simulated).tobytes() == np.asarray(unpacked).tobytes()
    assert np.isfinite(simulated).all()


def test_an_asymmetric_grid_against_its_definition():
    x = np.random.default_rng(0).normal(size=(6, 32)) + 1
    low, high = np.minimum(x.min(1), 0), np.maximum(x.max(1), 0)
    for shares in (1.0, (0.9, 0.6)):
        lower, upper = shares if isinstance(shares, tuple) else (shares, shares)
        s = ((upper * high - lower * low) / 15)[:, None]
        z = np.round(-lower * low[:, None] / s)
        expected = s * (np.clip(np.round(x / s) + z, 0, 15) - z)
        found = simulate(x.astype(np.float32), IntFormat(4, symmetric=False), clip=shares)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_two_clips_of_a_symmetric_grid_reach_to_the_farther_end():
    x = jnp.array([-1.0, 0.3, 2.0])
    found = simulate(x, IntFormat(4), clip=(1.0, 0.25))
    np.testing.assert_array_equal(found, jnp.clip(simulate(x, IntFormat(4), clip=0.5), -1, 1))


def test_a_codebook_of_variance_one_is_scaled_by_the_root_mean_square():
    x = 3e30 * jax.random.normal(jax.random.key(0), (2, 5000))  # squares would overflow
    format = lloyd_max(2)
    found = simulate(x, format)
    rms = 3e30 * np.sqrt(np.mean((np.asarray(x) / 3e30) ** 2, axis=1, keepdims=True))
    np.testing.assert_allclose(np.unique(found[0]), rms[0] * format.levels, rtol=1e-5)
    nearest = np.abs(np.asarray(x)[..., None] - rms[..., None] * np.array(format.levels)).min(-1)
    np.testing.assert_allclose(np.abs(x - found), nearest, rtol=1e-3, atol=1e25)


def test_nan_and_infinity_are_not_hidden():
    x = jnp.ones((3, 4)).at[0, 1].set(jnp.nan).at[1, 1].set(jnp.inf)
    for format in FORMATS:
        found = np.asarray(simulate(x, format))
        assert np.isnan(found[:2]).all(), format
        assert np.isfinite(found[2]).all(), format


def test_the_derivative_of_a_clamp():
    x = jnp.array([0.1, -0.2, 0.6, 1.0])

    def total(x, clip):
        return jnp.sum(simulate(x, IntFormat(3), clip=clip, gradient="clamp"))

    by_x, by_clip = jax.grad(total, argnums=(0, 1))(x, jnp.asarray(0.5))
    s = 0.5 / 3
    # The two last are clipped, to 3 s, and move with s; the others move with s by what rounding
    # left: q - x / s. And s moves with the largest entry, itself the last.
    left = jnp.round(x[:2] / s) - x[:2] / s
    by_s = 6 + jnp.sum(left)
    np.testing.assert_allclose(by_clip, by_s * s / 0.5, rtol=1e-5)
    np.testing.assert_allclose(by_x, jnp.array([1, 1, 0, by_s * s]), rtol=1e-5)


@pytest.mark.usefixtures("without_shape_checks")
def test_other_bad_input_is_refused():
    x = jnp.ones((4, 6))
    with pytest.raises(TypeError, match="`format` must be a number format, but is 4"):
        simulate(x, 4)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`spec` must be a ScaleSpec, but is -1"):
        simulate(x, nf4(), -1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`gradient` must be one of 'identity', 'clamp'"):
        simulate(x, nf4(), gradient="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`clip` must be one share for a format of unit 'rms'"):
        simulate(x, lloyd_max(2), clip=(0.5, 0.5))
    with pytest.raises(TypeError, match="`key` must be a new-style key"):
        simulate(x, nf4(), key=jax.random.PRNGKey(0))
