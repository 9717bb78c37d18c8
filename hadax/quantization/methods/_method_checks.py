"""Error texts of the methods that round kernels."""

import jax.numpy as jnp
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.quantization import _format_checks, _quantization_checks
from hadax.quantization.formats import Format
from hadax.quantization.scales import ScaleSpec


def kernel(value: ArrayLike) -> Array:
    """`value` as a real kernel (..., in, out)."""
    found = _checks.real_float("kernel", value)
    if found.ndim < 2 or not found.size:
        raise ValueError(
            "Argument `kernel` must have the axes (..., in, out), none of them empty, but has "
            f"kernel.shape={found.shape}."
        )
    return found


def grid(format: Format, spec: ScaleSpec, kernel: Array) -> int:
    """Refuse what no kernel is rounded to; how many inputs share a scale with an output."""
    _format_checks.format("format", format, Format)
    _format_checks.unpackable(format.bits)
    _format_checks.spec("spec", spec, ScaleSpec)
    if spec.axis != -2:
        raise ValueError(
            "Argument `spec` must share scales along the inputs of a kernel (..., in, out), axis "
            f"-2, but has axis={spec.axis}."
        )
    _format_checks.short_blocks(format, spec.padding(kernel), kernel.shape)
    return spec.lengths(kernel)[-2]


def clip(value: float | None) -> float | None:
    """A share of the largest magnitude, or None."""
    if value is not None:
        _quantization_checks.one_share("clip", value)
    return value


def moments(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    """`value` as a real array of the shape that the kernel asks for."""
    found = _checks.real_float(name, value)
    if found.shape != shape:
        raise ValueError(
            f"Argument `{name}` must have the shape {shape}, as the kernel's inputs, but has "
            f"{name}.shape={found.shape}."
        )
    return found


def not_negative(name: str, value: float) -> float:
    """Refuse a number below zero."""
    if not value >= 0:
        raise ValueError(f"Argument `{name}` must be at least 0, but is {value}.")
    return value


def solved(scales: Array) -> None:
    """Refuse a Hessian that has no Cholesky factor; under `jax.jit` there is nothing to see."""
    if not isinstance(scales, core.Tracer) and not jnp.isfinite(scales.astype(float)).all():
        raise ValueError(
            "Argument `hessian` must be finite and positive definite once it is damped, but is "
            "not. Average it over more inputs, or raise `damping`."
        )


def fraction(name: str, value: float) -> None:
    """Refuse a number outside [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"Argument `{name}` must be from 0 to 1, but is {value}.")
