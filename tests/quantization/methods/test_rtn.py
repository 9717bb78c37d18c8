"""Round to nearest: the grid, its groups, and the search for how far it reaches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import fake_quantize
from hadax.quantization.methods import rtn

KERNEL = jax.random.t(jax.random.key(0), 4.0, (3, 24, 5))


def test_one_scale_an_output_is_fake_quantize():
    rounded = rtn(KERNEL, bits=4, clip=0.8)
    np.testing.assert_allclose(
        rounded.kernel, fake_quantize(KERNEL, bits=4, axis=-2, clip=0.8), atol=1e-6
    )
    assert rounded.scales.shape == (3, 1, 5)
    integers = rounded.kernel / rounded.scales
    np.testing.assert_allclose(integers, jnp.round(integers), atol=1e-5)
    assert integers.min() >= -8
    assert integers.max() <= 7.001


def test_groups_are_kernels_of_their_own():
    rounded = rtn(KERNEL, bits=3, group=8)
    assert rounded.scales.shape == (3, 3, 5)
    for g in range(3):
        alone = rtn(KERNEL[:, 8 * g : 8 * g + 8], bits=3)
        np.testing.assert_array_equal(rounded.kernel[:, 8 * g : 8 * g + 8], alone.kernel)
        np.testing.assert_array_equal(rounded.scales[:, g], alone.scales[:, 0])


def test_the_search_finds_the_least_power_mean():
    found = rtn(KERNEL, bits=3)
    loss = np.sum(np.abs(np.float64(KERNEL - found.kernel)) ** 2.4, axis=-2)
    losses = [
        np.sum(np.abs(np.float64(KERNEL - rtn(KERNEL, bits=3, clip=share).kernel)) ** 2.4, axis=-2)
        for share in (1 - np.arange(80) / 100).tolist()
    ]
    np.testing.assert_allclose(loss, np.min(losses, axis=0), rtol=1e-4)
    assert (loss < 0.9 * losses[0]).any()


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_search_does_not_depend_on_the_scale(scale):
    found = rtn(scale * KERNEL, bits=3)
    np.testing.assert_allclose(found.kernel / scale, rtn(KERNEL, bits=3).kernel, rtol=1e-4)


def test_zeros_and_half_precision():
    assert not rtn(jnp.zeros((4, 2)), bits=4).kernel.any()
    half = KERNEL.astype(jnp.bfloat16)
    found = rtn(half, bits=4)
    assert (found.kernel.dtype, found.scales.dtype) == (jnp.bfloat16, jnp.float32)
    wide = rtn(half.astype(jnp.float32), bits=4).kernel
    np.testing.assert_array_equal(found.kernel, wide.astype(jnp.bfloat16))


def test_under_jit_and_vmap():
    expected = rtn(KERNEL, bits=4, group=12)
    found = jax.jit(jax.vmap(lambda w: rtn(w, bits=4, group=12)))(KERNEL)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), found, expected)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(TypeError, match="real floating point"):
        rtn(jnp.ones((2, 2), int), bits=4)
    with pytest.raises(ValueError, match=r"axes \(\.\.\., in, out\), none of them empty"):
        rtn(jnp.ones(3), bits=4)
    with pytest.raises(ValueError, match="`bits` must be at least 2, but is 1"):
        rtn(KERNEL, bits=1)
    with pytest.raises(ValueError, match="must divide the kernel's 24 inputs, but is 7"):
        rtn(KERNEL, bits=4, group=7)
    with pytest.raises(ValueError, match="`clip` must be above 0 and at most 1, but is 0"):
        rtn(KERNEL, bits=4, clip=0.0)
