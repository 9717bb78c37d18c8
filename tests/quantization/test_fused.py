"""Rotations fused with quantization, as a user calls them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.quantization import grouped_ifwht, pack_planes, rotate_and_quantize


@pytest.fixture
def x():
    return jax.random.normal(jax.random.key(0), (3, 4, 64), jnp.bfloat16)


def test_codes_times_scales_is_the_rotation(x):
    signs = jax.random.rademacher(jax.random.key(1), (64,), jnp.int8)
    codes, scales = rotate_and_quantize(x, signs)
    y = hadax.fwht(x.astype(jnp.float32) * signs.astype(jnp.float32).reshape(1, 1, -1))
    assert codes.shape == x.shape
    assert scales.shape == (3, 4, 1)
    assert bool((jnp.abs(codes.astype(jnp.float32) * scales - y) < 0.51 * scales).all())
    assert int(jnp.abs(codes).max(axis=-1).min()) == 127


def test_four_bits_are_packed_first_code_low(x):
    codes, scales = rotate_and_quantize(x, grid="int4")
    pairs = jax.lax.bitcast_convert_type(codes, jnp.int4)
    found = pairs.reshape(x.shape).astype(jnp.float32) * scales
    y = hadax.fwht(x.astype(jnp.float32))
    assert bool((jnp.abs(found - y) < 0.51 * scales).all())


@pytest.mark.parametrize("grid", ["int8", "int4", "fp8"])
def test_no_rows(grid):
    codes, scales = rotate_and_quantize(jnp.ones((0, 64)), grid=grid)
    assert codes.shape == (0, 32 if grid == "int4" else 64)
    assert scales.shape == (0, 1)


def test_rows_of_zeros_and_single_vectors(x):
    codes, scales = rotate_and_quantize(jnp.zeros(64), grid="fp8")
    assert not np.asarray(codes, np.float32).any()
    assert np.isfinite(scales)
    alone = rotate_and_quantize(x[1, 2])
    together = rotate_and_quantize(x)
    np.testing.assert_array_equal(alone[0], together[0][1, 2])


def test_vmap_of_rows_and_of_signs(x):
    together = rotate_and_quantize(x)
    np.testing.assert_array_equal(jax.vmap(rotate_and_quantize)(x)[0], together[0])
    np.testing.assert_array_equal(
        jax.vmap(rotate_and_quantize, in_axes=1, out_axes=1)(x)[1], together[1]
    )
    signs = jax.random.rademacher(jax.random.key(1), (3, 64), jnp.int8)
    each = [rotate_and_quantize(a, s)[0] for a, s in zip(x, signs, strict=True)]
    np.testing.assert_array_equal(jax.vmap(rotate_and_quantize)(x, signs)[0], jnp.stack(each))
    np.testing.assert_array_equal(
        jax.vmap(rotate_and_quantize, in_axes=(None, 0))(x[0], signs)[0][2],
        rotate_and_quantize(x[0], signs[2])[0],
    )


def test_no_derivative_passes(x):
    def loss(x):
        return jnp.sum(rotate_and_quantize(x)[1]) + jnp.sum(x.astype(jnp.float32))

    np.testing.assert_array_equal(jax.jit(jax.grad(loss))(x), jnp.ones_like(x))


@pytest.mark.parametrize("kind", [jax.sharding.AxisType.Explicit, jax.sharding.AxisType.Auto])
def test_rows_stay_on_their_devices(kind):
    mesh = jax.make_mesh((4,), ("d",), axis_types=(kind,))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("d", None))
    x = jax.random.normal(jax.random.key(0), (8, 64))
    codes, scales = jax.jit(rotate_and_quantize)(jax.device_put(x, rows))
    assert codes.sharding.is_equivalent_to(rows, 2)
    np.testing.assert_array_equal(codes, rotate_and_quantize(x)[0])
    np.testing.assert_array_equal(scales, rotate_and_quantize(x)[1])


def test_groups_of_packed_codes():
    codes = jax.random.randint(jax.random.key(0), (2, 512), 0, 8)
    scales = jnp.array([[1.0, 2.0], [0.5, 0.25]])
    planes = pack_planes(codes, bits=3)
    assert planes.shape == (2, 2 * 3 * 8)
    values = grouped_ifwht(planes, scales, bits=3)
    points = (codes.reshape(2, 2, 256).astype(jnp.float32) - 3.5) * scales[..., None]
    np.testing.assert_allclose(values.reshape(2, 2, 256), hadax.ifwht(points), atol=1e-5)
    half = grouped_ifwht(planes[0], scales[0], bits=3, dtype=jnp.bfloat16)
    assert half.dtype == jnp.bfloat16
    np.testing.assert_array_equal(half, values[0].astype(jnp.bfloat16))


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    x = jnp.ones((2, 4))
    cases = [
        (TypeError, "`x` must be real", lambda: rotate_and_quantize(jnp.ones(4, int))),
        (ValueError, "Hadamard length", lambda: rotate_and_quantize(jnp.ones(6))),
        (ValueError, "even length", lambda: rotate_and_quantize(jnp.ones(1), grid="int4")),
        (ValueError, "`grid` must", lambda: rotate_and_quantize(x, grid="int3")),
        (TypeError, "`signs` must be int8", lambda: rotate_and_quantize(x, jnp.ones(4))),
        (ValueError, "`signs` must have", lambda: rotate_and_quantize(x, jnp.ones(2, jnp.int8))),
        (TypeError, "`codes` must hold", lambda: pack_planes(jnp.ones(256), bits=2)),
        (ValueError, "`codes` must have", lambda: pack_planes(jnp.ones(100, int), bits=2)),
        (ValueError, "`bits` must", lambda: pack_planes(jnp.ones(256, int), bits=5)),
        (TypeError, "`planes` must be", lambda: grouped_ifwht(x, x, bits=2)),
        (
            ValueError,
            "`planes` must have 16 words",
            lambda: grouped_ifwht(jnp.ones(8, jnp.uint32), jnp.ones(1), bits=2),
        ),
        (
            TypeError,
            "`dtype` must be",
            lambda: grouped_ifwht(jnp.ones(8, jnp.uint32), jnp.ones(1), bits=1, dtype=int),
        ),
    ]
    for kind, text, call in cases:
        with pytest.raises(kind, match=text):
            call()
