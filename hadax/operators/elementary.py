"""The parts that larger operators are made of."""

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._bits import is_power_of_two
from hadax._typing import Array
from hadax.operators import _operator_checks
from hadax.operators.base import (
    LinearOperator,
    OrthogonalOperator,
    _row,
    array,
    inverse,
    operator_class,
    static,
)
from hadax.transforms.walsh import fwht, ifwht


@operator_class
class Dense(LinearOperator):
    """A matrix (m, n); `orthogonal` takes it at its word that its transpose is its inverse."""

    matrix: Array = array(ndim=2)
    orthogonal: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the matrix."""
        return self.matrix.shape[-2], self.matrix.shape[-1]

    def _apply(self, x: Array) -> Array:
        dtype = _dtypes.result_dtype(x.dtype, self.matrix.dtype)
        wide = _dtypes.accumulator(dtype)
        transposed = self.matrix.astype(wide).mT
        y = jnp.matmul(x.astype(wide), transposed, precision=jax.lax.Precision.HIGHEST)
        return y.astype(dtype)

    def _transpose(self) -> "Dense":
        return Dense(self.matrix.mT, self.orthogonal)


@inverse.register
def _(op: Dense) -> Dense:
    if not op.orthogonal:
        _operator_checks.no_inverse(op)
    return Dense(op.matrix.mT, orthogonal=True)


@operator_class
class Invertible(LinearOperator):
    """A matrix (n, n) and, `beside` it, its inverse, taken at its word."""

    matrix: Array = array(ndim=2)
    beside: Array = array(ndim=2)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the matrix."""
        return self.matrix.shape[-2], self.matrix.shape[-1]

    def _apply(self, x: Array) -> Array:
        return Dense(self.matrix)._apply(x)

    def _transpose(self) -> "Invertible":
        return Invertible(self.matrix.mT, self.beside.mT)


@inverse.register
def _(op: Invertible) -> Invertible:
    return Invertible(op.beside, op.matrix)


@operator_class
class Hadamard(OrthogonalOperator):
    """The orthonormal Hadamard transform of length n = m * 2^k: `fwht` and, transposed, `ifwht`."""

    n: int = static()
    transposed: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        return ifwht(x) if self.transposed else fwht(x)

    def _transpose(self) -> "Hadamard":
        return self if is_power_of_two(self.n) else Hadamard(self.n, not self.transposed)


@operator_class
class Diagonal(LinearOperator):
    """Multiplication by the entries of a vector (n,)."""

    diagonal: Array = array(ndim=1)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.diagonal.shape[-1], self.diagonal.shape[-1]

    def _apply(self, x: Array) -> Array:
        dtype = _dtypes.result_dtype(x.dtype, self.diagonal.dtype)
        x = x.astype(dtype)
        return x * _row(self.diagonal, x)

    def _transpose(self) -> "Diagonal":
        return self


@inverse.register
def _(op: Diagonal) -> Diagonal:
    if jnp.issubdtype(op.diagonal.dtype, jnp.integer):
        _operator_checks.no_inverse(op)
    _operator_checks.nonzero(op.diagonal)
    return Diagonal(1 / op.diagonal)


@operator_class
class Signs(OrthogonalOperator):
    """Multiplication by signs (n,), stored as int8."""

    signs: Array = array(ndim=1)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.signs.shape[-1], self.signs.shape[-1]

    def _apply(self, x: Array) -> Array:
        return x * _row(self.signs, x)

    def _transpose(self) -> "Signs":
        return self


@operator_class
class Scale(LinearOperator):
    """Multiplication of a vector of length n by one number."""

    factor: Array = array(ndim=0)
    n: int = static()

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _apply(self, x: Array) -> Array:
        dtype = _dtypes.result_dtype(x.dtype, self.factor.dtype)
        return x.astype(dtype) * self.factor.astype(dtype)

    def _transpose(self) -> "Scale":
        return self


@inverse.register
def _(op: Scale) -> Scale:
    return Scale(1 / op.factor, op.n)


@operator_class
class Permutation(OrthogonalOperator):
    """y_i = x[indices[i]] for a permutation (n,) of 0 ... n-1."""

    indices: Array = array(ndim=1)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.indices.shape[-1], self.indices.shape[-1]

    def _apply(self, x: Array) -> Array:
        return jnp.take(x, self.indices, axis=-1, unique_indices=True, mode="clip")

    def _transpose(self) -> "Permutation":
        return Permutation(jnp.argsort(self.indices))


@operator_class
class Selection(LinearOperator):
    """y_i = x[indices[i]] for m distinct indices of a vector of length n."""

    indices: Array = array(ndim=1)
    n: int = static()

    @property
    def shape(self) -> tuple[int, int]:
        """(m, n)."""
        return self.indices.shape[-1], self.n

    def _apply(self, x: Array) -> Array:
        return jnp.take(x, self.indices, axis=-1, unique_indices=True, mode="clip")


@operator_class
class BlockDiagonal(LinearOperator):
    """One operator on each of `count` consecutive blocks: I_count (x) block."""

    block: LinearOperator
    count: int = static()

    @property
    def shape(self) -> tuple[int, int]:
        """count times the shape of the block."""
        m, n = self.block.shape
        return self.count * m, self.count * n

    def _apply(self, x: Array) -> Array:
        y = self.block._apply(x.reshape(*x.shape[:-1], self.count, self.block.shape[1]))
        return y.reshape(*x.shape[:-1], self.shape[0])

    def _transpose(self) -> "BlockDiagonal":
        return BlockDiagonal(self.block.T, self.count)


@inverse.register
def _(op: BlockDiagonal) -> BlockDiagonal:
    return BlockDiagonal(inverse(op.block), op.count)


@operator_class
class Kronecker(LinearOperator):
    """left (x) right: index i * n_right + j of a vector is its (i, j) entry as a matrix."""

    left: LinearOperator
    right: LinearOperator

    @property
    def shape(self) -> tuple[int, int]:
        """The products of the shapes."""
        (a, b), (c, d) = self.left.shape, self.right.shape
        return a * c, b * d

    def _apply(self, x: Array) -> Array:
        y = x.reshape(*x.shape[:-1], self.left.shape[1], self.right.shape[1])
        y = jnp.swapaxes(self.left._apply(jnp.swapaxes(self.right._apply(y), -1, -2)), -1, -2)
        return y.reshape(*x.shape[:-1], self.shape[0])

    def _transpose(self) -> "Kronecker":
        return Kronecker(self.left.T, self.right.T)


@inverse.register
def _(op: Kronecker) -> Kronecker:
    return Kronecker(inverse(op.left), inverse(op.right))
