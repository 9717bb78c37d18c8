"""Losses of models whose predictions are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.models import llama_from_params, next_token_losses, parameters, perplexity


def test_a_model_that_knows_nothing_has_the_perplexity_of_its_vocabulary(llama, tokens):
    params = jax.tree.map(jnp.zeros_like, parameters(llama))
    losses = next_token_losses(llama_from_params(llama.config, params), tokens)
    assert losses.shape == (2, 11)
    np.testing.assert_allclose(perplexity(losses), llama.config.vocabulary, rtol=1e-5)


def test_losses_are_those_of_the_logits(llama, tokens):
    losses = next_token_losses(llama, tokens)
    log_p = jax.nn.log_softmax(llama(tokens)[:, :-1])
    expected = -jnp.take_along_axis(log_p, tokens[:, 1:, None], axis=-1)[..., 0]
    np.testing.assert_allclose(losses, expected, atol=1e-5)
    np.testing.assert_allclose(next_token_losses(llama, tokens[1:])[0], losses[1], atol=1e-5)


def test_tokens_that_are_no_windows_are_refused(llama, tokens):
    with pytest.raises(ValueError, match=r"tokens\.shape=\(12,\)"):
        next_token_losses(llama, tokens[0])
    with pytest.raises(ValueError, match=r"tokens\.shape=\(2, 1\)"):
        next_token_losses(llama, tokens[:, :1])
    with pytest.raises(TypeError, match=r"must hold integers, but has tokens\.dtype=float32"):
        next_token_losses(llama, jnp.ones((2, 3)))
