"""Opening a GGUF file through the gguf package, with every way it can be broken told clearly."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from hadax.models import _model_checks

_KIND = "a whole GGUF file"
_MISSING = object()


def open_gguf(path: str | Path) -> gguf.GGUFReader:
    """A reader of the file at `path` (memory-mapped: tensors are read when they are asked for)."""
    path = _model_checks.existing_file(path)
    try:
        return gguf.GGUFReader(path)
    except (ValueError, LookupError, OverflowError) as error:
        _model_checks.broken_file(path, _KIND, f"cannot be read as one ({error})")


def metadata(reader: gguf.GGUFReader, path: str | Path, key: str, default: Any = _MISSING) -> Any:
    """The metadata value under `key`."""
    field = reader.fields.get(key)
    if field is not None:
        return field.contents()
    if default is _MISSING:
        _model_checks.broken_file(path, f"a GGUF file with the field {key}", "has none")
    return default


def dequantized(tensor: gguf.ReaderTensor, path: str | Path) -> np.ndarray:
    """A tensor as float32, in C order (the last axis is the one GGUF names first)."""
    shape = tuple(int(length) for length in reversed(tensor.shape))
    try:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape)
    except NotImplementedError:
        kind = tensor.tensor_type.name
        _model_checks.unsupported_model(
            path, f"{tensor.name} in {kind}", "tensors gguf can dequantize"
        )
    if not np.isfinite(values).all():
        _model_checks.broken_file(path, _KIND, f"has non-finite values in {tensor.name}")
    return values.astype(np.float32, copy=False)
