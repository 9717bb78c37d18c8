"""hadax operators as lineax operators, for its solvers and its composition."""

import jax
import lineax as lx

from hadax import _checks
from hadax._typing import DTypeLike
from hadax.operators import _operator_checks
from hadax.operators.base import LinearOperator


def to_lineax(op: LinearOperator, *, dtype: DTypeLike | None = None) -> lx.FunctionLinearOperator:
    """An operator of hadax as one of lineax.

    The same linear map of single vectors; `lineax.linear_solve`, `@`, `.T` and tags work on it.

    Args:
        op: an operator of shape (m, n).
        dtype: dtype of the input vectors. Default: float64 in x64 mode, else float32.

    Returns:
        A lineax operator from (n,) to (m,).

    Raises:
        TypeError: op is no operator of hadax, or dtype no float or complex dtype.

    Cost:
        One trace of `op`.

    Example:
        >>> import jax, jax.numpy as jnp, lineax, hadax, hadax.lineax
        >>> op = hadax.randomized_hadamard(jax.random.key(0), 8)
        >>> solution = lineax.linear_solve(hadax.lineax.to_lineax(op), op(jnp.arange(8.0)))
        >>> bool(abs(solution.value - jnp.arange(8.0)).max() < 1e-4)
        True

    See Also:
        `hadax.inverse`, which needs no solver.
    """
    _operator_checks.operator("op", op, LinearOperator)
    found = _checks.dtype("dtype", dtype, float, jax.numpy.inexact)
    return lx.FunctionLinearOperator(op, jax.ShapeDtypeStruct((op.shape[1],), found))
