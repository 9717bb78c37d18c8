"""Error texts of the methods that quantize a whole model."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from hadax._typing import Array, ArrayLike
from hadax.models import _model_checks
from hadax.models.online import Online
from hadax.quantization.formats import Format
from hadax.quantization.rules import Precision
from hadax.quantization.sites import ModelSites


def settings(found: object, kind: type) -> None:
    """Refuse the settings of another method."""
    if not isinstance(found, kind):
        raise TypeError(
            f"Argument `config` must be a {kind.__name__}, but is a {type(found).__name__}. Make "
            f"one with hadax.models.methods.{kind.__name__}(precision)."
        )
    plan = getattr(found, "precision", None)
    if not isinstance(plan, Precision):
        raise TypeError(
            f"Argument `config.precision` must be a hadax.quantization.Precision, but is {plan!r}. "
            "Make one with hadax.quantization.precision('W4A8')."
        )


def planned(model: object, sites: object) -> None:
    """Refuse anything but a model of stacked blocks and a table."""
    if not hasattr(model, "blocks"):
        raise TypeError(
            "Argument `model` must be a model of blocks, such as hadax.models.Llama, but is "
            f"a {type(model).__name__}."
        )
    if not isinstance(sites, ModelSites):
        raise TypeError(
            "Argument `sites` must be the model's table, such as hadax.models.llama_sites(config), "
            f"but is a {type(sites).__name__}."
        )


def every_kernel(listed: Sequence[str], blocks: Any) -> None:
    """Refuse a table that leaves kernels of a model's blocks out, as that of another model does."""
    for path, leaf in jax.tree_util.tree_leaves_with_path({"blocks": blocks}):
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if leaf.ndim == 3 and name not in listed:
            raise ValueError(
                "Argument `sites` must name every kernel of the model's blocks as one that reads, "
                f"but does not name {name}. To leave linears as they are, give them a rule."
            )


def groups(linear: str, field: str, size: int | None, inputs: int, format: Format | None) -> None:
    """Refuse groups, by the field that says their size, that do not divide a linear's inputs where
    the last one must not be shorter; no format, no groups."""
    if size is None or format is None or format.ignores_zeros:
        return
    if inputs % min(size, inputs):
        raise ValueError(
            f"Argument `precision` must have groups ({field}) that divide the {inputs} inputs of "
            f"{linear} for {format}, but has {size}. Divisors are {_divisors(inputs)}."
        )


def _divisors(n: int) -> str:
    """Those above 1, largest first, as many as fit in a line."""
    found = [d for d in range(n, 1, -1) if n % d == 0]
    return ", ".join(map(str, found[:12]))


def names(argument: str, found: object) -> None:
    """Refuse anything but a tuple of names: a string would be one of its letters."""
    if not (isinstance(found, tuple) and all(isinstance(name, str) for name in found)):
        raise TypeError(
            f"Argument `{argument}` must be a tuple of names, such as ('query',), but is {found!r}."
        )


def linears_of(found: tuple[str, ...], known: set[str]) -> None:
    """Refuse names of linears that the model has not."""
    for name in found:
        if name not in known:
            raise ValueError(
                f"Argument `config.unclipped` must name linears of the model ({sorted(known)}), "
                f"but names {name!r}."
            )


def solver(found: object, kind: type, *, optional: bool = True) -> None:
    """Refuse what does not say how GPTQ rounds."""
    if not (isinstance(found, kind) or (optional and found is None)):
        raise TypeError(
            f"Argument `{'gptq' if optional else 'solver'}` must be a "
            f"hadax.models.methods.GPTQ{' or None' if optional else ''}, but is {found!r}."
        )


def of_some_linear(patterns: Mapping[str, bool], linears: Sequence[str]) -> None:
    """Refuse rules that match no linear of the model."""
    for pattern, is_used in patterns.items():
        if not is_used:
            raise ValueError(
                "Argument `precision` must have rules that each match a linear of the model, such "
                f"as {linears[0]!r} or {linears[-1]!r}, but {pattern!r} matches none. Embedding "
                "and head are never rounded."
            )


def calibration(tokens: ArrayLike | None, model: Any) -> Array:
    """The text to calibrate on, as windows of ids that the model knows."""
    if tokens is None:
        raise ValueError(
            "Argument `tokens` must be an integer array (windows, time), since this method looks "
            "at what the model reads, but is None. Take a text that the model is not judged by."
        )
    found = _model_checks.windows(tokens)
    _model_checks.known_tokens(found, model.config.vocabulary)
    return found


def has_cache(places: tuple[str, ...]) -> None:
    """Refuse bits of keys and values for a model that keeps none."""
    if not places:
        raise ValueError(
            "Argument `precision` must leave keys and values (kv_qtype=None), since the model's "
            "table names no places where it keeps them."
        )


def agreed(layer: int, kinds: Mapping[str, object]) -> None:
    """Refuse rules that round one vector in several ways."""
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{path}: {kind}" for path, kind in kinds.items())
        raise ValueError(
            "Argument `precision` must give linears that read the same vector the same act_qtype, "
            f"act_clip and act_tile_size, but in block {layer} it gives {listed}."
        )


def predicts(model: object) -> None:
    """Refuse a model without logits where rotations are learned on those of the next token."""
    if not hasattr(model, "logits"):
        raise TypeError(
            "Argument `model` must predict tokens (have `logits`), such as hadax.models.Llama, but "
            f"is a {type(model).__name__}. `quarot` rotates any model of blocks."
        )


def has_errors(is_rounded: bool) -> None:
    """Refuse to learn on a loss that rounding does not change."""
    if not is_rounded:
        raise ValueError(
            "Argument `config` must round activations, keys and values, or weights "
            "(rounds_weights=True) while rotations are learned, but rounds nothing then: the loss "
            "would not depend on them. `quarot` rotates without learning."
        )


def positive(name: str, value: float) -> None:
    """Refuse a number that is not above 0."""
    if not value > 0:
        raise ValueError(f"Argument `{name}` must be above 0, but is {value}.")


def plain(online: Mapping[str, Online]) -> None:
    """Refuse a model in which transforms or quantizers stand already."""
    taken = [place for place, what in online.items() if what.transform or what.quantizers]
    if taken:
        raise ValueError(
            "Argument `model` must be one that nothing was put into, but has something at "
            f"{', '.join(sorted(taken))}. Take it as it was trained."
        )


def same_settings(path: object, is_same: bool) -> None:
    """Refuse to go on with what was learned otherwise."""
    if not is_same:
        raise ValueError(
            "Argument `config.checkpoint` must be a file of the same model, sites, tokens, key and "
            f"settings, but {path} is of others. Name another file, or delete this one."
        )
