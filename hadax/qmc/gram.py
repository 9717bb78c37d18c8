"""The matrix of a kernel at some points."""

from typing import overload

import jax

from hadax._typing import Array, ArrayLike
from hadax.qmc import _assembly, _process_checks
from hadax.qmc._assembly import Points
from hadax.qmc.dense_gram import DenseGram
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.structured_gram import Gram


@overload
def gram(kernel: ProductKernel, points: Points, n: int, *, noise: ArrayLike = 0.0) -> Gram: ...
@overload
def gram(kernel: ProductKernel, points: Array, *, noise: ArrayLike = 0.0) -> DenseGram: ...


def gram(
    kernel: ProductKernel, points: Points | Array, n: int | None = None, *, noise: ArrayLike = 0.0
) -> Gram | DenseGram:
    r"""The kernel matrix of the first n points of a lattice or net, or of an array of points.

    For a lattice or net all of it follows from its first column, in O(n (d + log n)) operations:
    $\lambda = \sqrt{n} F k$ with $k_i = K(x_i, x_0)$. What is transformed is K minus its mean S,
    which only adds n S to the first eigenvalue.

    Args:
        kernel: of `shift_invariant_kernel` for a lattice, of `digital_kernel` for a net.
        points: a lattice, shifted or not; or a net, whose matrices may be scrambled and which may
            be shifted, but not scrambled point by point. Or any points as an array (n, d): words,
            as `words` of what is called returns them, or for a lattice's kernels also floats.
        n: number of points, a power of two; left out for an array.
        noise: $\sigma^2$, added to the diagonal; with an array of points also one a point, (n,).
            In float32 at least $10^{-6}$ of the largest eigenvalue keeps what is solved for
            accurate.

    Returns:
        A `Gram`, a pytree; of an array a `DenseGram`, which has the same methods.

    Raises:
        TypeError: a kernel of the other kind of points, or what is no lattice, net or array.
        ValueError: n no power of two, a kernel of other dimensions, or a net that is scrambled
            point by point, which leaves no structure: its words as an array may be taken. Noise
            that is negative, or not one number where there is structure.

    Cost:
        One column of the kernel and one transform; so does each product and each solution. Of an
        array n^2 d operations for the matrix and n^3 / 3 for its factor, and n^2 for a product.

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
    factors, kind = _assembly.factors(kernel, points, n)
    count = len(points) if isinstance(points, jax.Array) else None
    variance = _process_checks.noise(noise, kernel.scale.dtype, count)
    return _assembly.matrix(kernel, factors, kind, variance)
