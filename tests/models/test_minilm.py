"""The real encoder against Hugging Face transformers; see tests/golden/minilm."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

import hadax
from experiments._data import MINILM, UnreachableError, fetch_folder
from hadax.models import (
    draw_rotations,
    encode_sentences,
    encoder_sites,
    load_encoder,
    load_sentence_tokenizer,
    rotate,
    sentence_embeddings,
)

pytestmark = pytest.mark.network
GOLDEN = Path(__file__).parent.parent / "golden" / "minilm"


@pytest.fixture(scope="module")
def folder():
    try:
        return fetch_folder(MINILM)
    except UnreachableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN / "embeddings.npz")


def test_token_ids(folder, golden):
    """Accents go, letters without a piece are unknown, long words fall into pieces."""
    sentences = json.loads((GOLDEN / "about.json").read_text(encoding="utf-8"))["sentences"]
    time = golden["ids"].shape[1]
    ids, mask = encode_sentences(
        load_sentence_tokenizer(folder / "tokenizer.json", time=time), sentences
    )
    np.testing.assert_array_equal(ids, golden["ids"])
    np.testing.assert_array_equal(mask, golden["mask"])
    short = load_sentence_tokenizer(folder / "tokenizer.json", time=8)
    ids, mask = encode_sentences(short, sentences)
    np.testing.assert_array_equal(ids[:, :7], golden["ids"][:, :7])
    assert (ids[:, 7] == 102).all()
    assert mask.all()


def test_embeddings_before_and_after_rotation(folder, golden):
    model = load_encoder(folder)
    embed = jax.jit(sentence_embeddings)
    found = embed(model, golden["ids"], golden["mask"])
    np.testing.assert_allclose(found, golden["embeddings"], atol=2e-6, rtol=0)
    sites = encoder_sites(model.config)
    drawn = draw_rotations(jax.random.key(0), sites, 6, hadax.randomized_hadamard)
    rotated = embed(rotate(model, sites, drawn), golden["ids"], golden["mask"])
    np.testing.assert_allclose(rotated, golden["embeddings"], atol=1e-5, rtol=0)
