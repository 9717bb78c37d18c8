"""Error texts of files of quantized tensors; others are in `hadax._checks`."""

from pathlib import Path
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _packing
from hadax.quantization import _grid
from hadax.quantization.formats import Codebook
from hadax.quantization.qtensor import QTensor


def broken(path: object, why: str) -> NoReturn:
    """Refuse a file that is not what `save` wrote."""
    raise ValueError(
        f"Argument `path` must be a whole file that `save` wrote, but {path} {why}. Write or fetch "
        "it again."
    )


def existing(path: Path) -> None:
    """Refuse a file that is not there."""
    if not path.is_file():
        raise FileNotFoundError(f"Argument `path` must be an existing file, but {path} is not.")


def writable(path: Path, name: str = "path") -> None:
    """Refuse a folder, and a file in a folder that is not there."""
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"{path.parent} is no folder"
        raise FileNotFoundError(
            f"Argument `{name}` must be a file in an existing folder, but is {path}, and {what}."
        )


def storable(tensors: Any) -> None:
    """Refuse anything but a flat dict of what a file can hold."""
    if not isinstance(tensors, dict) or not all(isinstance(name, str) for name in tensors):
        raise TypeError(
            "Argument `tensors` must be a dict of QTensors and arrays by their names, but is a "
            f"{type(tensors).__name__}. Flatten a nested one."
        )
    for name, value in tensors.items():
        if isinstance(value, QTensor):
            if why := flaw(value):
                raise ValueError(f"Argument `tensors` must hold sound ones, but {name} {why}.")
        elif isinstance(value, jax.Array | np.ndarray):
            _stored_dtype(name, value)
        else:
            raise TypeError(
                "Argument `tensors` must hold QTensors and arrays, but "
                f"{name} is a {type(value).__name__}."
            )


def new_name(name: str, stored: Any) -> None:
    """Refuse an array under the name of a quantized tensor's part."""
    if name in stored:
        raise ValueError(
            f"Argument `tensors` must have distinct names, but {name} is that of an array and of a "
            "part of a QTensor. Rename one."
        )


def flaw(tensor: QTensor) -> str | None:
    """What keeps the parts of a quantized tensor from fitting each other, if anything does."""
    codes, scales, zeros, format = tensor.codes, tensor.scales, tensor.zeros, tensor.format
    if codes.dtype != jnp.uint8 or codes.ndim == 0 or tensor.n < 1:
        return f"has codes {codes.dtype}{list(codes.shape)} for {tensor.n} entries a row"
    if codes.shape[-1] != -(-tensor.n * format.bits // 8):
        return f"has {codes.shape[-1]} bytes for {tensor.n} codes of {format.bits} bits"
    if not _cuts(tensor):
        short = f", of which the last lack {tensor.padding}" if tensor.padding else ""
        return f"has scales of shape {scales.shape} for blocks of {tensor.shape} entries{short}"
    if format.symmetric != (zeros is None):
        return f"has {'no ' if zeros is None else ''}zero points, with the format {format}"
    if zeros is not None and (zeros.dtype != jnp.uint8 or zeros.shape != scales.shape):
        return f"has zero points {zeros.dtype}{list(zeros.shape)} for scales {list(scales.shape)}"
    known = np.asarray(scales).astype(np.float64)
    if not (np.isfinite(known) & (known > 0)).all():
        return "has a scale that is not finite and positive"
    highest = 2**format.bits - 1 if zeros is None else int(jnp.max(zeros))
    if highest > 2**format.bits - 1:
        return f"has a zero point {highest}, beyond {format.bits} bits"
    unpacked = _packing.unpack(codes, format.bits, tensor.n)
    if isinstance(format, Codebook) and int(jnp.max(unpacked)) >= len(format.levels):
        return f"has a code {int(jnp.max(unpacked))}, of {len(format.levels)} levels"
    if not bool(jnp.isfinite(format.decode(unpacked)).all()):
        return f"has a code that is no number of {format}"
    return None


def _cuts(tensor: QTensor) -> bool:
    """Whether scales cut a tensor into blocks of one length along every axis, of which the last
    ones lack what it says."""
    shape, counts, padding = tensor.shape, tensor.scales.shape, tensor.padding
    if len(counts) != len(shape) or len(padding) > len(shape):
        return False
    lacking = _grid.lacking(padding, len(shape))
    return all(
        k > 0 and (n + lack) % k == 0 and 0 <= lack < (n + lack) // k
        for n, k, lack in zip(shape, counts, lacking, strict=True)
    )


def loadable(path: object, name: str, dtype: np.dtype) -> None:
    """Refuse 64-bit arrays where JAX would cut them to 32."""
    if jax.dtypes.canonicalize_dtype(dtype) != dtype:
        raise ValueError(
            f"Argument `path` must hold dtypes that JAX has now, but {name} in {path} is {dtype}. "
            "Load it within jax.enable_x64(True)."
        )


def _stored_dtype(name: str, value: Any) -> None:
    """Refuse arrays whose entries are no numbers of at most 8 bytes."""
    is_number = value.dtype == bool or jnp.issubdtype(value.dtype, jnp.number)
    if not is_number or value.dtype.itemsize > 8:
        raise TypeError(
            "Argument `tensors` must hold arrays of bools, or of numbers of at most 8 bytes, but "
            f"{name} is {value.dtype}."
        )
