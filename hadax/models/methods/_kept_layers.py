"""What was learned layer by layer, kept in a file, so that a run that was stopped can go on."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hadax._typing import Array
from hadax.models.methods import _system_checks
from hadax.quantization import _storage_checks, storage

_SETTINGS = "settings"


def _digest(said: Sequence[Any], arrays: Any) -> np.ndarray:
    """The SHA-256 of dataclasses and of a tree of arrays, as 32 bytes."""
    # With the fields of formats, of which a long codebook does not show all in its repr.
    found = hashlib.sha256(repr([(one, dataclasses.asdict(one)) for one in said]).encode())
    for path, leaf in jax.tree_util.tree_leaves_with_path(arrays):
        array = np.asarray(leaf)
        found.update(f"{jax.tree_util.keystr(path)} {array.dtype} {array.shape} ".encode())
        found.update(array.tobytes())
    return np.frombuffer(found.digest(), np.uint8)


class KeptLayers:
    """The learned trees of finished layers, in a file where there is a path.

    What they depend on, which the file must be of, is `said`, dataclasses of plain fields, and a
    tree of `arrays`.
    """

    def __init__(self, path: str | Path | None, said: Sequence[Any], arrays: Any):
        self._path = None if path is None else Path(path)
        self._arrays: dict[str, Any] = {}
        if self._path is None:
            return
        _storage_checks.writable(self._path, "config.checkpoint")
        settings = _digest(said, arrays)
        self._arrays[_SETTINGS] = settings
        if self._path.exists():
            self._arrays = storage.load(self._path)
            found = self._arrays.get(_SETTINGS, ())
            _system_checks.same_settings(path, np.array_equal(found, settings))

    def get(self, layer: int, like: Any) -> Any:
        """The tree of a layer, of the structure of `like`; None where it is not finished."""
        if not any(name.startswith(f"{layer}/") for name in self._arrays):
            return None
        return jax.tree_util.tree_map_with_path(
            lambda path, _: self._arrays[_name(layer, path)], like
        )

    def put(self, layer: int, tree: Any) -> None:
        """Keep the tree of a layer; the file is replaced whole or not at all."""
        if self._path is None:
            return
        leaves: list[tuple[Any, Array]] = jax.tree_util.tree_leaves_with_path(tree)
        self._arrays |= {_name(layer, path): leaf for path, leaf in leaves}
        storage.save(self._path, self._arrays)


def _name(layer: int, path: Any) -> str:
    """The name of one array of a layer."""
    return f"{layer}/{jax.tree_util.keystr(path, simple=True, separator='/')}"
