"""Opening a GGUF file through the gguf package, with every way it can be broken told clearly."""

import math
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from hadax.models import _model_checks

_KIND = "a whole GGUF file"
_MISSING = object()


class _StrictReader(gguf.GGUFReader):
    """A reader that stops at the end of the file: gguf's own goes on, for as long as a count says.

    It reads nothing there, and a corrupt length of an array keeps it at that for ever.
    """

    def _get(self, offset: Any, dtype: Any, count: Any = 1, override_order: Any = None) -> Any:
        end = int(offset) + np.dtype(dtype).itemsize * int(count)
        if end > len(self.data):
            raise ValueError(f"it has {len(self.data)} bytes, and a field ends at {end}")
        return super()._get(offset, dtype, count, override_order)


def open_gguf(path: str | Path) -> gguf.GGUFReader:
    """A reader of the file at `path` (memory-mapped: tensors are read when they are asked for)."""
    path = _model_checks.existing_file(path)
    try:
        return _StrictReader(path)
    except (ValueError, LookupError, OverflowError, TypeError, RecursionError) as error:
        _model_checks.broken_file(path, _KIND, f"cannot be read as one ({error})")


def metadata(reader: gguf.GGUFReader, path: str | Path, key: str, default: Any = _MISSING) -> Any:
    """The metadata value under `key`."""
    field = reader.fields.get(key)
    if field is not None:
        try:
            return field.contents()
        except (ValueError, LookupError, TypeError) as error:
            _model_checks.broken_file(path, _KIND, f"has a field {key} of no use ({error})")
    if default is _MISSING:
        _model_checks.broken_file(path, f"a GGUF file with the field {key}", "has none")
    return default


def size(
    reader: gguf.GGUFReader, path: str | Path, key: str, default: int | object = _MISSING
) -> int:
    """The metadata value under `key`, a count of at least 1."""
    value = metadata(reader, path, key, default)
    if not isinstance(value, int) or value < 1:
        _model_checks.broken_file(path, _KIND, f"has {key}={value!r}, which is no count")
    return value


def number(
    reader: gguf.GGUFReader, path: str | Path, key: str, default: float | object = _MISSING
) -> float:
    """The float32 above 0 under `key`, as the number that was meant: 1e-5, not 9.99...e-6."""
    value = metadata(reader, path, key, default)
    if not isinstance(value, int | float) or not (value > 0 and math.isfinite(value)):
        _model_checks.broken_file(path, _KIND, f"has {key}={value!r}, which is no number above 0")
    return float(str(np.float32(value)))


def strings(reader: gguf.GGUFReader, path: str | Path, key: str) -> list[str]:
    """The metadata value under `key`, a list of texts."""
    value = metadata(reader, path, key)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        _model_checks.broken_file(path, _KIND, f"has something else than texts in {key}")
    return value


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
    except ValueError as error:
        _model_checks.broken_file(path, _KIND, f"has no such tensor as {tensor.name} ({error})")
    if not np.isfinite(values).all():
        _model_checks.broken_file(path, _KIND, f"has non-finite values in {tensor.name}")
    return values.astype(np.float32, copy=False)
