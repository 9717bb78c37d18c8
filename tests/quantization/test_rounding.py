"""Rounding: unbiased where it is stochastic, with the derivative of a clamp where it is learned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import (
    Codebook,
    FloatFormat,
    IntFormat,
    ScaleSpec,
    lloyd_max,
    quantize,
    round_stochastic,
    simulate,
    straight_through,
)

KEY = jax.random.key(0)
FORMATS = [IntFormat(4), FloatFormat("e2m1"), FloatFormat("e4m3"), lloyd_max(3)]


@pytest.mark.parametrize("format", FORMATS, ids=repr)
def test_the_mean_over_draws_is_the_number_itself(format):
    """False alarms below 1e-6 a format: 24 means, each within 6 standard errors."""
    least, greatest = format.ends()
    x = jnp.linspace(least, greatest, 24)
    draws = np.asarray(round_stochastic(KEY, jnp.tile(x, (20000, 1)), format), np.float64)
    lower, upper = (np.asarray(bound, np.float64) for bound in format.neighbours(x))
    assert ((draws == lower) | (draws == upper)).all()
    deviation = np.sqrt((np.asarray(x) - lower) * (upper - np.asarray(x)) / len(draws))
    assert (np.abs(draws.mean(0) - np.asarray(x)) <= 6 * deviation + 1e-6 * greatest).all()
    nearest = np.asarray(format.round(x), np.float64)
    assert (np.abs(nearest - np.asarray(x)) > 6 * deviation + 1e-6).any()  # and that is biased


def test_stochastic_scaled_rounding_is_unbiased_if_scales_are_rounded_up():
    """The largest entries of blocks of 16 under e4m3 scales: z below 6, false alarms below 1e-8."""
    x = jax.random.normal(KEY, (4096, 16))
    peak = jnp.argmax(jnp.abs(x), axis=-1, keepdims=True)
    largest = jnp.abs(jnp.take_along_axis(x, peak, axis=-1))

    def error(rounding):
        spec = ScaleSpec(dtype="e4m3", rounding=rounding)
        found = simulate(x, FloatFormat("e2m1"), spec, key=jax.random.key(1))
        share = jnp.abs(jnp.take_along_axis(found, peak, axis=-1)) / largest - 1
        return float(share.mean()), float(share.std() / np.sqrt(share.size))

    mean, deviation = error("up")
    assert abs(mean) < 6 * deviation
    mean, deviation = error("nearest")
    assert mean < -6 * deviation  # what is clipped pulls the mean down


def test_one_key_gives_one_result_and_packs_the_same():
    x, format = jax.random.normal(KEY, (4, 8)), IntFormat(3, symmetric=False)
    first, second = (simulate(x, format, key=jax.random.key(seed)) for seed in (1, 2))
    np.testing.assert_array_equal(first, quantize(x, format, key=jax.random.key(1)).dequantize())
    assert (first != second).any()


def test_beyond_the_range_goes_to_its_end():
    for format in (IntFormat(3), FloatFormat("e2m1"), Codebook((-1.0, 0.5))):
        least, greatest = format.ends()
        found = round_stochastic(KEY, jnp.array([-1e6, 1e6]), format)
        np.testing.assert_array_equal(found, [least, greatest])


@pytest.mark.parametrize("format", FORMATS, ids=repr)
def test_straight_through_is_a_clamp_to_derivatives(format):
    least, greatest = format.ends()
    x = jnp.array([2 * least, 0.9 * least, 0.01, 0.9 * greatest, 2 * greatest])
    value, slope = jax.jvp(lambda x: straight_through(x, format), (x,), (jnp.ones(5),))
    np.testing.assert_array_equal(value, format.round(x))
    np.testing.assert_array_equal(slope, [0, 1, 1, 1, 0])
    batched = jax.jit(jax.vmap(jax.grad(lambda x: straight_through(x, format))))(x)
    np.testing.assert_array_equal(batched, slope)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(TypeError, match="`key` must be a new-style key"):
        round_stochastic(jax.random.PRNGKey(0), jnp.ones(2), IntFormat(4))
    for function in (straight_through, lambda x, format: round_stochastic(KEY, x, format)):
        with pytest.raises(TypeError, match="`format` must be a number format, but is 'int4'"):
            function(jnp.ones(2), "int4")
        with pytest.raises(TypeError, match="`x` must be real floating point"):
            function(jnp.arange(2), IntFormat(4))
