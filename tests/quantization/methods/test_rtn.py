"""Round to nearest: the grid, its groups, and the search for how far it reaches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import IntFormat, ScaleSpec, fake_quantize, lloyd_max
from hadax.quantization.methods import rtn

KERNEL = jax.random.t(jax.random.key(0), 4.0, (3, 24, 5))


def test_one_scale_an_output_is_fake_quantize():
    rounded = rtn(KERNEL, IntFormat(4), clip=0.8)
    np.testing.assert_allclose(
        rounded.dequantize(), fake_quantize(KERNEL, bits=4, axis=-2, clip=0.8), atol=1e-6
    )
    assert rounded.scales.shape == (3, 1, 5)
    integers = rounded.dequantize() / rounded.scales
    np.testing.assert_allclose(integers, jnp.round(integers), atol=1e-5)
    assert integers.min() >= -8
    assert integers.max() <= 7.001


@pytest.mark.parametrize("size", [8, 10])
def test_groups_are_kernels_of_their_own(size):
    rounded = rtn(KERNEL, IntFormat(3), ScaleSpec(-2, size))
    assert rounded.scales.shape == (3, 3, 5)
    for g in range(3):
        inputs = slice(size * g, size * (g + 1))
        alone = rtn(KERNEL[:, inputs], IntFormat(3))
        np.testing.assert_array_equal(rounded.dequantize()[:, inputs], alone.dequantize())
        np.testing.assert_array_equal(rounded.scales[:, g], alone.scales[:, 0])


def test_the_search_finds_the_least_power_mean():
    found = rtn(KERNEL, IntFormat(3))
    loss = np.sum(np.abs(np.float64(KERNEL - found.dequantize())) ** 2.4, axis=-2)
    losses = [
        np.sum(
            np.abs(np.float64(KERNEL - rtn(KERNEL, IntFormat(3), clip=share).dequantize())) ** 2.4,
            axis=-2,
        )
        for share in (1 - np.arange(80) / 100).tolist()
    ]
    np.testing.assert_allclose(loss, np.min(losses, axis=0), rtol=1e-4)
    assert (loss < 0.9 * losses[0]).any()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_search_does_not_depend_on_the_scale(scale):
    found = rtn(scale * KERNEL, IntFormat(3))
    np.testing.assert_allclose(
        found.dequantize() / scale, rtn(KERNEL, IntFormat(3)).dequantize(), rtol=1e-4
    )


def test_zeros_and_half_precision():
    assert not rtn(jnp.zeros((4, 2)), IntFormat(4)).dequantize().any()
    half = KERNEL.astype(jnp.bfloat16)
    found = rtn(half, IntFormat(4))
    assert (found.dequantize().dtype, found.scales.dtype) == (jnp.bfloat16, jnp.float32)
    wide = rtn(half.astype(jnp.float32), IntFormat(4)).dequantize()
    np.testing.assert_array_equal(found.dequantize(), wide.astype(jnp.bfloat16))


def test_under_jit_and_vmap():
    expected = rtn(KERNEL, IntFormat(4), ScaleSpec(-2, 12))
    found = jax.jit(jax.vmap(lambda w: rtn(w, IntFormat(4), ScaleSpec(-2, 12))))(KERNEL)
    np.testing.assert_array_equal(found.dequantize(), expected.dequantize())


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(TypeError, match="real floating point"):
        rtn(jnp.ones((2, 2), int), IntFormat(4))
    with pytest.raises(ValueError, match=r"axes \(\.\.\., in, out\), none of them empty"):
        rtn(jnp.ones(3), IntFormat(4))
    with pytest.raises(ValueError, match="at most 8 bits"):
        rtn(KERNEL, IntFormat(9))
    with pytest.raises(TypeError, match="`format` must be"):
        rtn(KERNEL, 4)
    with pytest.raises(ValueError, match="`spec` must share scales along the inputs"):
        rtn(KERNEL, IntFormat(4), ScaleSpec(-1))
    with pytest.raises(ValueError, match="must divide"):
        rtn(KERNEL, lloyd_max(4), ScaleSpec(-2, 7))
    with pytest.raises(ValueError, match="`clip` must be above 0 and at most 1, but is 0"):
        rtn(KERNEL, IntFormat(4), clip=0.0)
