"""Elementary operators from arrays that come from outside: checked once, here."""

import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _checks, _dtypes
from hadax._typing import ArrayLike, Integer, Num
from hadax.kernels import _hadamard_orders
from hadax.operators import _operator_checks
from hadax.operators.base import LinearOperator
from hadax.operators.elementary import (
    BlockDiagonal,
    Dense,
    Diagonal,
    Hadamard,
    Invertible,
    Kronecker,
    Permutation,
    Scale,
)


def dense(matrix: Num[ArrayLike, "m n"]) -> Dense:
    """An operator from its matrix.

    $y = A x$.

    Args:
        matrix: array (m, n), real or complex.

    Returns:
        An operator of shape (m, n).

    Raises:
        ValueError: matrix has not two axes.
        TypeError: matrix does not hold numbers.

    Cost:
        m n operations a vector.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> operators.dense(jnp.array([[1.0, 2.0]]))(jnp.array([3.0, 4.0]))
        Array([11.], dtype=float32)

    See Also:
        `lineax.MatrixLinearOperator`, which has no batch axes.
    """
    return Dense(_checks.shaped("matrix", matrix, ndim=2))


def invertible(matrix: Num[ArrayLike, "n n"]) -> Invertible:
    """An operator from its matrix that keeps the inverse beside it.

    $y = A x$, and $x = A^{-1} y$.

    Args:
        matrix: array (n, n), real or complex, not singular.

    Returns:
        An operator of shape (n, n), its inverse rounded once to the matrix's dtype.

    Raises:
        ValueError: matrix has not two axes of one length.
        TypeError: matrix does not hold floating-point numbers.

    Cost:
        O(n^3) once; n^2 operations a vector.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> from hadax import operators
        >>> op = operators.invertible(jnp.array([[2.0, 2.0], [0.0, 1.0]]))
        >>> hadax.inverse(op)(jnp.array([4.0, 1.0]))
        Array([1., 1.], dtype=float32)

    See Also:
        `dense`, of any shape; `hadax.haar_rotation`, whose inverse is the transpose.
    """
    array = _checks.shaped("matrix", matrix, ndim=2)
    _operator_checks.has_an_inverse(array)
    wide = array.astype(_dtypes.accumulator(array.dtype))
    return Invertible(array, jnp.linalg.inv(wide).astype(array.dtype))


def diagonal(entries: Num[ArrayLike, " n"]) -> Diagonal:
    r"""Multiplication by the entries of a vector.

    $y_i = d_i x_i$.

    Args:
        entries: array (n,), real, complex or integer.

    Returns:
        An operator of shape (n, n); its inverse needs entries that are not zero.

    Raises:
        ValueError: entries has not one axis.
        TypeError: entries does not hold numbers.

    Cost:
        n operations a vector.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> operators.diagonal(jnp.array([1.0, 2.0]))(jnp.array([3.0, 4.0]))
        Array([3., 8.], dtype=float32)

    See Also:
        `jax.numpy.diag`, which writes the matrix out.
    """
    return Diagonal(_checks.shaped("entries", entries, ndim=1))


def permutation(indices: Integer[ArrayLike, " n"]) -> Permutation:
    """A reordering of the entries.

    $y_i = x_{p(i)}$, as `x[..., indices]`.

    Args:
        indices: integers (n,), each of 0 ... n-1 once.

    Returns:
        An operator of shape (n, n), orthogonal.

    Raises:
        ValueError: indices is no permutation (checked where its values are known, that is outside
            of jit).
        TypeError: indices does not hold integers.

    Cost:
        One gather a vector.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> operators.permutation(jnp.array([2, 0, 1]))(jnp.array([5.0, 6.0, 7.0]))
        Array([7., 5., 6.], dtype=float32)

    See Also:
        `jax.random.permutation`, to draw one.
    """
    array = _checks.shaped("indices", indices, ndim=1)
    _checks.integers("indices", array)
    if not isinstance(array, core.Tracer):
        _checks.is_permutation(np.asarray(array))
    return Permutation(array)


def scale(factor: Num[ArrayLike, ""], n: int) -> Scale:
    """Multiplication by one number.

    $y = c x$.

    Args:
        factor: a number, real or complex.
        n: length of the vectors.

    Returns:
        An operator of shape (n, n).

    Raises:
        ValueError: factor is not one number, or n is less than 1.
        TypeError: factor is no number, or n no integer.

    Cost:
        n operations a vector.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> operators.scale(2.0, 3)(jnp.arange(3.0))
        Array([0., 2., 4.], dtype=float32)

    See Also:
        `diagonal`.
    """
    return Scale(_checks.shaped("factor", factor, ndim=0), _checks.integer("n", n, minimum=1))


def hadamard(n: int) -> Hadamard:
    """The orthonormal Hadamard transform as an operator.

    $y = n^{-1/2} H x$.

    Args:
        n: length, m * 2^k with a Hadamard matrix of order m.

    Returns:
        An operator of shape (n, n), orthogonal; symmetric if n is a power of two.

    Raises:
        ValueError: no Hadamard matrix of order n is built.
        TypeError: n is no integer.

    Cost:
        As `hadax.fwht`.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> operators.hadamard(4)(jnp.array([1.0, 0.0, 0.0, 0.0]))
        Array([0.5, 0.5, 0.5, 0.5], dtype=float32)

    See Also:
        `hadax.fwht`, the function; `hadax.hadamard_matrix`, the unscaled matrix.
    """
    n = _checks.integer("n", n, minimum=1)
    _hadamard_orders.decompose(n)
    return Hadamard(n)


def block_diagonal(block: LinearOperator, count: int) -> BlockDiagonal:
    r"""The same operator on consecutive blocks of a vector.

    $I_{count} \otimes A$.

    Args:
        block: an operator of shape (m, n).
        count: number of blocks.

    Returns:
        An operator of shape (count * m, count * n).

    Raises:
        ValueError: count is less than 1.
        TypeError: block is no operator, or count no integer.

    Cost:
        count applications of the block, as one batch.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> operators.block_diagonal(operators.hadamard(2), 2).as_matrix().round(2)
        Array([[ 0.71,  0.71,  0.  ,  0.  ],
               [ 0.71, -0.71,  0.  ,  0.  ],
               [ 0.  ,  0.  ,  0.71,  0.71],
               [ 0.  ,  0.  ,  0.71, -0.71]], dtype=float32)

    See Also:
        `kronecker`.
    """
    _operator_checks.operator("block", block, LinearOperator)
    return BlockDiagonal(block, _checks.integer("count", count, minimum=1))


def kronecker(left: LinearOperator, right: LinearOperator) -> Kronecker:
    r"""The Kronecker product of two operators.

    $(A \otimes B)\,\mathrm{vec}(X) = \mathrm{vec}(A X B^T)$ with rows of X one after the other.

    Args:
        left: an operator of shape (a, b).
        right: an operator of shape (c, d).

    Returns:
        An operator of shape (a * c, b * d).

    Raises:
        TypeError: left or right is no operator.

    Cost:
        d applications of left and a of right.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> op = operators.kronecker(operators.hadamard(2), operators.hadamard(2))
        >>> op(jnp.array([1.0, 0.0, 0.0, 0.0])).round(2)
        Array([0.5, 0.5, 0.5, 0.5], dtype=float32)

    See Also:
        `jax.numpy.kron`, which writes the matrix out.
    """
    _operator_checks.operator("left", left, LinearOperator)
    _operator_checks.operator("right", right, LinearOperator)
    return Kronecker(left, right)
