"""Kernel matrices of lattices and nets, which a fast transform diagonalises."""

import dataclasses

import jax
import jax.numpy as jnp

from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.qmc import _process_checks, _spectra


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Gram:
    r"""The matrix $K(x_i, x_j) + \sigma^2 \delta_{ij}$ of some points: what `gram` makes.

    $K = F^* \operatorname{diag}(\lambda) F$ with the bit-reversed Fourier transform of a lattice or
    the Walsh-Hadamard transform of a net. `eigenvalues` (n,) holds $\lambda$; the first one belongs
    to constants. In `solve` and in what is summed, those below round-off of the largest one count
    as that: without noise a matrix of smooth functions is singular to the last digit.
    """

    eigenvalues: Array
    is_lattice: bool = static()

    @classmethod
    def of_column(
        cls, scale: Array, minus_one: Array, noise: ArrayLike, *, is_lattice: bool
    ) -> "Gram":
        """Of the first column of K / S - 1: the mean only adds n S to the first eigenvalue."""
        n = len(minus_one)
        spectrum = _spectra.transformed(minus_one, is_lattice=is_lattice).real
        root = jnp.sqrt(jnp.asarray(n, spectrum.dtype))
        return cls(scale * (root * spectrum).at[0].add(n) + noise, is_lattice)

    @property
    def n(self) -> int:
        """The number of points."""
        return self.eigenvalues.shape[-1]

    def __call__(self, y: ArrayLike) -> Array:
        """K y, for y (..., n)."""
        spectrum = self._times(self.transformed(y), self.eigenvalues)
        return _spectra.restored(spectrum, is_lattice=self.is_lattice)

    def solve(self, y: ArrayLike) -> Array:
        """The solution c of K c = y, for y (..., n)."""
        return self.solve_transformed(self.transformed(y))

    def transformed(self, y: ArrayLike) -> Array:
        """F y, for y (..., n)."""
        values = _process_checks.vectors("y", y, self.n)
        return _spectra.transformed(values, is_lattice=self.is_lattice)

    def solve_transformed(self, spectrum: Array) -> Array:
        """The solution c of K c = y, for F y (..., n)."""
        solved = self._times(spectrum, 1 / self._safe())
        return _spectra.restored(solved, is_lattice=self.is_lattice)

    def doubled(self, first: Array, second: Array) -> Array:
        """The transform of twice as many values, from those of both halves (..., n)."""
        return _spectra.doubled(first, second, is_lattice=self.is_lattice)

    def quadratic(self, y: ArrayLike) -> Array:
        """y^T K^-1 y, for y (..., n)."""
        powers = jnp.square(jnp.abs(self.transformed(y)))
        return jnp.sum(powers / _along(self._safe(), powers), axis=-1)

    def logdet(self) -> Array:
        """The logarithm of the determinant."""
        return jnp.sum(jnp.log(self._safe()))

    def inverse_trace(self) -> Array:
        """The trace of the inverse."""
        return jnp.sum(1 / self._safe())

    def inverse_diagonal(self) -> Array:
        """The diagonal of the inverse, (n,): the n-th part of the trace everywhere."""
        return jnp.full(self.n, jnp.mean(1 / self._safe()))

    def _safe(self) -> Array:
        """Eigenvalues that may be divided by."""
        # Round-off is no function of the kernel: the slope of a maximum with ties can be 0 / 0.
        largest = jax.lax.stop_gradient(jnp.max(self.eigenvalues))
        return jnp.maximum(self.eigenvalues, jnp.finfo(self.eigenvalues.dtype).eps * largest)

    def _times(self, spectrum: Array, factors: Array) -> Array:
        """diag(factors) of a spectrum."""
        return spectrum * _along(factors, spectrum)


def _along(eigenvalues: Array, spectrum: Array) -> Array:
    """Eigenvalues with the axes and the dtype of a spectrum."""
    shape = (1,) * (spectrum.ndim - 1) + eigenvalues.shape
    return eigenvalues.reshape(shape).astype(spectrum.dtype)
