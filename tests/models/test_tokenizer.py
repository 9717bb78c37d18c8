"""The tokenizer of a GGUF file with a few dozen tokens, and of a folder."""

import pytest
from tokenizers import processors

from hadax.models import load_tokenizer


def pieces(tokenizer, text):
    return tokenizer.encode(text).tokens


def test_merges_digits_and_control_tokens(gguf_file):
    tokenizer = load_tokenizer(gguf_file)
    assert pieces(tokenizer, "ab cab") == ["ab", "Ġ", "c", "ab"]
    assert pieces(tokenizer, "ab ab12<|end|>") == ["ab", "Ġab", "1", "2", "<|end|>"]
    assert tokenizer.decode(tokenizer.encode("ab  ab 12").ids) == "ab  ab 12"


def test_the_file_says_how_text_is_cut(gguf_file):
    # Digits first: both spaces stand at the end of a piece. Words only: the second is the 1's.
    assert pieces(load_tokenizer(gguf_file), "  1") == ["ĠĠ", "1"]
    assert pieces(load_tokenizer(gguf_file, pre_tokenizer="gpt-2"), "  1") == ["Ġ", "Ġ", "1"]


def test_the_tokenizer_of_a_folder(tmp_path, gguf_file):
    file = tmp_path / "tokenizer.json"
    with pytest.raises(FileNotFoundError, match=r"tokenizer\.json is not"):
        load_tokenizer(tmp_path)
    stated = load_tokenizer(gguf_file)
    text = "ab ab12<|end|>"
    ids = stated.encode(text).ids
    end = stated.token_to_id("<|end|>")
    ending = [("<|end|>", end)]
    stated.post_processor = processors.TemplateProcessing(
        single="<|end|> $A", special_tokens=ending
    )
    stated.enable_truncation(2)
    stated.enable_padding(length=16)
    stated.save(str(file))
    assert load_tokenizer(tmp_path).encode(text).ids == ids
    with pytest.raises(ValueError, match="`pre_tokenizer` must be None for a folder"):
        load_tokenizer(tmp_path, pre_tokenizer="gpt-2")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"must be a tokenizer\.json, but"):
        load_tokenizer(tmp_path)


def test_unknown_and_broken_tokenizers_are_refused(tmp_path, llama, write_gguf, gguf_file):
    path = write_gguf(tmp_path / "odd.gguf", llama, pre="esperanto")
    with pytest.raises(NotImplementedError, match=r"'gpt-2' or 'smollm', but .* 'esperanto'"):
        load_tokenizer(path)
    with pytest.raises(ValueError, match=r"`pre_tokenizer` must be one of 'gpt-2', 'smollm', but"):
        load_tokenizer(gguf_file, pre_tokenizer="esperanto")
    with pytest.raises(ValueError, match="`pre_tokenizer` must be one of"):
        load_tokenizer("no-such-file.gguf", pre_tokenizer="esperanto")
    content = gguf_file.read_bytes()
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(content.replace("Ġ ab".encode(), "Ġ xb".encode()))
    with pytest.raises(ValueError, match="usable tokenizer"):
        load_tokenizer(broken)
