"""Quantized models in files: codes and scales of kernels, and everything else as it is."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array
from hadax.models import _model_checks
from hadax.models.base import Model
from hadax.models.methods._finishing import Quantized, stored_name
from hadax.quantization import storage
from hadax.quantization.qtensor import QTensor

# Under this name a file says, in JSON, what else the model is made of.
_STRUCTURE = "structure"


def save_quantized(path: str | Path, quantized: Quantized[Any]) -> None:
    """Write a quantized model to one file, which replaces another whole or not at all.

    Rounded kernels are kept as codes and scales, one entry a block and linear; the other
    parameters, and the operators and quantizers inside the model, as arrays. The model's config,
    and kinds and settings of what is inside, are kept to be compared on loading.

    Args:
        path: the file; its folder must exist.
        quantized: what a method of `hadax.models.methods` returned.

    Raises:
        FileNotFoundError: the folder does not exist, or the path is one.
        ValueError: a kernel whose scales are not finite.

    Returns:
        None.

    Cost:
        One copy of the packed model on the host.

    Example:
        >>> import pathlib, tempfile, jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models import load_quantized, save_quantized
        >>> from hadax.models.methods import RTNConfig, rtn
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama = Llama(config, rngs=nnx.Rngs(0))
        >>> found = rtn(llama, llama_sites(config), None, None, RTNConfig(precision("W4A8")))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_quantized(pathlib.Path(folder, "model"), found)
        ...     loaded = load_quantized(pathlib.Path(folder, "model"), found.model)
        >>> bool((loaded(jnp.arange(5)) == found.model(jnp.arange(5))).all())
        True

    See Also:
        `hadax.quantization.storage.save`, which writes the file.
    """
    kept: dict[str, QTensor | Array | np.ndarray] = dict(quantized.kernels)
    kept[_STRUCTURE] = np.frombuffer(json.dumps(_structure(quantized.model)).encode(), np.uint8)
    split = {_whole_name(name) for name in quantized.kernels}
    for name, leaf in _leaves(quantized.model).items():
        if name not in split:
            kept[name] = leaf
            continue
        for layer, one in enumerate(_names_of_layers(name, len(leaf))):
            if one not in kept:  # a rule left this layer as it was
                kept[one] = leaf[layer]
    storage.save(path, kept)


def load_quantized(path: str | Path, like: Model) -> Model:
    """Read what `save_quantized` wrote, bit for bit.

    Args:
        path: the file.
        like: a model of the same structure: of the same sizes, with operators and quantizers in the
            same places; its arrays are not looked at, and may be those of `jax.eval_shape`.

    Returns:
        The quantized model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated, was changed, is of another kind, or holds a model of
            another structure than `like`: other sizes, operators, formats or dtypes.

    Cost:
        One pass over the file, and the kernels unpacked.

    Example:
        >>> from hadax.models import load_quantized
        >>> load_quantized("no-such-file", None)
        Traceback (most recent call last):
            ...
        FileNotFoundError: Argument `path` must be an existing file, but no-such-file is not.

    See Also:
        `save_quantized`, with an example.
    """
    stored = storage.load(path)
    _model_checks.same_structure(path, _stored_structure(path, stored), _structure(like))
    wanted = _leaves(like)
    layered = {
        name: layers
        for name, leaf in wanted.items()
        if leaf.ndim and (layers := _layers(name, leaf, stored))
    }
    parts = {one for layers in layered.values() for one in layers}
    _model_checks.same_names(
        path, stored.keys() - parts, wanted.keys() - layered.keys(), _model_checks.QUANTIZED
    )
    found = {
        name: jnp.stack([_array(stored[one]) for one in layered[name]])
        if name in layered
        else _array(stored[name])
        for name in wanted
    }
    _model_checks.equal_kinds(path, found, wanted)
    return jax.tree.unflatten(jax.tree.structure(like), list(found.values()))


def _stored_structure(path: str | Path, stored: dict[str, Any]) -> Any:
    """What a file says of its model; taken out of `stored`."""
    if _STRUCTURE not in stored:
        _model_checks.broken_file(path, _model_checks.QUANTIZED, "does not say of which")
    return json.loads(np.asarray(stored.pop(_STRUCTURE)).tobytes())


def _structure(model: Any) -> Any:
    """All of a model that is not in its arrays, as JSON can say it."""
    return _described({"config": model.config, "online": dict(model.blocks.online)})


def _described(value: Any) -> Any:
    """Dataclasses by their fields, arrays by dtype and shape, all else by its repr."""
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__} | {n: _described(v) for n, v in fields.items()}
    if isinstance(value, dict):
        return {str(name): _described(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_described(item) for item in value]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{list(value.shape)}"
    return repr(value)


def _leaves(model: Any) -> dict[str, Array]:
    """Every array of a model by its dotted name, in the order of the pytree."""
    return {
        jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value"): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(model)
    }


def _layers(name: str, leaf: Array, stored: Mapping[str, Any]) -> list[str]:
    """The names under which the layers of an array are stored one by one; none if it is whole."""
    names = [] if name in stored or "." not in name else _names_of_layers(name, len(leaf))
    return names if all(one in stored for one in names) else []


def _names_of_layers(name: str, layers: int) -> list[str]:
    """The name of each layer of a stacked array."""
    return [stored_name(name, layer) for layer in range(layers)]


def _whole_name(name: str) -> str:
    """The path of the stacked kernels that "blocks.3.query.kernel" is one of."""
    blocks, _, *rest = name.split(".")
    return ".".join([blocks, *rest])


def _array(value: QTensor | Array) -> Array:
    """What is stored, as the array that it stands for."""
    return value.dequantize() if isinstance(value, QTensor) else value
