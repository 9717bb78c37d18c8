"""Kernels solved for in turn: what each is given, and what it is good for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.models import (
    draw_rotations,
    input_moments,
    llama_sites,
    map_kernels,
    parameters,
    rotate,
    solve_kernels,
)
from hadax.quantization import IntFormat
from hadax.quantization.methods import gptq, rtn


def each(change):
    """A solver that changes one kernel after the other."""
    return lambda layer, kernels, hessian: {
        path: change(kernel, hessian) for path, kernel in kernels.items()
    }


def test_the_hessians_are_those_of_the_model_changed_up_to_there(llama, tokens):
    given = []

    def solve(layer, kernels, hessian):
        given.append((layer, hessian))
        return {
            path: rtn(kernel, IntFormat(3), clip=1.0).dequantize()
            for path, kernel in kernels.items()
        }

    solved = solve_kernels(llama, llama_sites(llama.config), tokens, solve)
    after = input_moments(solved, tokens)
    sites = [(layer, site) for layer in range(llama.config.layers) for site in after]
    assert len(given) == len(sites)
    for (at, hessian), (layer, site) in zip(given, sites, strict=True):
        assert at == layer
        expected = after[site].hessian[layer]
        np.testing.assert_allclose(hessian, expected, atol=1e-4 * float(jnp.max(expected)))


def test_rounding_to_nearest_does_not_look_at_the_order(llama, tokens):
    solved = solve_kernels(
        llama,
        llama_sites(llama.config),
        tokens,
        each(lambda w, h: rtn(w, IntFormat(4)).dequantize()),
    )
    mapped = map_kernels(llama, lambda w: rtn(w, IntFormat(4)).dequantize())
    pairs = zip(
        jax.tree.leaves(parameters(solved)), jax.tree.leaves(parameters(mapped)), strict=True
    )
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("rotated", [False, True])
def test_gptq_loses_less_than_rounding_to_nearest(llama, tokens, rotated):
    model, sites = llama, llama_sites(llama.config)
    if rotated:
        drawn = draw_rotations(jax.random.key(0), sites, llama.config.layers, hadax.haar_rotation)
        model = rotate(llama, sites, drawn)
    many = jnp.asarray(np.random.default_rng(2).integers(llama.config.vocabulary, size=(64, 24)))
    seen = []
    solved = solve_kernels(
        model,
        sites,
        many,
        each(lambda w, h: gptq(w, h, IntFormat(3)).dequantize()),
        progress=lambda layers: (seen.append(i) or i for i in layers),
    )
    assert seen == [0, 1]
    nearest = map_kernels(model, lambda w: rtn(w, IntFormat(3)).dequantize())

    def error(other):
        return float(jnp.mean(jnp.square(other(tokens) - model(tokens))))

    assert error(solved) < error(nearest)


def test_a_solver_that_changes_the_shape_is_refused(llama, tokens, without_shape_checks):
    with pytest.raises(ValueError, match="of shape"):
        solve_kernels(llama, llama_sites(llama.config), tokens, each(lambda w, h: w[:, 1:]))
