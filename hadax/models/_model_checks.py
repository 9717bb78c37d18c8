"""Error texts of language models and the files they come in; the house's other texts are in
`hadax._checks`."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.operators import _operator_checks
from hadax.operators.base import LinearOperator

QUANTIZED = "a quantized model of this structure"


def divides(small_name: str, small: int, name: str, value: int) -> None:
    """Refuse a size that another one must divide and does not."""
    if value % small:
        factor = small_name if small_name == str(small) else f"{small_name}={small}"
        raise ValueError(f"Argument `{name}` must be a multiple of {factor}, but is {value}.")


def same_shapes(name: str, tree: Any, expected: Any) -> None:
    """Refuse a nested dict whose names or array shapes are not those of `expected`."""
    found, wanted = _shapes(tree), _shapes(expected)
    if missing := sorted(wanted.keys() - found.keys()):
        raise ValueError(f"Argument `{name}` must hold {missing[0]}, but it is missing.")
    if unknown := sorted(found.keys() - wanted.keys()):
        raise ValueError(
            f"Argument `{name}` must hold only what the config asks for, but holds {unknown[0]}."
        )
    for path, shape in wanted.items():
        if found[path] != shape:
            raise ValueError(
                f"Argument `{name}` must hold {path} of shape {shape}, but its shape is "
                f"{found[path]}."
            )


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every array of a nested dict, by its dotted name."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): jnp.shape(leaf)
        for path, leaf in leaves
    }


def broken_file(path: object, kind: str, why: str) -> NoReturn:
    """Refuse a file that is not what it should be."""
    raise ValueError(
        f"Argument `path` must be {kind}, but {path} {why}. Fetch or write the file again."
    )


def unsupported_model(path: object, what: str, supported: str) -> NoReturn:
    """Refuse a model of another kind than the ones that are implemented."""
    raise NotImplementedError(
        f"Argument `path` must name a model with {supported}, but {path} has {what}."
    )


def stated_as(path: object, stated: Mapping[str, Any], supported: Mapping[str, object]) -> None:
    """Refuse models that compute something else with the same tensors, by their config.json."""
    for key, value in supported.items():
        found = stated.get(key, value)
        if found != value:
            unsupported_model(path, f"{key} {found!r}", f"{key} {value!r}")


def existing_file(path: object) -> Path:
    """`path` as a Path to a file that exists."""
    path = Path(path)  # type: ignore[arg-type]
    if not path.is_file():
        raise FileNotFoundError(f"Argument `path` must be an existing file, but {path} is not.")
    return path


def cut_as_stated(pre_tokenizer: str | None) -> None:
    """Refuse another way of cutting than that of a folder's tokenizer.json."""
    if pre_tokenizer is not None:
        raise ValueError(
            "Argument `pre_tokenizer` must be None for a folder, whose tokenizer.json says how "
            f"text is cut, but is {pre_tokenizer!r}."
        )


def same_names(
    path: object,
    found: set[str],
    needed: set[str],
    kind: str = "a checkpoint with every tensor of its sizes",
) -> None:
    """Refuse a checkpoint that lacks a tensor or holds one that the model has no place for."""
    if missing := sorted(needed - found):
        broken_file(path, kind, f"lacks {missing[0]}")
    if unknown := sorted(found - needed):
        unsupported_model(path, f"a tensor {unknown[0]}", "the tensors of its structure only")


def same_structure(path: object, saved: Any, wanted: Any, *, where: str = "") -> None:
    """Refuse a file of a model whose description differs somewhere from that of another one."""
    if isinstance(saved, dict) and isinstance(wanted, dict):
        for name in sorted(saved.keys() | wanted.keys()):
            inside = f"{where}.{name}".removeprefix(".")
            same_structure(path, saved.get(name), wanted.get(name), where=inside)
    elif isinstance(saved, list) and isinstance(wanted, list) and len(saved) == len(wanted):
        for i, pair in enumerate(zip(saved, wanted, strict=True)):
            same_structure(path, *pair, where=f"{where}[{i}]")
    elif saved != wanted:
        raise ValueError(
            f"Argument `like` must be a model of the structure of the one in {path}, but has "
            f"{_short(wanted)} as {where} where that one has {_short(saved)}. Make it with the "
            "method and settings that the file was made with."
        )


def _short(value: Any) -> str:
    """A description in a few words."""
    if value is None or value == []:
        return "nothing"
    kind = value.get("kind") if isinstance(value, dict) else None
    return kind or f"{value!s:.60}"


def equal_kinds(path: object, found: dict[str, Array], wanted: dict[str, Array]) -> None:
    """Refuse arrays that have not the shapes and dtypes of those that they are to replace."""
    for name, array in found.items():
        if (array.shape, array.dtype) != (wanted[name].shape, wanted[name].dtype):
            broken_file(
                path,
                QUANTIZED,
                f"has {name} as {array.dtype}{array.shape} where the model has "
                f"{wanted[name].dtype}{wanted[name].shape}",
            )


def equal_shapes(path: object, arrays: dict[str, Any]) -> None:
    """Refuse a checkpoint in which the same tensor has another shape in another layer."""
    first, *rest = arrays
    for name in rest:
        if arrays[name].shape != arrays[first].shape:
            broken_file(
                path,
                "a checkpoint with equal layers",
                f"has {name} of shape {arrays[name].shape} and {first} of {arrays[first].shape}",
            )


def windows(tokens: ArrayLike) -> Array:
    """`tokens` as an integer matrix of windows that each have something to predict."""
    found = _checks.array("tokens", tokens)
    _checks.integers("tokens", found)
    if found.ndim != 2 or found.shape[0] < 1 or found.shape[1] < 2:
        raise ValueError(
            "Argument `tokens` must have shape (windows, time) with windows >= 1 and time >= 2, "
            f"but has tokens.shape={found.shape}. Cut the ids with ids[: w * t].reshape(w, t)."
        )
    return found


def known_tokens(tokens: Array, vocabulary: int) -> None:
    """Refuse ids that the model has no vector for; under `jax.jit` there are no values to see."""
    if isinstance(tokens, core.Tracer):
        return
    ids = np.asarray(tokens)  # known while something else is traced, too
    least, most = int(ids.min()), int(ids.max())
    if least < 0 or most >= vocabulary:
        raise ValueError(
            f"Argument `tokens` must hold ids from 0 to {vocabulary - 1}, as many as the model "
            f"knows, but holds {least if least < 0 else most}. Take the model's own tokenizer."
        )


def sentences(tokens: ArrayLike) -> Array:
    """`tokens` as an integer matrix."""
    found = _checks.array("tokens", tokens)
    _checks.integers("tokens", found)
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(
            "Argument `tokens` must have shape (sentences, time), both at least 1, but has "
            f"tokens.shape={found.shape}. Pass tokens[None] for a single sentence."
        )
    return found


def some_sentences(found: Sequence[str]) -> None:
    """Refuse a single text, which is a sequence of letters, and no text at all."""
    if isinstance(found, str) or not len(found):
        raise ValueError(
            f"Argument `sentences` must be one or more texts in a list, but is {found!r}. Pass "
            "[text] for a single one."
        )


def at_most_positions(time: int, positions: int) -> None:
    """Refuse texts that are longer than a model with learned positions has any for."""
    if time > positions:
        raise ValueError(
            f"Argument `tokens` must have at most {positions} tokens a text, as many positions as "
            f"the model has learned, but has {time}. Cut them with tokens[..., :{positions}]."
        )


def mask(found: Array, shape: tuple[int, ...]) -> None:
    """Refuse anything but a truth value a token."""
    if found.dtype != bool or found.shape != shape:
        raise ValueError(
            f"Argument `mask` must be bool of the shape {shape} of `tokens`, True where there is a "
            f"token, but is {found.dtype} of shape {found.shape}."
        )


def square_operator(name: str, op: object, n: int, *, layers: int | None = None) -> None:
    """Refuse anything but an operator of shape (n, n), or one a layer with arrays stacked."""
    _operator_checks.operator(name, op, LinearOperator)
    assert isinstance(op, LinearOperator)
    leading = () if layers is None else (layers,)
    for shape, ndim in _arrays(op):
        if len(shape) != ndim + len(leading) or shape[: len(leading)] != leading:
            raise ValueError(
                f"Argument `{name}` must be {'one operator' if layers is None else 'one a layer'}, "
                f"its arrays with {ndim} axes after the leading {leading}, but has one of shape "
                f"{shape}. hadax.models.draw_rotations draws such operators."
            )
    if op.shape != (n, n):
        raise ValueError(f"Argument `{name}` must have shape {(n, n)}, but has {op.shape}.")


def _arrays(op: LinearOperator) -> Iterator[tuple[tuple[int, ...], int]]:
    """The shape of every array of an operator, and how many axes it has in a single one."""
    for field in dataclasses.fields(op):  # type: ignore[arg-type]
        value, ndim = getattr(op, field.name), field.metadata.get("ndim")
        if ndim is not None and value is not None:
            yield jnp.shape(value), ndim
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, LinearOperator):
                yield from _arrays(part)
