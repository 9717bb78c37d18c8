"""Error texts of number formats, scales and quantized tensors; others are in `hadax._checks`."""

import math
from typing import Any, NoReturn

import numpy as np
from jax import core

from hadax import _checks

_MOST_LEVELS = 256


def int_format(bits: object, symmetric: object) -> int:
    """A width that an integer format has."""
    number = _checks.integer("bits", bits, minimum=2)
    _checks.at_most("bits", number, 16, what="limit")
    _checks.flag("symmetric", symmetric)
    return number


def float_format(name: object, names: tuple[str, ...]) -> None:
    """Refuse an unknown float."""
    _checks.choice("name", name, names)


def codebook(levels: Any, unit: object) -> None:
    """Refuse levels that are no codebook."""
    if not isinstance(levels, tuple) or not all(isinstance(level, float) for level in levels):
        raise TypeError(
            "Argument `levels` must be a tuple of Python floats, which jit can compare, but is "
            f"{levels!r:.80}."
        )
    if not 2 <= len(levels) <= _MOST_LEVELS:
        raise ValueError(
            f"Argument `levels` must hold 2 to {_MOST_LEVELS} levels, but holds {len(levels)}."
        )
    if not all(map(math.isfinite, levels)) or sorted(set(levels)) != list(levels):
        raise ValueError("Argument `levels` must be finite and increasing, but is not. Sort it.")
    _checks.choice("unit", unit, ("peak", "rms"))


def sphere(value: object) -> int:
    """`value` as the dimension of a sphere whose coordinates have a density that is bounded."""
    return _checks.integer("d", value, minimum=3)


def format(name: str, value: object, kind: type) -> None:
    """Refuse anything but a number format."""
    if not isinstance(value, kind):
        raise TypeError(
            f"Argument `{name}` must be a number format, but is {value!r:.80}. Make one with "
            "hadax.quantization.IntFormat(4), for example."
        )


def scale_spec(
    axis: object, block: Any, dtype: object, dtypes: tuple[str, ...], rounding: object
) -> None:
    """Refuse fields that describe no scales; axes are checked where there is an array."""
    if isinstance(axis, list):
        raise TypeError(f"Argument `axis` must be an integer, a tuple or None, but is {axis}.")
    if block is not None:
        for one in block if isinstance(block, tuple) else (block,):
            _checks.integer("block", one, minimum=1)
    if dtype is not None:
        _checks.choice("dtype", dtype, dtypes)
    _checks.choice("rounding", rounding, ("nearest", "up"))


def spec(name: str, value: object, kind: type) -> None:
    """Refuse anything but a description of scales."""
    if not isinstance(value, kind):
        raise TypeError(
            f"Argument `{name}` must be a ScaleSpec, but is {value!r:.80}. Make one with "
            "hadax.quantization.ScaleSpec(axis=-2), for example."
        )


def one_block_an_axis(blocks: tuple[int | None, ...], axes: tuple[int, ...]) -> None:
    """Refuse another number of blocks than of axes."""
    if len(blocks) != len(axes):
        raise ValueError(
            f"Argument `block` must be an integer or have one an axis, but has {len(blocks)} for "
            f"{len(axes)} axes."
        )


def short_blocks(format: Any, padding: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Refuse a last block that is shorter than the others where zeros beside it would count."""
    if padding and not format.ignores_zeros:
        raise ValueError(
            f"Argument `block` must divide the lengths that it cuts for the format {format}, whose "
            "scales are root mean squares or whose levels leave 0 out, but the last block lacks "
            f"{max(padding)} points of an array of shape {shape}. Pass a divisor."
        )


def whole_blocks(padding: tuple[int, ...]) -> None:
    """Refuse to give away a tensor whose last blocks are shorter: others know no such."""
    if padding:
        raise ValueError(
            "Argument `tensor` must have blocks of one length, but its last ones lack "
            f"{max(padding)} points. Quantize with a block that divides the length."
        )


def one_clip(is_pair: bool, unit: str) -> None:
    """Refuse two clips for a format whose scale is no end of a range."""
    if is_pair and unit == "rms":
        raise ValueError(
            "Argument `clip` must be one share for a format of unit 'rms', but is a pair."
        )


def unpackable(bits: int) -> None:
    """Refuse a format whose codes have more than a byte."""
    if bits > 8:
        raise ValueError(
            f"Argument `format` must have at most 8 bits to be packed, but has {bits}. "
            "`simulate` takes it."
        )


def quantized(name: str, value: object, kind: type) -> None:
    """Refuse anything but a quantized tensor."""
    if not isinstance(value, kind):
        raise TypeError(
            f"Argument `{name}` must be a {kind.__name__}, but is a {type(value).__name__}. Make "
            "one with hadax.quantization.quantize."
        )


def matmul(x: Any, kernel: Any, kind: type) -> None:
    """Refuse a kernel that x cannot be multiplied with."""
    quantized("kernel", kernel, kind)
    if len(kernel.shape) != 2:
        raise ValueError(
            f"Argument `kernel` must have 2 axes, but has shape {kernel.shape}. For layers, "
            "jax.vmap or jax.lax.scan over it."
        )
    if x.ndim == 0 or x.shape[-1] != kernel.shape[0]:
        raise ValueError(
            f"Argument `x` must have length {kernel.shape[0]} along axis=-1, as the kernel, but "
            f"has x.shape={x.shape}."
        )


def foreign(name: str, what: str, known: tuple[str, ...]) -> NoReturn:
    """Refuse numbers that hadax or qwix has no name for."""
    raise ValueError(f"Argument `{name}` must hold one of {', '.join(known)}, but has {what}.")


def qarray(value: object) -> None:
    """Refuse anything without the fields of a QArray."""
    for field in ("qvalue", "scale", "zero_point", "qtype"):
        if not hasattr(value, field):
            raise TypeError(
                f"Argument `array` must be a QArray, but is a {type(value).__name__} without "
                f"{field}."
            )


def native_integers(field: str, values: Any, bits: int) -> None:
    """Refuse what is no integer of so many bits; under a trace there are no values to see."""
    if isinstance(values, core.Tracer):
        return
    found = np.asarray(values).astype(np.float64)
    least, most = -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
    wrong = found[(found != np.round(found)) | (found < least) | (found > most)]
    if wrong.size:
        raise ValueError(
            f"Argument `array` must have a {field} of integers from {least:.0f} to {most:.0f}, but "
            f"it holds {wrong[0]:g}."
        )


def cut_into_blocks(shape: tuple[int, ...], counts: tuple[int, ...]) -> None:
    """Refuse scales that do not cut every axis of an array into blocks."""
    if len(shape) != len(counts) or any(n % max(k, 1) for n, k in zip(shape, counts, strict=True)):
        raise ValueError(
            "Argument `array` must have a scale with an axis for each of qvalue's, whose length "
            f"divides it, but has qvalue.shape={shape} and scale.shape={counts}."
        )


def own_scales(n: int, counts: tuple[int, ...]) -> None:
    """Refuse to take columns that share scales apart."""
    if counts[-1] != n:
        raise ValueError(
            f"A QTensor's columns must have scales of their own, but {n} columns have scales of "
            f"shape {counts}. Take columns of dequantize()."
        )


def integer_zeros(format: object, kind: type, qtype: str) -> None:
    """Refuse a zero point beside numbers that are no integers."""
    if not isinstance(format, kind):
        raise ValueError(
            f"Argument `array` must have a zero point for integers only, but has one for {qtype}."
        )
