"""Error texts of operators; the house's other texts are in `hadax._checks`."""

from typing import NoReturn

import jax.numpy as jnp
import numpy as np
from jax import core

from hadax._typing import Array


def last_axis(name: str, x: Array, n: int) -> None:
    """Refuse an input that an operator with n columns cannot act on."""
    if x.ndim == 0 or x.shape[-1] != n:
        raise ValueError(
            f"Argument `x` must have length {n} along its last axis for {name}, "
            f"but has x.shape={x.shape}."
        )


def operator(name: str, value: object, kind: type) -> None:
    """Refuse anything but an operator."""
    if not isinstance(value, kind):
        raise TypeError(
            f"Argument `{name}` must be an operator, but is a {type(value).__name__}. "
            "Make one from a matrix with hadax.operators.dense(matrix)."
        )


def no_ensemble(name: str, field: str, shape: tuple[int, ...], ndim: int) -> NoReturn:
    """Refuse to apply many operators as if they were one."""
    raise ValueError(
        f"Operator {name} must be a single one to be applied, but {field}.shape={shape} has more "
        f"than {ndim} axes: it is an ensemble. Use jax.vmap(lambda op, x: op(x))(ops, xs)."
    )


def composable(left: tuple[int, int], right: tuple[int, int]) -> None:
    """Refuse A @ B with unequal inner lengths."""
    if left[1] != right[0]:
        raise ValueError(
            f"Operators in `left @ right` must have equal inner lengths, but have shapes "
            f"{left} and {right}."
        )


def no_array(value: object) -> None:
    """Refuse an array where an operator is composed with another."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        raise TypeError(
            "Operators in `left @ right` must both be operators, but one is an array. Apply an "
            "operator along the last axis by calling it: op(x)."
        )


def nonzero(diagonal: Array) -> None:
    """Refuse to divide by zero; under `jax.jit` there is nothing to see."""
    # NumPy's, since JAX traces whatever is computed under `jax.jit`, of known arrays too.
    if not isinstance(diagonal, core.Tracer) and not np.asarray(diagonal).all():
        raise ValueError("Argument `op` must have an inverse, but is a Diagonal with a zero on it.")


def has_an_inverse(matrix: Array) -> None:
    """Refuse a matrix that cannot be inverted, as far as its shape and dtype tell."""
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(
            "Argument `matrix` must have two axes of the same length, but has "
            f"matrix.shape={matrix.shape}. hadax.operators.dense takes any."
        )
    if not jnp.issubdtype(matrix.dtype, jnp.inexact):
        raise TypeError(
            "Argument `matrix` must be real or complex floating point, but has "
            f"matrix.dtype={matrix.dtype}. Cast it, for example with matrix.astype('float32')."
        )


def no_inverse(op: object) -> NoReturn:
    """Refuse to invert an operator whose inverse is not known in closed form."""
    raise TypeError(
        f"Argument `op` must have a known inverse, but is a {type(op).__name__}. "
        "Solve with it instead: lineax.linear_solve(hadax.lineax.to_lineax(op), y)."
    )


def operator_class(name: str, value: object, kind: type) -> None:
    """Refuse anything but a class of operators."""
    if not (isinstance(value, type) and issubclass(value, kind)):
        raise TypeError(
            f"Argument `{name}` must be a subclass of {kind.__name__}, but is {value!r}."
        )
