"""The real model against Hugging Face transformers; see tests/golden/smollm2."""

import hashlib
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments._data import LEE_NEWS, SMOLLM2, UnreachableError, fetch
from hadax.models import load_gguf, load_tokenizer, next_token_losses, perplexity

pytestmark = pytest.mark.network
GOLDEN = Path(__file__).parent.parent / "golden" / "smollm2"


@pytest.fixture(scope="module")
def files():
    """Model and text."""
    try:
        return fetch(SMOLLM2), fetch(LEE_NEWS)
    except UnreachableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model(files):
    return load_gguf(files[0])


@pytest.fixture(scope="module")
def text(files):
    return files[1].read_bytes().decode()


def test_token_ids(files, text):
    about = json.loads((GOLDEN / "about.json").read_text())["ids"]
    words = load_tokenizer(files[0], pre_tokenizer="gpt-2").encode(text).ids
    assert len(words) == about["count"] == 75_680
    digest = hashlib.sha256(np.array(words, "<i4").tobytes()).hexdigest()
    assert digest == about["sha256 of int32 little endian"]
    # The file states that digits are cut off first. Two double spaces before numbers tell.
    stated = load_tokenizer(files[0]).encode(text).ids
    assert len(stated) == 75_678
    assert stated[:50_000] == words[:50_000]


def test_logits(model):
    golden = np.load(GOLDEN / "logits.npz")
    logits = jax.jit(lambda m, t: m(t))(model, jnp.asarray(golden["ids"]))
    sample = np.asarray(logits)[golden["positions"]][:, golden["columns"]]
    np.testing.assert_allclose(sample, golden["logits"], atol=2e-3, rtol=0)


@pytest.mark.slow
def test_perplexity(files, model, text):
    ids = jnp.asarray(load_tokenizer(files[0]).encode(text).ids[: 16 * 512])
    losses = jax.jit(next_token_losses)(model, ids.reshape(16, 512))
    np.testing.assert_allclose(perplexity(losses), 29.07, atol=0.01)
    np.testing.assert_allclose(perplexity(losses[:8]), 33.06, atol=0.01)
