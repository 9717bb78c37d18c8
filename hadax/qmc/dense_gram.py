"""Kernel matrices of points without structure, by their Cholesky factor."""

import dataclasses

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_solve, solve_triangular

from hadax._typing import Array, ArrayLike
from hadax.qmc import _process_checks


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class DenseGram:
    r"""The matrix $K(x_i, x_j) + \sigma^2 \delta_{ij}$ of any points: what `gram` makes of them.

    It has the methods of `Gram`, in O(n^2) operations each after the O(n^3) of its factor.
    `factor` (n, n) is the lower Cholesky factor of the matrix and of round-off of its trace on the
    diagonal: without noise a matrix of smooth functions is singular to the last digit.
    """

    factor: Array

    @classmethod
    def of_noisy(cls, values: Array, noise: Array) -> "DenseGram":
        """A kernel's values (n, n) and noise on their diagonal, one number or (n,), factored."""
        one = jnp.eye(len(values), dtype=values.dtype)
        matrix = values + (noise if noise.ndim == 0 else noise[None]) * one
        lift = jnp.finfo(matrix.dtype).eps * jnp.trace(matrix)
        return cls(jnp.linalg.cholesky(matrix + lift * one))

    @property
    def n(self) -> int:
        """The number of points."""
        return self.factor.shape[-1]

    def __call__(self, y: ArrayLike) -> Array:
        """K y, for y (..., n)."""
        halves = jnp.matmul(
            _process_checks.vectors("y", y, self.n), self.factor, precision="highest"
        )
        return jnp.matmul(halves, self.factor.T, precision="highest")

    def solve(self, y: ArrayLike) -> Array:
        """The solution c of K c = y, for y (..., n)."""
        found = _process_checks.vectors("y", y, self.n)
        return cho_solve((self.factor, True), found.reshape(-1, self.n).T).T.reshape(found.shape)

    def quadratic(self, y: ArrayLike) -> Array:
        """y^T K^-1 y, for y (..., n)."""
        found = _process_checks.vectors("y", y, self.n)
        halves = solve_triangular(self.factor, found.reshape(-1, self.n).T, lower=True)
        return jnp.sum(jnp.square(halves), axis=0).reshape(found.shape[:-1])

    def logdet(self) -> Array:
        """The logarithm of the determinant."""
        return 2 * jnp.sum(jnp.log(jnp.diagonal(self.factor)))

    def inverse_diagonal(self) -> Array:
        """The diagonal of the inverse, (n,)."""
        identity = jnp.eye(self.n, dtype=self.factor.dtype)
        return jnp.sum(jnp.square(solve_triangular(self.factor, identity, lower=True)), axis=0)

    def inverse_trace(self) -> Array:
        """The trace of the inverse."""
        return jnp.sum(self.inverse_diagonal())
