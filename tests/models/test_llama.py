"""The forward pass against what attention, masks and positions must do."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.models import LlamaConfig, llama_from_params, next_token_losses, parameters
from hadax.models.base import SITES
from hadax.models.llama import _rotary


def test_logits_do_not_see_the_future(llama, tokens):
    changed = tokens.at[:, 8:].set(0)
    before, after = jax.jit(lambda m, t: m(t))(llama, jnp.concatenate([tokens, changed]))[
        jnp.array([[0, 1], [2, 3]])
    ]
    np.testing.assert_array_equal(before[:, :8], after[:, :8])
    assert float(jnp.abs(before[:, 8:] - after[:, 8:]).max()) > 1e-3


def test_a_batch_is_its_rows(llama, tokens):
    batch = llama(tokens)
    for i in range(2):
        np.testing.assert_allclose(llama(tokens[i]), batch[i], atol=1e-5)


def test_against_a_model_written_out_in_numpy(llama, tokens):
    expected = _numpy_logits(llama, np.asarray(tokens[0]))
    np.testing.assert_allclose(llama(tokens[0]), expected, atol=2e-4)


def _numpy_logits(model, ids):
    """The same model, one token and one head at a time; pairs turn as complex numbers."""
    c = model.config
    params = jax.tree.map(lambda a: np.asarray(a, np.float64), parameters(model))

    def norm(x, gain):
        return x / np.sqrt(np.mean(x**2) + c.norm_epsilon) * gain

    def turn(vector, t):
        half = c.head_width // 2
        pair = vector[:half] + 1j * vector[half:]
        pair = pair * np.exp(1j * t * c.rope_base ** (-np.arange(half) / half))
        return np.concatenate([pair.real, pair.imag])

    def heads(vector):
        return vector.reshape(-1, c.head_width)

    stream = [params["embed"]["embedding"][i] for i in ids]
    for layer in range(c.layers):
        block = jax.tree.map(lambda a, layer=layer: a[layer], params["blocks"])
        w = {name: part["kernel"] for name, part in block.items() if "kernel" in part}
        read = [norm(x, block["attention_norm"]["scale"]) for x in stream]
        queries = [[turn(h, t) for h in heads(x @ w["query"])] for t, x in enumerate(read)]
        keys = [[turn(h, t) for h in heads(x @ w["key"])] for t, x in enumerate(read)]
        values = [heads(x @ w["value"]) for x in read]
        for t in range(len(stream)):
            mixed = []
            for head in range(c.heads):
                shared = head // (c.heads // c.kv_heads)
                scores = np.array([queries[t][head] @ keys[s][shared] for s in range(t + 1)])
                weights = np.exp(scores / np.sqrt(c.head_width))
                mixed.append(
                    sum(weights[s] * values[s][shared] for s in range(t + 1)) / weights.sum()
                )
            stream[t] = stream[t] + np.concatenate(mixed) @ w["output"]
            x = norm(stream[t], block["feed_forward_norm"]["scale"])
            gate = x @ w["gate"]
            stream[t] = stream[t] + (gate / (1 + np.exp(-gate)) * (x @ w["up"])) @ w["down"]
    final = np.stack([norm(x, params["norm"]["scale"]) for x in stream])
    return final @ params["embed"]["embedding"].T


def test_rotary_scores_depend_on_distance_only():
    q, k = jax.random.normal(jax.random.key(0), (2, 8))
    turned_q, turned_k = (_rotary(jnp.broadcast_to(v, (9, 1, 8)), 50.0)[:, 0] for v in (q, k))
    scores = turned_q @ turned_k.T
    np.testing.assert_allclose(scores[3, 1], scores[8, 6], rtol=1e-5)
    np.testing.assert_allclose(scores[0, 0], q @ k, rtol=1e-6)


def test_taps_and_records_see_every_site(llama, tokens):
    seen = []

    def tap(site, x):
        seen.append(site)
        return x

    _, record = llama.hidden(tokens, tap=tap, record=lambda inputs: inputs)
    assert tuple(seen) == SITES
    assert {site: x.shape for site, x in record.items()} == {
        "attention": (2, 2, 12, 24),
        "output": (2, 2, 12, 16),
        "feed_forward": (2, 2, 12, 24),
        "down": (2, 2, 12, 40),
    }


def test_gradients_reach_every_parameter(llama, tokens):
    gradient = jax.jit(jax.grad(lambda m: next_token_losses(m, tokens).mean()))(llama)
    for leaf in jax.tree.leaves(parameters(gradient)):
        assert np.isfinite(leaf).all()
        assert np.abs(leaf).max() > 0


def test_params_round_trip_and_refusals(llama):
    params = parameters(llama)
    again = llama_from_params(llama.config, params)
    jax.tree.map(np.testing.assert_array_equal, params, parameters(again))
    with pytest.raises(ValueError, match=r"must hold head\.kernel, but it is missing"):
        llama_from_params(dataclasses.replace(llama.config, tied=False), params)
    with pytest.raises(ValueError, match=r"holds extra\.kernel"):
        llama_from_params(llama.config, params | {"extra": {"kernel": jnp.ones(1)}})
    with pytest.raises(ValueError, match=r"embed\.embedding of shape \(9, 24\), but its shape is"):
        llama_from_params(dataclasses.replace(llama.config, vocabulary=9), params)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"layers": 0}, "`layers` must be at least 1, but is 0"),
        ({"kv_heads": 3}, "`heads` must be a multiple of kv_heads=3, but is 4"),
        ({"head_width": 5}, "`head_width` must be a multiple of 2, but is 5"),
    ],
)
def test_impossible_sizes_are_refused(config, sizes, message):
    with pytest.raises(ValueError, match=message):
        LlamaConfig(**dataclasses.asdict(config) | sizes)
