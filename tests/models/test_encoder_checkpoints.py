"""Encoders and tokenizers in Hugging Face folders: read back; broken ones refused."""

import json

import jax
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from hadax.models import (
    Encoder,
    EncoderConfig,
    encode_sentences,
    load_encoder,
    load_sentence_tokenizer,
    parameters,
)

CONFIG = EncoderConfig(vocabulary=9, width=8, layers=2, heads=2, hidden=12, positions=5)
NAMES = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "output": "attention.output.dense", "attention_norm": "attention.output.LayerNorm",
    "up": "intermediate.dense", "down": "output.dense", "feed_forward_norm": "output.LayerNorm",
}  # fmt: skip
TYPES = "embeddings.token_type_embeddings.weight"


@pytest.fixture(scope="module")
def encoder():
    return Encoder(CONFIG, rngs=nnx.Rngs(0))


@pytest.fixture
def folder(tmp_path, encoder):
    """The tiny encoder as transformers would save it: half of each position is in the type."""
    stated = {
        "model_type": "bert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 12, "max_position_embeddings": 5,
        "layer_norm_eps": 1e-12, "hidden_act": "gelu",
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(stated))
    params = jax.tree.map(np.asarray, parameters(encoder))
    types = np.ones((2, 8), np.float32)
    tensors = {
        "embeddings.word_embeddings.weight": params["embed"]["embedding"],
        "embeddings.position_embeddings.weight": params["positions"]["embedding"] - 1,
        "embeddings.position_ids": np.arange(5)[None],
        TYPES: types,
        "embeddings.LayerNorm.weight": params["norm"]["scale"],
        "embeddings.LayerNorm.bias": params["norm"]["bias"],
        "pooler.dense.weight": types,
    }
    for ours, theirs in NAMES.items():
        for leaf, stacked in params["blocks"][ours].items():
            for layer, value in enumerate(stacked):
                name = f"encoder.layer.{layer}.{theirs}.{'bias' if leaf == 'bias' else 'weight'}"
                tensors[name] = np.ascontiguousarray(value.T)
    save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path


def test_round_trip(folder, encoder):
    model = load_encoder(folder)
    assert model.config == CONFIG
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6),
        parameters(model),
        parameters(encoder),
    )
    half = load_encoder(folder, dtype="bfloat16")
    assert half.embed.embedding.dtype == half.positions.embedding.dtype == "bfloat16"


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"model_type": "roberta"}, NotImplementedError, "has model_type 'roberta'"),
        ({"hidden_act": "relu"}, NotImplementedError, "has hidden_act 'relu'"),
        ({"position_embedding_type": "relative_key"}, NotImplementedError, "'relative_key'"),
        ({"num_attention_heads": 3}, ValueError, "must be a multiple of heads=3"),
        ({"hidden_size": "wide"}, ValueError, "must be a BERT encoder's config.json"),
        ({"num_hidden_layers": 3}, ValueError, "lacks encoder.layer.2"),
        ({"num_hidden_layers": 1}, NotImplementedError, "has a tensor encoder.layer.1"),
        ({"num_hidden_layers": 1 << 40}, ValueError, "states 1099511627776 layers and has 39"),
        ({"intermediate_size": 16}, ValueError, "tensors fit its sizes, but .* does not: .*down"),
    ],
)
def test_sizes_of_another_model_are_refused(folder, change, kind, message):
    stated = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(stated | change))
    with pytest.raises(kind, match=message):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({TYPES: None}, f"lacks {TYPES}"),
        ({TYPES: np.ones((2, 4))}, r"of shape \(2, 4\), not \(types, 8\)"),
        ({"embeddings.LayerNorm.bias": None}, r"lacks embeddings\.LayerNorm\.bias"),
        ({"embeddings.position_embeddings.weight": np.ones((5, 1))}, "fit its sizes"),
        ({"encoder.layer.1.output.dense.bias": np.ones(3)}, r"of shape \(3,\) and encoder.layer.0"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(folder, change, message):
    tensors = load_file(folder / "model.safetensors") | change
    kept = {name: value for name, value in tensors.items() if value is not None}
    save_file(kept, folder / "model.safetensors")
    with pytest.raises(ValueError, match=message):
        load_encoder(folder)


def test_torn_and_missing_files_are_refused(folder):
    file = folder / "model.safetensors"
    content = file.read_bytes()
    for size in (0, 5, 300, len(content) - 7):
        file.write_bytes(content[:size])
        with pytest.raises(ValueError, match="must be a whole safetensors file"):
            load_encoder(folder)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is not"):
        load_encoder(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read as one"):
        load_encoder(folder)


def save_tokenizer(path, padding="[PAD]"):
    """Five words and BERT's tokens; the file itself asks for a length of two."""
    names = [padding, "[CLS]", "[SEP]", "[UNK]", "it", "rains"]
    words = {word: i for i, word in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=2)
    tokenizer.save(str(path))
    return path


def test_sentences_are_cut_and_padded(tmp_path):
    tokenizer = load_sentence_tokenizer(save_tokenizer(tmp_path / "tokenizer.json"), time=4)
    ids, mask = encode_sentences(tokenizer, ["it", "it rains", "it rains it rains"])
    assert ids.tolist() == [[1, 4, 2, 0], [1, 4, 5, 2], [1, 4, 5, 2]]
    assert mask.tolist() == [[True, True, True, False], [True] * 4, [True] * 4]
    assert (ids.dtype, mask.dtype) == ("int32", "bool")


@pytest.mark.usefixtures("without_shape_checks")
def test_other_tokenizers_and_no_sentences_are_refused(tmp_path):
    good = save_tokenizer(tmp_path / "tokenizer.json")
    with pytest.raises(NotImplementedError, match=r"a padding token '\[PAD\]', but"):
        load_sentence_tokenizer(save_tokenizer(tmp_path / "other.json", "<pad>"), time=4)
    with pytest.raises(ValueError, match="`time` must be at least 3, but is 2"):
        load_sentence_tokenizer(good, time=2)
    torn = tmp_path / "torn.json"
    torn.write_bytes(good.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"must be a tokenizer\.json, but .* cannot be read"):
        load_sentence_tokenizer(torn, time=4)
    with pytest.raises(FileNotFoundError):
        load_sentence_tokenizer(tmp_path / "none.json", time=4)
    tokenizer = load_sentence_tokenizer(good, time=4)
    for sentences in ("it rains", []):
        with pytest.raises(ValueError, match="`sentences` must be one or more texts in a list"):
            encode_sentences(tokenizer, sentences)
