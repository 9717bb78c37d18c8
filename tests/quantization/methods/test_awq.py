"""AWQ: what its two searches minimise, and that neither makes the output worse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import IntFormat, ScaleSpec, lloyd_max, nf4
from hadax.quantization.methods import awq_clip, awq_gains, rtn

IN, OUT = 48, 20
KEYS = jax.random.split(jax.random.key(0), 4)
LARGE = jnp.where(jnp.arange(IN) % 12 == 0, 20.0, 1.0)
INPUTS = jax.random.normal(KEYS[0], (200, IN)) @ jax.random.normal(KEYS[1], (IN, IN)) * LARGE[None]
HESSIAN = INPUTS.T @ INPUTS / 100
MAGNITUDE = jnp.mean(jnp.abs(INPUTS), axis=0)
KERNEL = jax.random.normal(KEYS[2], (IN, OUT))


def output_error(kernel):
    """The squared error of every output."""
    return np.sum(np.square(np.float64(INPUTS) @ np.float64(KERNEL - kernel)), axis=0)


def nearest(gains, group, clip=1.0):
    """The kernel rounded in the coordinates of the gains, and back."""
    return (
        rtn(gains[:, None] * KERNEL, IntFormat(3), ScaleSpec(-2, group), clip=clip).dequantize()
        / gains[:, None]
    )


@pytest.mark.parametrize("group", [None, 12, 20])
def test_the_best_gains_of_all_are_found(group):
    found = awq_gains(KERNEL, MAGNITUDE, HESSIAN, IntFormat(3), ScaleSpec(-2, group))
    error = output_error(nearest(found, group)).sum()
    candidates = []
    for r in range(20):
        gains = np.maximum(np.float64(MAGNITUDE) ** (r / 20), 1e-4)
        gains = jnp.float32(gains / np.sqrt(gains.max() * gains.min()))
        candidates.append(output_error(nearest(gains, group)).sum())
    np.testing.assert_allclose(error, np.min(candidates), rtol=1e-4)
    assert error < 0.7 * candidates[0]


def test_the_proxy_looks_at_magnitudes_alone():
    found = awq_gains(KERNEL, MAGNITUDE, None, IntFormat(3))
    diagonal = awq_gains(KERNEL, MAGNITUDE, jnp.diag(MAGNITUDE**2), IntFormat(3))
    np.testing.assert_allclose(found, diagonal, rtol=1e-6)
    assert (
        output_error(nearest(found, None)).sum()
        < output_error(rtn(KERNEL, IntFormat(3), clip=1.0).dequantize()).sum()
    )


def test_equal_inputs_need_no_gains():
    np.testing.assert_allclose(
        awq_gains(KERNEL, jnp.full(IN, 7.0), None, IntFormat(3)), 1.0, rtol=1e-6
    )


@pytest.mark.parametrize("group", [None, 12, 20])
@pytest.mark.parametrize(
    "format", [IntFormat(2), IntFormat(4), IntFormat(3, symmetric=False), nf4()], ids=str
)
def test_no_output_gets_worse_by_the_clip_search(group, format):
    clip = awq_clip(KERNEL, HESSIAN, format, ScaleSpec(-2, group))
    assert clip.shape == (-(-IN // (group or IN)), OUT)
    assert clip.min() > 0.549
    found = output_error(rtn(KERNEL, format, ScaleSpec(-2, group), clip=clip).dequantize())
    plain = output_error(rtn(KERNEL, format, ScaleSpec(-2, group), clip=1.0).dequantize())
    assert (found <= plain * (1 + 1e-5)).all()
    assert found.sum() < 0.95 * plain.sum()


def test_the_clip_of_a_single_group_is_the_best_of_a_list():
    clip = awq_clip(KERNEL, HESSIAN, IntFormat(3))
    found = output_error(rtn(KERNEL, IntFormat(3), clip=clip).dequantize())
    errors = [
        output_error(rtn(KERNEL, IntFormat(3), clip=1 - i / 20).dequantize()) for i in range(10)
    ]
    np.testing.assert_allclose(found, np.min(errors, axis=0), rtol=1e-3)


def test_leading_axes():
    pair = jnp.stack([KERNEL, KERNEL[::-1]])
    arrays = jnp.stack([MAGNITUDE, MAGNITUDE[::-1]]), jnp.stack([HESSIAN, HESSIAN[::-1, ::-1]])
    gains = awq_gains(pair, *arrays, IntFormat(3), ScaleSpec(-2, 12))
    np.testing.assert_allclose(gains[1], gains[0, ::-1], rtol=1e-5)
    clip = awq_clip(pair, arrays[1], IntFormat(3), ScaleSpec(-2, 12))
    np.testing.assert_allclose(clip[1], clip[0, ::-1], rtol=1e-6)
    proxy = awq_gains(pair, arrays[0], None, IntFormat(3))
    np.testing.assert_allclose(
        proxy[0], awq_gains(KERNEL, MAGNITUDE, None, IntFormat(3)), rtol=1e-6
    )


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"`magnitude` must have the shape \(48,\)"):
        awq_gains(KERNEL, MAGNITUDE[1:], None, IntFormat(4))
    with pytest.raises(ValueError, match=r"`hessian` must have the shape \(48, 48\)"):
        awq_gains(KERNEL, MAGNITUDE, HESSIAN[1:], IntFormat(4))
    with pytest.raises(ValueError, match=r"`hessian` must have the shape \(48, 48\)"):
        awq_clip(KERNEL, MAGNITUDE, IntFormat(4))
    with pytest.raises(ValueError, match="must divide"):
        awq_clip(KERNEL, HESSIAN, lloyd_max(4), ScaleSpec(-2, 5))
