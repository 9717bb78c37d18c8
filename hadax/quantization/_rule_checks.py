"""Error texts of rules by which a model is rounded."""

import re
from typing import Any

from hadax import _checks
from hadax.quantization import _format_checks, _quantization_checks
from hadax.quantization.scales import STORED


def rule(value: Any, kind: type) -> None:
    """Refuse fields that describe no rounding."""
    try:
        re.compile(value.module_path)
    except (re.error, TypeError) as error:
        raise ValueError(
            f"Argument `module_path` must be a regular expression, but is {value.module_path!r}: "
            f"{error}. '.*/down' names all linears called down."
        ) from error
    for name in ("weight_qtype", "act_qtype"):
        if getattr(value, name) is not None:
            _format_checks.format(name, getattr(value, name), kind)
    if value.weight_qtype is not None:
        _format_checks.unpackable(value.weight_qtype.bits)
    for name in ("tile_size", "act_tile_size"):
        if getattr(value, name) is not None:
            _checks.integer(name, getattr(value, name), minimum=1)
    if value.scale_dtype is not None:
        _checks.choice("scale_dtype", value.scale_dtype, tuple(STORED))
    if value.weight_clip is not None:
        _quantization_checks.one_share("weight_clip", value.weight_clip)
    _quantization_checks.one_share("act_clip", value.act_clip)


def precision(value: Any, rule_kind: type, format_kind: type) -> None:
    """Refuse anything but a tuple of rules, and formats of keys and values."""
    if not isinstance(value.rules, tuple) or not all(isinstance(r, rule_kind) for r in value.rules):
        raise TypeError(
            "Argument `rules` must be a tuple of hadax.quantization.QuantizationRule, but is "
            f"{value.rules!r:.80}."
        )
    if value.kv_qtype is not None:
        _format_checks.format("kv_qtype", value.kv_qtype, format_kind)
    _quantization_checks.one_share("kv_clip", value.kv_clip)


def bits(name: object) -> tuple[int | None, int | None, int | None]:
    """The bits of weights, activations, and keys and values; None for 16."""
    found = re.fullmatch(r"W(\d+)A(\d+)(?:KV(\d+))?", name) if isinstance(name, str) else None
    widths = [int(part or 16) for part in found.groups()] if found else []
    if not found or any(width != 16 and not 2 <= width <= 8 for width in widths):
        raise ValueError(
            "Argument `name` must be such as 'W4A16' or 'W4A4KV4', with 2 to 8 bits or 16 for "
            f"none, but is {name!r}."
        )
    weights, activations, cache = (None if width == 16 else width for width in widths)
    return weights, activations, cache


def several(name: str, value: object) -> None:
    """Refuse a string where several are meant: it would be its letters."""
    if isinstance(value, str):
        raise TypeError(
            f"Argument `{name}` must be a sequence of strings, such as [{value!r}], but is the "
            "string itself."
        )
