"""Moments of what linears read, and functions that they leave as they are."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from hadax.models import (
    SITES,
    Llama,
    input_moments,
    llama_from_params,
    llama_sites,
    parameters,
)
from hadax.quantization import assert_invariant
from hadax.quantization.methods import smoothquant


@pytest.fixture(scope="module")
def moments(llama, tokens):
    return jax.jit(input_moments)(llama, tokens)


def scalable(llama):
    return [site for site in llama_sites(llama.config).inputs if site.writers]


def test_moments_are_those_of_all_inputs_at_once(llama, tokens, moments):
    _, inputs = llama.hidden(tokens, record=lambda inputs: inputs)
    assert set(moments) == set(SITES) == set(inputs)
    for site, found in moments.items():
        x = np.float64(inputs[site])
        x = x.reshape(len(x), -1, x.shape[-1])
        hessian = 2 * np.einsum("lti,ltj->lij", x, x) / x.shape[1]
        np.testing.assert_allclose(found.hessian, hessian, atol=1e-5 * np.abs(hessian).max())
        np.testing.assert_allclose(found.magnitude, np.abs(x).mean(axis=1), rtol=1e-4)
        np.testing.assert_allclose(found.peak, np.abs(x).max(axis=1), rtol=1e-4)


@pytest.mark.parametrize("own_values", [False, True])
def test_smoothed_models_are_the_same_function(llama, tokens, own_values):
    if own_values:  # and biases, which write as well
        config = dataclasses.replace(llama.config, kv_heads=4, attention_bias=True)
        params = parameters(Llama(config, rngs=nnx.Rngs(1)))
        for name in ("query", "key", "value"):
            params["blocks"][name]["bias"] += 0.5
        llama = llama_from_params(config, params)
    moments, params = input_moments(llama, tokens), parameters(llama)
    edges = scalable(llama)
    assert len(edges) == 3 + own_values
    for edge in edges:
        params = smoothquant(params, edge, moments[edge.name].peak, alpha=0.7)
        for path in edge.readers:
            name = path.split(".")[1]
            before = getattr(llama.blocks, name).kernel[...]
            assert not np.allclose(params["blocks"][name]["kernel"], before, rtol=0.1)
    smooth = llama_from_params(llama.config, params)
    assert_invariant(llama, smooth, tokens, tolerance=1e-4)


def test_smoothed_inputs_and_their_weights_have_equal_peaks(llama, tokens, moments):
    for edge in scalable(llama):
        params = smoothquant(parameters(llama), edge, moments[edge.name].peak)
        peak = input_moments(llama_from_params(llama.config, params), tokens)[edge.name].peak
        kernels = [params["blocks"][path.split(".")[1]]["kernel"] for path in edge.readers]
        rows = jnp.max(jnp.abs(jnp.concatenate(kernels, axis=-1)), axis=-1)
        np.testing.assert_allclose(peak, rows, rtol=1e-3)


def test_bad_windows_are_refused(llama, without_shape_checks):
    with pytest.raises(ValueError, match="shape \\(windows, time\\)"):
        input_moments(llama, jnp.array([1, 2, 3]))
