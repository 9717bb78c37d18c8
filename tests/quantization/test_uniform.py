"""Fake quantization: the grid, its edges, its derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from hadax.quantization import best_clip, fake_quantize

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


def test_best_clip_is_the_best_of_a_list():
    x = jax.random.t(jax.random.key(0), 3.0, (40, 5))
    clip = best_clip(x, bits=3, axis=0)
    assert clip.shape == (1, 5)
    found = jnp.sum((x - fake_quantize(x, bits=3, axis=0, clip=clip)) ** 2, axis=0)
    for share in (1.0, 0.9, 0.7, 0.5, 0.4):
        error = jnp.sum((x - fake_quantize(x, bits=3, axis=0, clip=share)) ** 2, axis=0)
        assert (found <= error * (1 + 1e-5)).all()
    assert clip.min() < 0.95


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_best_clip_does_not_depend_on_the_scale(dtype):
    x = jax.random.t(jax.random.key(0), 3.0, (4, 30)).astype(dtype).astype("float32")
    expected = best_clip(x, bits=3)
    assert expected.min() < 0.95
    exponents = (-6, 8) if dtype == "float16" else (-100, 100)
    for exponent in exponents:
        scaled = jnp.asarray(x * 2.0**exponent, dtype)
        np.testing.assert_allclose(best_clip(scaled, bits=3), expected)


def test_a_scale_below_the_normal_numbers_gives_numbers():
    x = jnp.array([2e-38, 1.2e-38])
    found = fake_quantize(x, bits=8)
    np.testing.assert_allclose(found, x, atol=float(jnp.finfo("float32").tiny))
    assert np.isfinite(best_clip(x, bits=8)).all()


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
@pytest.mark.parametrize("quantize", [fake_quantize, best_clip])
def test_bad_axes_are_refused(quantize):
    for x, axis, kind, message in [
        (jnp.ones(3), 1, ValueError, "`axis` must be an axis of x, but is 1"),
        (jnp.ones(3), 0.5, TypeError, "`axis` must be an integer, but is a float"),
        (jnp.ones(()), -1, ValueError, "`axis` must be an axis of x, but is -1"),
        (jnp.ones((2, 2)), (0, 0), ValueError, "`axis` must not repeat an axis"),
        (jnp.ones((2, 0)), -1, ValueError, "`x` must have at least one point along axis=-1"),
    ]:
        with pytest.raises(kind, match=message):
            quantize(x, bits=4, axis=axis)
