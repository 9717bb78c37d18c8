"""Quantized tensors in files: one safetensors file, which any reader of that format can open.

An array is a tensor of the file under its own name; a quantized one is up to three, NAME.codes,
NAME.scales and NAME.zeros. The metadata say under "hadax" what belongs together and in which
format, as JSON with a version, and under "sha256" the digest of all of it. Types that safetensors
may not know (bfloat16, floats of 8 bits) are kept as unsigned integers of the same bits. Nothing is
pickled.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from operator import index
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from hadax._typing import Array
from hadax.quantization import _storage_checks
from hadax.quantization.formats import Codebook, FloatFormat, Format, IntFormat
from hadax.quantization.qtensor import QTensor

_VERSION = 1
_FORMATS = {"int": IntFormat, "float": FloatFormat, "codebook": Codebook}
_PLAIN = {"bool", "float16", "float32", "float64"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def save(path: str | Path, tensors: Mapping[str, QTensor | Array | np.ndarray]) -> None:
    """Write quantized tensors and arrays to one file, which replaces another whole or not at all.

    Args:
        path: the file; its folder must exist.
        tensors: a flat dict of arrays and of `QTensor` by name.

    Raises:
        FileNotFoundError: the folder does not exist, or the path is one.
        TypeError: something else in the dict, or entries that are no numbers.
        ValueError: a quantized tensor whose parts do not fit, or with a scale that is not finite,
            or names that coincide.

    Returns:
        None.

    Cost:
        One copy of the codes and scales on the host, and a digest of all.

    Example:
        >>> import pathlib, tempfile, jax, jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, ScaleSpec, quantize, storage
        >>> kernel = jax.random.normal(jax.random.key(0), (96, 64))
        >>> packed = quantize(kernel, IntFormat(4), ScaleSpec(-2, 32, dtype="float16"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "model.safetensors")
        ...     storage.save(path, {"kernel": packed, "bias": jnp.ones(64)})
        ...     loaded = storage.load(path)
        >>> bool((loaded["kernel"].dequantize() == packed.dequantize()).all())
        True

    See Also:
        `load`. orbax keeps a `QTensor` too, as the pytree it is, in a folder of its own.
    """
    path = Path(path)
    _storage_checks.writable(path)
    _storage_checks.storable(tensors)
    stored: dict[str, np.ndarray] = {}
    entries: dict[str, Any] = {}
    for name, value in tensors.items():
        parts = {"": value}
        entries[name] = {}
        if isinstance(value, QTensor):
            parts = {".codes": value.codes, ".scales": value.scales, ".zeros": value.zeros}
            entries[name] = {"n": value.n, "of": value.dtype, "format": _described(value.format)}
            if value.padding:
                entries[name]["padding"] = value.padding
        found = {part: np.asarray(array) for part, array in parts.items() if array is not None}
        entries[name]["dtypes"] = {part: array.dtype.name for part, array in found.items()}
        for part, array in found.items():
            _storage_checks.new_name(name + part, stored)
            stored[name + part] = _plain(array)
    header = json.dumps({"version": _VERSION, "entries": entries}, sort_keys=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file(stored, beside, {"hadax": header, "sha256": _digest(header, stored)})
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def load(path: str | Path) -> dict[str, QTensor | Array]:
    """Read what `save` wrote, bit for bit.

    Args:
        path: the file.

    Returns:
        The dict of arrays and of `QTensor` by name.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, was changed, is of another kind or of a later version, or
            its parts do not fit; or it holds 64-bit arrays and JAX has none now.

    Cost:
        One pass over the file, and one over the codes to check them.

    Example:
        >>> from hadax.quantization import storage
        >>> storage.load("no-such-file")
        Traceback (most recent call last):
            ...
        FileNotFoundError: Argument `path` must be an existing file, but no-such-file is not.

    See Also:
        `save`.
    """
    path = Path(path)
    _storage_checks.existing(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        _storage_checks.broken(path, f"cannot be read as safetensors ({error})")
    if not {"hadax", "sha256"} <= metadata.keys():
        _storage_checks.broken(path, "has no metadata of hadax")
    if _digest(metadata["hadax"], stored) != metadata["sha256"]:
        _storage_checks.broken(path, "has another SHA-256 than it states: it was changed")
    try:
        header = json.loads(metadata["hadax"])
        if header["version"] != _VERSION:
            raise ValueError(f"of version {header['version']}, where {_VERSION} is known")
        found = {name: _parts(name, entry, stored) for name, entry in header["entries"].items()}
        if stored:
            raise ValueError(f"that does not describe {min(stored)}")
        fixed = {name: _fixed(entry) for name, entry in header["entries"].items()}
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        _storage_checks.broken(path, f"has a header that cannot be used ({error!r})")
    result: dict[str, QTensor | Array] = {}
    for name, parts in found.items():
        for part, array in parts.items():
            _storage_checks.loadable(path, name + part, array.dtype)
        arrays = {part: jnp.asarray(array) for part, array in parts.items()}
        one = fixed[name]
        result[name] = arrays[""] if one is None else _tensor(path, name, arrays, one)
    return result


def _parts(name: str, entry: Any, stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of one entry, in their own dtypes; taken out of `stored`."""
    parts = {}
    for part, dtype in entry["dtypes"].items():
        array = stored.pop(name + part)
        kind = jnp.dtype(dtype)
        if _plain_dtype(kind) != array.dtype:
            raise ValueError(f"of {name + part} as {dtype}, which is kept as {array.dtype}")
        parts[part] = array.view(kind)
    if parts.keys() not in ({""}, {".codes", ".scales"}, {".codes", ".scales", ".zeros"}):
        raise ValueError(f"of {name} with parts {sorted(parts)}")
    return parts


def _fixed(entry: Any) -> tuple[Format, int, str, tuple[int, ...]] | None:
    """Format, length, dtype and padding of a quantized tensor; None for an array."""
    if "" in entry["dtypes"]:
        return None
    keywords = dict(entry["format"])
    make = _FORMATS[keywords.pop("kind")]
    if make is Codebook:
        keywords["levels"] = tuple(map(float, keywords["levels"]))
    dtype = jnp.dtype(entry["of"])
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"of a quantized array of {dtype}")
    padding = tuple(map(index, entry.get("padding", ())))
    return make(**keywords), index(entry["n"]), dtype.name, padding


def _tensor(
    path: Path, name: str, arrays: dict[str, Array], fixed: tuple[Format, int, str, tuple[int, ...]]
) -> QTensor:
    """A quantized tensor of its parts, if they fit."""
    _storage_checks.loadable(path, name, jnp.dtype(fixed[2]))
    tensor = QTensor(arrays[".codes"], arrays[".scales"], arrays.get(".zeros"), *fixed)
    if why := _storage_checks.flaw(tensor):
        _storage_checks.broken(path, f"holds {name}, which {why}")
    return tensor


def _described(format: Format) -> dict[str, Any]:
    """A format as JSON can say it."""
    kind = next(kind for kind, cls in _FORMATS.items() if type(format) is cls)
    return {"kind": kind} | dataclasses.asdict(format)  # type: ignore[call-overload]


def _plain_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which a file keeps arrays of another one."""
    return dtype if dtype.name in _PLAIN else np.dtype(f"uint{8 * dtype.itemsize}")


def _plain(array: np.ndarray) -> np.ndarray:
    """The bits of an array, in one piece and in a dtype that every reader of safetensors knows."""
    native = np.asarray(array, array.dtype.newbyteorder("="), order="C")
    return native.view(_plain_dtype(native.dtype))


def _digest(header: str, stored: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of the header and of every tensor's name, dtype, shape and bits."""
    digest = hashlib.sha256(header.encode())
    for name in sorted(stored):
        array = stored[name]
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.asarray(array, order="C").data)
    return digest.hexdigest()
