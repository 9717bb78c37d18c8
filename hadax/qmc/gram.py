"""Kernel matrices of lattices and nets, which a fast transform diagonalises."""

import dataclasses
from typing import TypeAlias

import jax
import jax.numpy as jnp

from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.qmc import _kernel_checks, _qmc_checks
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.lattices import Lattice
from hadax.qmc.nets import DigitalNet
from hadax.transforms.fourier import fftbr, ifftbr
from hadax.transforms.walsh import fwht

Points: TypeAlias = Lattice | DigitalNet


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

    @property
    def n(self) -> int:
        """The number of points."""
        return self.eigenvalues.shape[-1]

    def __call__(self, y: Array) -> Array:
        """K y, for y (..., n)."""
        return self._scaled(y, self.eigenvalues)

    def solve(self, y: Array) -> Array:
        """The solution c of K c = y, for y (..., n)."""
        return self._scaled(y, 1 / self._safe())

    def quadratic(self, y: Array) -> Array:
        """y^T K^-1 y, for y (..., n)."""
        powers = jnp.square(jnp.abs(self._forward(y)))
        return jnp.sum(powers / _along(self._safe(), powers), axis=-1)

    def logdet(self) -> Array:
        """The logarithm of the determinant."""
        return jnp.sum(jnp.log(self._safe()))

    def inverse_trace(self) -> Array:
        """The trace of the inverse; each entry of the inverse's diagonal is the n-th part of it."""
        return jnp.sum(1 / self._safe())

    def _safe(self) -> Array:
        """Eigenvalues that may be divided by."""
        least = jnp.finfo(self.eigenvalues.dtype).eps * jnp.max(self.eigenvalues)
        return jnp.maximum(self.eigenvalues, least)

    def _forward(self, y: Array) -> Array:
        """F y."""
        return fftbr(y) if self.is_lattice else fwht(y)

    def _scaled(self, y: Array, factors: Array) -> Array:
        """F^* diag(factors) F y."""
        spectrum = self._forward(y)
        spectrum = spectrum * _along(factors, spectrum)
        return ifftbr(spectrum).real if self.is_lattice else fwht(spectrum)


def _along(eigenvalues: Array, spectrum: Array) -> Array:
    """Eigenvalues with the axes and the dtype of a spectrum."""
    shape = (1,) * (spectrum.ndim - 1) + eigenvalues.shape
    return eigenvalues.reshape(shape).astype(spectrum.dtype)


def gram(kernel: ProductKernel, points: Points, n: int, *, noise: ArrayLike = 0.0) -> Gram:
    r"""The kernel matrix of the first n points, in O(n (d + log n)) operations.

    All of it follows from its first column: $\lambda = \sqrt{n} F k$ with $k_i = K(x_i, x_0)$. What
    is transformed is K minus its mean S, which only adds n S to the first eigenvalue.

    Args:
        kernel: of `shift_invariant_kernel` for a lattice, of `digital_kernel` for a net.
        points: a lattice, shifted or not; or a net, whose matrices may be scrambled and which may
            be shifted, but not scrambled point by point.
        n: number of points, a power of two.
        noise: $\sigma^2$, added to the diagonal. In float32 at least $10^{-6}$ of the largest
            eigenvalue keeps what is solved for accurate.

    Returns:
        A `Gram`, a pytree.

    Raises:
        TypeError: a kernel of the other kind of points.
        ValueError: n no power of two, a kernel of other dimensions, or points that are scrambled
            one by one, which leaves no structure.

    Cost:
        One column of the kernel and one transform; so does each product and each solution.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax import qmc
        >>> points = qmc.random_shift(jax.random.key(0), qmc.lattice(qmc.cbc(2, 64)))
        >>> K = qmc.gram(qmc.shift_invariant_kernel(2), points, 64, noise=1e-3)
        >>> y = jnp.sin(6.28 * points(64)[:, 0])
        >>> bool(jnp.abs(K(K.solve(y)) - y).max() < 1e-4)
        True

    See Also:
        FastGPs and QMCPy: `FastGPLattice`, `FastGPDigitalNetB2`.

    References:
        Jagadeeswaran and Hickernell (2019), key `jagadeeswaran2019`.
    """
    n = _qmc_checks.power_of_two("n", n)
    is_lattice = isinstance(points, Lattice)
    _kernel_checks.kernel_for(kernel, digital=not is_lattice)
    _qmc_checks.same_dimensions(kernel.dimensions, points.dimensions)
    if isinstance(points, DigitalNet):
        _qmc_checks.structured(points.seeds)
    words = points.words(n)
    column = kernel.minus_one(words, words[:1])
    spectrum = fftbr(column).real if is_lattice else fwht(column)
    root = jnp.sqrt(jnp.asarray(n, spectrum.dtype))
    eigenvalues = kernel.scale * (root * spectrum).at[0].add(n) + noise
    return Gram(eigenvalues, is_lattice)
