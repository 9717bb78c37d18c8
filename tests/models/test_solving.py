"""Kernels solved for in turn: what each is given, and what it is good for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax.models import (
    draw_llama_rotations,
    input_moments,
    llama_params,
    map_kernels,
    rotate_llama,
    solve_kernels,
)
from hadax.quantization.methods import gptq, rtn


def test_the_hessians_are_those_of_the_model_changed_up_to_there(llama, tokens):
    given = []

    def solve(kernel, hessian):
        given.append(hessian)
        return rtn(kernel, bits=3, clip=1.0).kernel

    solved = solve_kernels(llama, tokens, solve)
    after = input_moments(solved, tokens)
    sites = [(layer, site) for layer in range(llama.config.layers) for site in after]
    assert len(given) == len(sites)
    for hessian, (layer, site) in zip(given, sites, strict=True):
        expected = after[site].hessian[layer]
        np.testing.assert_allclose(hessian, expected, atol=1e-4 * float(jnp.max(expected)))


def test_rounding_to_nearest_does_not_look_at_the_order(llama, tokens):
    solved = solve_kernels(llama, tokens, lambda w, h: rtn(w, bits=4).kernel)
    mapped = map_kernels(llama, lambda w: rtn(w, bits=4).kernel)
    pairs = zip(
        jax.tree.leaves(llama_params(solved)), jax.tree.leaves(llama_params(mapped)), strict=True
    )
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("rotated", [False, True])
def test_gptq_loses_less_than_rounding_to_nearest(llama, tokens, rotated):
    model = llama
    if rotated:
        key = jax.random.key(0)
        model = rotate_llama(llama, draw_llama_rotations(key, llama.config, hadax.haar_rotation))
    many = jnp.asarray(np.random.default_rng(2).integers(llama.config.vocabulary, size=(16, 24)))
    seen = []
    solved = solve_kernels(
        model,
        many,
        lambda w, h: gptq(w, h, bits=3).kernel,
        progress=lambda layers: (seen.append(i) or i for i in layers),
    )
    assert seen == [0, 1]
    nearest = map_kernels(model, lambda w: rtn(w, bits=3).kernel)

    def error(other):
        return float(jnp.mean(jnp.square(other(tokens) - model(tokens))))

    assert error(solved) < error(nearest)


def test_a_solver_that_changes_the_shape_is_refused(llama, tokens, without_shape_checks):
    with pytest.raises(ValueError, match=r"must hold attention of shape \(24, 32\)"):
        solve_kernels(llama, tokens, lambda w, h: w[:, 1:])
