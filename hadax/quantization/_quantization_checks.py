"""Error texts of quantization; the house's other texts are in `hadax._checks`."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.operators import _operator_checks
from hadax.operators.base import LinearOperator


def axes(x: Array, value: int | Sequence[int] | None) -> tuple[int, ...]:
    """The distinct, non-negative axes that `axis` names, all for None, each with a point."""
    return tuple(_checks.distinct_axes(x, range(x.ndim) if value is None else value, name="axis"))


def clip(value: ArrayLike, reduced: tuple[int, ...], dtype: DTypeLike) -> Array:
    """`value` as shares of the rank of the reduced array; the values of a traced one go unseen."""
    share = _checks.real_float("clip", float(value) if isinstance(value, int) else value)
    rank = len(reduced)
    aligned = (1,) * (rank - share.ndim) + share.shape
    if len(aligned) > rank or any(a not in (1, b) for a, b in zip(aligned, reduced, strict=True)):
        raise ValueError(
            "Argument `clip` must broadcast to the shape of x with `axis` reduced to length 1, "
            f"{reduced}, but has clip.shape={share.shape}."
        )
    if not isinstance(share, core.Tracer):
        seen = np.asarray(share, np.float64)
        for one in seen[~((seen > 0) & (seen <= 1))].tolist():
            one_share("clip", one)
    return jnp.asarray(share, dtype).reshape(aligned)


def folded(op: object, kernel: ArrayLike) -> Array:
    """`kernel` as an array, if `op` is an operator."""
    _operator_checks.operator("op", op, LinearOperator)
    return _checks.array("kernel", kernel)


def kernel_axis(kernel: Array, axis: int, n: int) -> None:
    """Refuse a kernel of another length than the operator's along the axis it is folded into."""
    if kernel.ndim < -axis or kernel.shape[axis] != n:
        raise ValueError(
            f"Argument `kernel` must have length {n} along axis={axis}, as the operator, but has "
            f"kernel.shape={kernel.shape}."
        )


def gain_kinds(gain: Array, kernel: Array) -> None:
    """Refuse a kernel that cannot hold its product with the gain."""
    if not jnp.issubdtype(kernel.dtype, jnp.inexact):
        raise TypeError(
            f"Argument `kernel` must be floating point, but has kernel.dtype={kernel.dtype}. "
            "Cast it, for example with kernel.astype('float32')."
        )
    is_complex = [jnp.issubdtype(a.dtype, jnp.complexfloating) for a in (gain, kernel)]
    if is_complex == [True, False]:
        raise TypeError(
            f"Argument `gain` must be real for a real kernel, but has gain.dtype={gain.dtype} and "
            f"kernel.dtype={kernel.dtype}. Cast the kernel to complex first."
        )


def one_share(name: str, value: float) -> None:
    """Refuse a share of a whole that is not above 0 and at most 1."""
    if not 0 < value <= 1:
        raise ValueError(f"Argument `{name}` must be above 0 and at most 1, but is {value}.")


def gains(name: str, shape: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    """Refuse gains that are not one an input of the kernel."""
    if shape != kernel[:-1]:
        raise ValueError(
            f"Argument `{name}` must have the shape of the kernel without its last axis, "
            f"{kernel[:-1]}, but has {name}.shape={shape}."
        )


def search(exponent: float, shares: Sequence[float] | np.ndarray) -> None:
    """Refuse a search that has no best clip."""
    if not exponent > 0:
        raise ValueError(f"Argument `exponent` must be above 0, but is {exponent}.")
    if len(shares) == 0:
        raise ValueError("Argument `shares` must hold a share to try, but is empty.")
    for share in shares:
        one_share("shares", float(share))
