"""Tensors by name out of files, stacked over layers into the parameters of a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open

from hadax._typing import DTypeLike
from hadax.models import _model_checks


def safetensors(folder: Path) -> dict[str, Callable[[], np.ndarray]]:
    """By name, what reads each tensor of the .safetensors files of a folder, as float32."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        _model_checks.existing_file(folder / "model.safetensors")
    readers = {}
    for file in files:
        with _open(file) as handle:
            readers |= {name: _reader(file, name) for name in handle.keys()}  # noqa: SIM118
    return readers


def _reader(file: Path, name: str) -> Callable[[], np.ndarray]:
    """What reads one tensor."""

    def read() -> np.ndarray:
        with _open(file) as handle:
            return np.asarray(handle.get_tensor(name)).astype(np.float32)

    return read


def _open(path: Path) -> Any:
    """A reader of a safetensors file that gives numpy arrays."""
    try:
        return safe_open(path, framework="np")
    except SafetensorError as error:
        _model_checks.broken_file(
            path, "a whole safetensors file", f"cannot be read as one ({error})"
        )


def nested(
    path: str | Path,
    sources: Mapping[str, Sequence[str]],
    available: Iterable[str],
    read: Callable[[str], np.ndarray],
    dtype: DTypeLike,
) -> dict[str, Any]:
    """Parameters as a nested dict, by our dotted names: each is read from one tensor, or stacked
    from those of all layers if it is of the blocks. Kernels are stored as W[out, in]."""
    needed = {name for names in sources.values() for name in names}
    _model_checks.same_names(path, set(available), needed)
    params: dict[str, Any] = {}
    for ours, names in sources.items():
        arrays = [read(name) for name in names]
        _model_checks.equal_shapes(path, dict(zip(names, arrays, strict=True)))
        if ours.endswith("kernel"):
            arrays = [array.T for array in arrays]
        value = np.stack(arrays) if ours.startswith("blocks.") else arrays[0]
        *outer, leaf = ours.split(".")
        nest = params
        for name in outer:
            nest = nest.setdefault(name, {})
        nest[leaf] = jnp.asarray(value, dtype)
    return params
