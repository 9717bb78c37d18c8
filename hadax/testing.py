"""Assertions about linear maps, for the tests of hadax and for yours.

Each takes a function of an array (an operator is one) and says in its error what differs, and by
how much.
"""

import re
from collections.abc import Callable
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np

from hadax import _dtypes
from hadax._typing import Array, ArrayLike, DTypeLike, KeyArray


def assert_close(actual: ArrayLike, expected: ArrayLike, *, n: int, c: float = 2.0) -> None:
    r"""Assert that two arrays agree to the round-off of transforms of length n.

    $\max|a - b| \le c \sqrt{\log_2 n}\, \varepsilon \max|b|$, with $\varepsilon$ of the dtype of
    `actual`; integers must be equal.

    Args:
        actual: array of any shape: what was computed.
        expected: array of the same shape: what is right, in any precision.
        n: the length that sets the tolerance.
        c: the constant of the tolerance: 2 for each transform in a row.

    Returns:
        None.

    Raises:
        AssertionError: the shapes differ, something is not finite, or the error is too large.

    Cost:
        One pass over both.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.testing import assert_close
        >>> assert_close(jnp.ones(4), jnp.ones(4) + 1e-7, n=4)

    See Also:
        `numpy.testing.assert_allclose`, whose tolerances are for single entries.
    """
    got, right = np.asarray(actual), np.asarray(expected)
    chex.assert_equal_shape([got, right])
    if not jnp.issubdtype(got.dtype, jnp.inexact):
        np.testing.assert_array_equal(got, right)
        return
    wide = np.complex128 if np.iscomplexobj(got) or np.iscomplexobj(right) else np.float64
    got_wide, right_wide = got.astype(wide), right.astype(wide)
    assert np.isfinite(got_wide).all(), "`actual` must be finite"
    assert np.isfinite(right_wide).all(), "`expected` must be finite"
    limit = _dtypes.tolerance(n, got.dtype, c=c) * float(np.abs(right_wide).max(initial=0))
    error = float(np.abs(got_wide - right_wide).max(initial=0))
    assert error <= limit, f"largest error {error:.3g} must be at most {limit:.3g}"


def assert_adjoint(
    forward: Callable[[Array], Array],
    transpose: Callable[[Array], Array],
    shape: tuple[int, int],
    key: KeyArray,
    *,
    dtype: DTypeLike = jnp.float32,
) -> None:
    r"""Assert that one map is the transpose of another.

    $\langle A x, y\rangle = \langle x, A^T y\rangle$ for random x and y.

    Args:
        forward: a linear map of arrays (n,) to (m,).
        transpose: a linear map of arrays (m,) to (n,).
        shape: (m, n).
        key: a PRNG key for random x and y.
        dtype: a float or complex dtype. Nothing is conjugated.

    Returns:
        None.

    Raises:
        AssertionError: the two sides differ by more than round-off.

    Cost:
        One application of each.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.testing import assert_adjoint
        >>> a = jnp.arange(6.0).reshape(2, 3)
        >>> assert_adjoint(lambda x: a @ x, lambda y: a.T @ y, (2, 3), jax.random.key(0))

    See Also:
        `jax.linear_transpose`.
    """
    m, n = shape
    x, y = (
        jax.random.normal(k, (size,), dtype)
        for k, size in zip(jax.random.split(key), (n, m), strict=True)
    )
    ax, aty = np.asarray(forward(x)), np.asarray(transpose(y))
    left, right = complex(np.vdot(np.conj(y), ax)), complex(np.vdot(np.conj(aty), x))
    # Errors of a sum of products scale with the lengths, not with the (possibly small) sum.
    size = np.linalg.norm(ax) * np.linalg.norm(y) + np.linalg.norm(x) * np.linalg.norm(aty)
    limit = _dtypes.tolerance(max(m, n), dtype, c=4.0) * float(size)
    assert abs(left - right) <= limit, f"<Ax, y> = {left} but <x, A^T y> = {right}"


def assert_orthogonal(matrix: ArrayLike, *, n: int | None = None, c: float = 4.0) -> None:
    r"""Assert that a matrix is orthogonal (unitary): $A^* A = I$ up to round-off.

    Args:
        matrix: array (m, m), real or complex.
        n: the length that sets the tolerance. Default: m.
        c: the constant of the tolerance.

    Returns:
        None.

    Raises:
        AssertionError: it is not square, or not orthogonal.

    Cost:
        O(m^3).

    Example:
        >>> import jax, hadax
        >>> from hadax.testing import assert_orthogonal
        >>> assert_orthogonal(hadax.haar_rotation(jax.random.key(0), 5).as_matrix())

    See Also:
        `assert_adjoint`, which needs no matrix.
    """
    a = np.asarray(matrix)
    wide = a.astype(np.complex128 if np.iscomplexobj(a) else np.float64)
    chex.assert_shape(a, (len(a), len(a)))
    limit = _dtypes.tolerance(n or len(a), a.dtype, c=c)
    error = float(np.abs(wide.conj().T @ wide - np.eye(len(a))).max(initial=0))
    assert error <= limit, f"A* A differs from I by {error:.3g}, more than {limit:.3g}"


def assert_no_retrace(function: Callable[..., Any], *args: Any) -> None:
    """Assert that a function is traced once for two calls with arrays of the same shapes.

    Args:
        function: a function of arrays and pytrees.
        *args: its arguments.

    Returns:
        None.

    Raises:
        AssertionError: the second call traced again.

    Cost:
        One compilation and two calls.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> from hadax.testing import assert_no_retrace
        >>> assert_no_retrace(hadax.fwht, jnp.ones(8))

    See Also:
        `chex.assert_max_traces`, which does the counting.
    """
    chex.clear_trace_counter()
    traced = jax.jit(chex.assert_max_traces(function, n=1))
    jax.block_until_ready((traced(*args), traced(*args)))


def assert_no_collectives(program: Any) -> None:
    """Assert that a compiled program moves no data between devices.

    Args:
        program: what `jax.jit(f).lower(...).compile()` returns, or its text in HLO.

    Returns:
        None.

    Raises:
        AssertionError: it has a collective operation; the message shows the first of them.

    Cost:
        One pass over the text of the program.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from hadax.testing import assert_no_collectives
        >>> assert_no_collectives(jax.jit(hadax.fwht).lower(jnp.ones((4, 8))).compile())

    See Also:
        `assert_no_retrace`.
    """
    text = program if isinstance(program, str) else program.as_text()
    found = [line.strip() for line in text.splitlines() if _COLLECTIVE.search(line)]
    assert not found, f"{len(found)} collective operations, the first: {found[0][:300]}"


_COLLECTIVE = re.compile(
    r"\b(all-gather|all-reduce|all-to-all|collective-permute|collective-broadcast|reduce-scatter)"
    r"(-start)?\("
)
