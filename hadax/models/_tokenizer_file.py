"""Files of the package `tokenizers`."""

from pathlib import Path

from tokenizers import Tokenizer

from hadax.models import _model_checks


def read_tokenizer(path: str | Path) -> Tokenizer:
    """What a tokenizer.json states."""
    path = _model_checks.existing_file(path)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises no narrower kind
        _model_checks.broken_file(path, "a tokenizer.json", f"cannot be read as one ({error})")
