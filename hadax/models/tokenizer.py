"""The tokenizer of a language model's file or folder, as a `tokenizers.Tokenizer`."""

from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from hadax import _checks
from hadax.models import _model_checks
from hadax.models._gguf_file import metadata, open_gguf, strings
from hadax.models._tokenizer_file import read_tokenizer

_CONTROL, _USER_DEFINED = 3, 4


def _byte_level() -> pre_tokenizers.PreTokenizer:
    """GPT-2's split into words, each written in printable characters a byte."""
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


# How text is cut before the merges, by the name GGUF gives it.
_PRE_TOKENIZERS = {
    "gpt-2": _byte_level,
    "smollm": lambda: pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), _byte_level()]
    ),
}


def load_tokenizer(path: str | Path, *, pre_tokenizer: str | None = None) -> Tokenizer:
    """The tokenizer of a language model: a GGUF file's own, or that of a Hugging Face folder.

    Of a GGUF file it is the byte-level BPE tokenizer of its vocabulary and merges, of a folder what
    its tokenizer.json states. Adds no beginning- or end-of-text token of its own; control tokens
    that stand in the text are recognised.

    Args:
        path: a GGUF file with tokenizer model "gpt2", or a folder with a tokenizer.json.
        pre_tokenizer: how text is cut before the merges of a GGUF file: "gpt-2" (words) or "smollm"
            (single digits, then words); None takes what the file states.

    Returns:
        A `tokenizers.Tokenizer`: `.encode(text).ids`, `.decode(ids)`.

    Raises:
        FileNotFoundError: there is no such file, or no tokenizer.json in the folder.
        ValueError: the file is truncated or corrupt, or has no tokenizer; pre_tokenizer is unknown,
            or given with a folder.
        NotImplementedError: a tokenizer of another kind.

    Cost:
        Reads the file's metadata only: about a second for 50,000 tokens.

    Example:
        >>> from hadax.models import load_tokenizer
        >>> load_tokenizer("no-such-file.gguf")
        Traceback (most recent call last):
            ...
        FileNotFoundError: Argument `path` must be an existing file, but no-such-file.gguf is not.

    See Also:
        `transformers.AutoTokenizer.from_pretrained(folder, gguf_file=name)`: ignores what the file
        states and always cuts as "gpt-2" does; pass that word to get its ids.
    """
    if pre_tokenizer is not None:
        _checks.choice("pre_tokenizer", pre_tokenizer, tuple(_PRE_TOKENIZERS))
    if Path(path).is_dir():
        _model_checks.cut_as_stated(pre_tokenizer)
        tokenizer = read_tokenizer(Path(path) / "tokenizer.json")
        tokenizer.post_processor = None
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer
    return _of_gguf(path, pre_tokenizer)


def _of_gguf(path: str | Path, pre_tokenizer: str | None) -> Tokenizer:
    """The tokenizer in a GGUF file."""
    reader = open_gguf(path)
    kind = metadata(reader, path, "tokenizer.ggml.model")
    if kind != "gpt2":
        _model_checks.unsupported_model(path, f"tokenizer {kind!r}", "tokenizer 'gpt2'")
    pre = pre_tokenizer or metadata(reader, path, "tokenizer.ggml.pre", "gpt-2")
    if pre not in tuple(_PRE_TOKENIZERS):
        known = " or ".join(repr(name) for name in _PRE_TOKENIZERS)
        _model_checks.unsupported_model(path, f"pre-tokenizer {pre!r}", f"pre-tokenizer {known}")
    tokens = strings(reader, path, "tokenizer.ggml.tokens")
    kinds = metadata(reader, path, "tokenizer.ggml.token_type", [1] * len(tokens))
    if not isinstance(kinds, list) or len(kinds) != len(tokens):
        why = f"has {len(tokens)} tokens, but not as many token types"
        _model_checks.broken_file(path, "a GGUF file with a usable tokenizer", why)
    known_tokens = set(tokens)
    merges: list[tuple[str, str]] = []
    for merge in strings(reader, path, "tokenizer.ggml.merges"):
        left, _, right = merge.partition(" ")
        if not {left, right, left + right} <= known_tokens:
            why = f"merges {merge!r}, of which a part is no token"
            _model_checks.broken_file(path, "a GGUF file with a usable tokenizer", why)
        merges.append((left, right))
    tokenizer = Tokenizer(BPE({token: i for i, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = _PRE_TOKENIZERS[pre]()
    tokenizer.decoder = decoders.ByteLevel()
    for token, kind in zip(tokens, kinds, strict=True):
        if kind in (_CONTROL, _USER_DEFINED):
            tokenizer.add_tokens([AddedToken(token, normalized=False, special=kind == _CONTROL)])
    return tokenizer
