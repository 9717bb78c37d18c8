"""Files: written by other libraries, read back; broken ones refused."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from flax import nnx

from hadax.models import (
    Llama,
    llama_from_params,
    load_gguf,
    load_safetensors,
    load_tokenizer,
    parameters,
)
from tests.models.folders import write_folder


def assert_same(model, other, atol=0.0):
    assert model.config == other.config
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=atol, rtol=0),
        parameters(model),
        parameters(other),
    )


def test_gguf_round_trip(llama, gguf_file):
    assert_same(load_gguf(gguf_file), llama)


def test_gguf_of_an_untied_model_with_a_quantized_tensor(tmp_path, config, write_gguf):
    untied = dataclasses.replace(config, tied=False, hidden=32)
    model = Llama(untied, rngs=nnx.Rngs(3))
    quantized = [f"blk.{layer}.ffn_down.weight" for layer in range(config.layers)]
    path = write_gguf(tmp_path / "untied.gguf", model, quantize=quantized)
    largest = float(np.abs(parameters(model)["blocks"]["down"]["kernel"]).max())
    assert_same(load_gguf(path), model, atol=largest / 127)


def test_gguf_in_another_dtype(gguf_file):
    model = load_gguf(gguf_file, dtype="bfloat16")
    assert model.embed.embedding.dtype == "bfloat16"
    with jax.numpy_dtype_promotion("standard"):
        assert model(jax.numpy.arange(3)).dtype == "float32"


def test_a_truncated_gguf_is_refused_wherever_it_ends(tmp_path, gguf_file):
    content = gguf_file.read_bytes()
    path = tmp_path / "torn.gguf"
    for size in (0, 3, 20, 200, len(content) // 3, len(content) - 200):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="Argument `path` must be a whole GGUF file"):
            load_gguf(path)


def test_a_corrupt_gguf_is_refused(tmp_path, gguf_file):
    content = bytearray(gguf_file.read_bytes())
    path = tmp_path / "corrupt.gguf"
    path.write_bytes(b"NOPE" + content[4:])
    with pytest.raises(ValueError, match="cannot be read as one"):
        load_gguf(path)
    path.write_bytes(content[:16] + b"\xff" * 8 + content[24:])  # the number of fields
    with pytest.raises(ValueError, match="cannot be read as one"):
        load_gguf(path)
    path.write_bytes(content[:-64] + b"\xff" * 64)  # NaNs in the last tensor
    with pytest.raises(ValueError, match="has non-finite values in"):
        load_gguf(path)


def stated(content, key, value):
    """The bytes of a GGUF file in which a 32-bit field has another value."""
    start = content.index(key.encode()) + len(key) + 4
    return content[:start] + int(value).to_bytes(4, "little") + content[start + 4 :]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("llama.block_count", 1 << 31, "has 2147483648 blocks but 20 tensors"),
        ("llama.block_count", 0, "has llama.block_count=0, which is no count"),
        ("llama.attention.head_count", 0, "has llama.attention.head_count=0, which is no count"),
        ("llama.attention.head_count", 3, "states sizes that fit no Llama .*multiple of kv_heads"),
        ("llama.rope.dimension_count", 10, "has blk.0.attn_q of shape .* no heads of width 10"),
        ("llama.rope.freq_base", 0, "has llama.rope.freq_base=0.0, which is no number above 0"),
        ("llama.feed_forward_length", 0x7FFFFFFF, "must be a model whose tensors fit its sizes"),
    ],
)
def test_sizes_that_no_llama_has_are_refused(tmp_path, gguf_file, key, value, message):
    path = tmp_path / "sizes.gguf"
    path.write_bytes(stated(gguf_file.read_bytes(), key, value))
    with pytest.raises(ValueError, match=message) as caught:
        load_gguf(path)
    assert str(path) in str(caught.value)


def test_a_length_beyond_the_end_is_refused_at_once(tmp_path, gguf_file):
    content, key = gguf_file.read_bytes(), b"tokenizer.ggml.token_type"
    start = content.index(key) + len(key) + 8  # after the type of the field and of its items
    path = tmp_path / "long.gguf"
    path.write_bytes(content[:start] + (1 << 40).to_bytes(8, "little") + content[start + 8 :])
    with pytest.raises(ValueError, match="must be a whole GGUF file"):
        load_gguf(path)


def test_a_damaged_gguf_is_read_or_refused(tmp_path, gguf_file):
    """Bytes changed before the tensors, where every bit means something, and files cut short."""
    content = gguf_file.read_bytes()
    head = content.index(b"blk.1.ffn_down.weight") + 60
    generator = np.random.default_rng(0)
    path = tmp_path / "damaged.gguf"
    refusals = []
    for i in range(100):
        damaged = bytearray(content)
        for position in generator.integers(8, head, size=1 + i % 3):
            damaged[position] = generator.integers(256)
        path.write_bytes(damaged[: generator.integers(head)] if i % 10 == 9 else damaged)
        for load in (load_gguf, load_tokenizer):
            try:
                load(path)
            except (ValueError, NotImplementedError) as error:
                refusals.append(str(error))
    assert len(refusals) > 50
    assert [text for text in refusals if not text.startswith("Argument `path` must")] == []


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("dtype", [int, "junk", "complex64"])
def test_parameters_are_floats(gguf_file, folder, dtype):
    for load, path in [(load_gguf, gguf_file), (load_safetensors, folder)]:
        with pytest.raises(TypeError, match=r"`dtype` must be a (floating )?dtype, but is"):
            load(path, dtype=dtype)


def without(name):
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"architecture": "gemma"}, NotImplementedError, "has architecture 'gemma'"),
        ({"extra": {"llama.rope.scaling.type": "yarn"}}, NotImplementedError, "scaling 'yarn'"),
        ({"change": without("blk.1.ffn_up.weight")}, ValueError, "lacks blk.1.ffn_up"),
        (
            {"change": lambda t: t | {"blk.0.attn_q.bias": np.ones(16, np.float32)}},
            NotImplementedError,
            "has a tensor blk.0.attn_q.bias",
        ),
        (
            {"change": lambda t: t | {"blk.1.ffn_up.weight": np.ones((24, 24), np.float32)}},
            ValueError,
            r"has blk.1.ffn_up of shape \(24, 24\) and blk.0.ffn_up",
        ),
        (
            {"change": lambda t: t | {"output_norm.weight": np.ones(5, np.float32)}},
            ValueError,
            r"norm.scale of shape \(24,\), but its shape is \(5,\)",
        ),
    ],
)
def test_a_gguf_of_another_model_is_refused(tmp_path, llama, write_gguf, changes, kind, message):
    path = write_gguf(tmp_path / "other.gguf", llama, **changes)
    with pytest.raises(kind, match=message):
        load_gguf(path)


@pytest.fixture
def folder(tmp_path, llama):
    """The tiny model in a folder."""
    return write_folder(tmp_path, llama)


def test_safetensors_round_trip(folder, llama):
    assert_same(load_safetensors(folder), llama)


def test_safetensors_of_bfloat16(tmp_path, llama):
    narrow = jax.tree.map(lambda a: a.astype("bfloat16").astype(a.dtype), parameters(llama))
    found = load_safetensors(write_folder(tmp_path, llama, "bfloat16"))
    assert_same(found, llama_from_params(llama.config, narrow))
    assert found.embed.embedding.dtype == "float32"


def test_broken_safetensors_folders_are_refused(folder):
    stated = json.loads((folder / "config.json").read_text())
    for change, kind, message in [
        ({"model_type": "gpt2"}, NotImplementedError, "has model_type 'gpt2'"),
        ({"rope_parameters": {"rope_type": "llama3"}}, NotImplementedError, "scaling 'llama3'"),
        (
            {"rope_parameters": None, "rope_scaling": {"type": "linear", "factor": 4.0}},
            NotImplementedError,
            "scaling 'linear'",
        ),
        ({"hidden_act": "gelu"}, NotImplementedError, "has hidden_act 'gelu'"),
        ({"partial_rotary_factor": 0.5}, NotImplementedError, "partial_rotary_factor 0.5"),
        ({"hidden_size": "wide"}, ValueError, "must be a Llama's config.json"),
        ({"num_hidden_layers": 3}, ValueError, "lacks model.layers.2"),
    ]:
        (folder / "config.json").write_text(json.dumps(stated | change))
        with pytest.raises(kind, match=message):
            load_safetensors(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read as one"):
        load_safetensors(folder)
    (folder / "config.json").write_text(json.dumps(stated))
    file = folder / "model-00002-of-00002.safetensors"
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(ValueError, match="must be a whole safetensors file"):
        load_safetensors(folder)
    for file in folder.glob("*.safetensors"):
        file.unlink()
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors is not"):
        load_safetensors(folder)
