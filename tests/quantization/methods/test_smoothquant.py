"""SmoothQuant: equal magnitudes on both sides, and the same function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import Site, fake_quantize
from hadax.quantization.methods import smoothing_gains, smoothquant

KEYS = jax.random.split(jax.random.key(0), 4)
GAIN = jnp.exp(jax.random.normal(KEYS[0], (2, 12)))
UP, GATE = jax.random.normal(KEYS[1], (2, 2, 12, 5))
NORMED = jax.random.t(KEYS[2], 4.0, (30, 12))
PARAMS = {"norm": {"scale": GAIN}, "up": {"kernel": UP}, "gate": {"kernel": GATE}}
SITE = Site("normed", 12, ("norm.scale",), ("up.kernel", "gate.kernel"), layered=True)


def hidden(params):
    """What the readers read, by layer."""
    return params["norm"]["scale"][:, None] * NORMED[None]


def outputs(params):
    """What they make of it."""
    return [hidden(params) @ params[name]["kernel"] for name in ("up", "gate")]


PEAK = jnp.max(jnp.abs(hidden(PARAMS)), axis=1)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.5, 1.0])
def test_the_function_is_the_same(alpha):
    smooth = smoothquant(PARAMS, SITE, PEAK, alpha=alpha)
    for found, expected in zip(outputs(smooth), outputs(PARAMS), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_a_half_makes_largest_magnitudes_equal():
    smooth = smoothquant(PARAMS, SITE, PEAK)
    joined = jnp.concatenate([smooth["up"]["kernel"], smooth["gate"]["kernel"]], axis=-1)
    activations = jnp.max(jnp.abs(hidden(smooth)), axis=1)
    np.testing.assert_allclose(activations, jnp.max(jnp.abs(joined), axis=-1), rtol=1e-5)


def test_gains_are_the_formula():
    joined = jnp.concatenate([UP, GATE], axis=-1)
    found = smoothing_gains(joined, PEAK, alpha=0.7)
    expected = np.float64(PEAK) ** 0.7 / np.abs(np.float64(joined)).max(axis=-1) ** 0.3
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    ratio = smoothquant(PARAMS, SITE, PEAK, alpha=0.7)["up"]["kernel"] / UP
    np.testing.assert_allclose(ratio, np.broadcast_to(found[..., None], UP.shape), rtol=1e-4)
    assert smoothing_gains(joined, 1e-20 * PEAK, alpha=1.0).min() == np.float32(1e-5)


def test_inputs_without_weights_or_values_are_left_alone():
    peak, kernel = PEAK.at[:, 3].set(0.0), jnp.concatenate([UP, GATE], axis=-1).at[:, 5].set(0.0)
    gains = smoothing_gains(kernel, peak)
    np.testing.assert_array_equal(gains[:, [3, 5]], 1.0)
    assert jnp.isfinite(gains).all()


def test_heads_side_by_side_share_their_gains():
    value, output = jax.random.normal(KEYS[3], (2, 8, 8))
    params = {"value": {"kernel": value}, "output": {"kernel": output}}
    site = Site("head", 4, ("value.kernel",), ("output.kernel",), written=2, read=2)
    smooth = smoothquant(params, site, jnp.arange(1.0, 5.0))
    np.testing.assert_allclose(
        smooth["value"]["kernel"] @ smooth["output"]["kernel"], value @ output, atol=1e-5
    )
    rows = jnp.max(jnp.abs(output), axis=-1).reshape(2, 4).max(axis=0)
    ratio = smooth["output"]["kernel"][:4, 0] / output[:4, 0]
    np.testing.assert_allclose(ratio, jnp.sqrt(jnp.arange(1.0, 5.0) / rows), rtol=1e-5)


def test_an_outlier_costs_less():
    params = PARAMS | {"norm": {"scale": GAIN.at[:, 0].set(60.0)}}
    peak = jnp.max(jnp.abs(hidden(params)), axis=1)

    def error(p):
        rounded = fake_quantize(hidden(p), bits=4) @ fake_quantize(
            p["up"]["kernel"], bits=4, axis=-2
        )
        return float(jnp.mean(jnp.square(rounded - outputs(params)[0])))

    assert error(smoothquant(params, SITE, peak)) < 0.7 * error(params)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"`peak` must have the shape \(2, 12\)"):
        smoothquant(PARAMS, SITE, PEAK[0])
    with pytest.raises(ValueError, match=r"`alpha` must be from 0 to 1, but is 1\.5"):
        smoothing_gains(UP, PEAK, alpha=1.5)
    with pytest.raises(KeyError, match="there are norm, up, gate"):
        smoothquant(PARAMS, Site("x", 12, (), ("middle.kernel",)), PEAK)
