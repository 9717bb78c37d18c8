"""The fast Walsh-Hadamard transform and its inverse, along one axis or several."""

from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks, _dtypes
from hadax._bits import is_power_of_two
from hadax._typing import Array, ArrayLike, Implementation, Norm, Num, Order
from hadax.kernels import _dispatch, _hadamard_orders

_DENSE_LIMIT = 4096  # a matrix of 64 MiB in float32


def fwht(
    x: Num[ArrayLike, "..."],
    *,
    n: int | None = None,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Walsh-Hadamard transform along one axis.

    $y = c\,H x$ with the Hadamard matrix $H = H_m \otimes H_2^{\otimes k}$ of order $n = m 2^k$
    that `hadamard_matrix` returns, and $c = n^{-1/2}$ ("ortho"), $1$ ("backward") or $1/n$
    ("forward"). For a power of two $H_{ij} = (-1)^{\langle i, j\rangle}$ is symmetric, and the
    default transform is its own inverse.

    Args:
        x: array (..., n, ...), real, complex or integer. float16 and bfloat16 are added up in
            float32; integers need norm="backward" and wrap around as their dtype does.
        n: length to transform: x is padded with zeros or truncated to it. Default: as it is.
        axis: the axis to transform.
        order: order of the Walsh functions, for powers of two: "natural" (Sylvester, row i is
            $(-1)^{\langle i,\cdot\rangle}$), "dyadic" (Paley) or "sequency" (row i changes sign i
            times).
        norm: "ortho", "backward" or "forward", as in `scipy.fft`.
        implementation: the backend (`hadax.backends`): "native", "triton", "xla", ..., "dense" (the
            whole matrix, for n up to 4096), or None for the first one that can compute this on the
            platform the program is compiled for.

    Returns:
        Array of the shape of x, with n in place of its length along `axis`, and the dtype of x.

    Raises:
        ValueError: a length for which no Hadamard matrix is built, an axis that does not exist or
            is empty, an unknown word, an order other than "natural" where n is no power of two.
        TypeError: x does not hold numbers, or holds integers and the norm would divide them.
        NotImplementedError: the implementation asked for cannot compute this; raised when the
            program is compiled.

    Cost:
        O(n log n + n m) operations a vector. Memory is passed over once or twice by "native" and
        "triton", and once for each factor of up to 64 by "xla".

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.array([19, -1, 11, -9, -7, 13, -15, 5])
        >>> hadax.fwht(x, order="sequency", norm="backward")
        Array([16, 24,  0, 32,  0,  0, 80,  0], dtype=int32)
        >>> x = x.astype(float)
        >>> bool(jnp.allclose(hadax.fwht(hadax.fwht(x)), x, atol=1e-5))
        True

    See Also:
        `scipy.linalg.hadamard`: the matrix, in natural order, unscaled. MATLAB `fwht` defaults to
        order="sequency", norm="forward". `sympy.fwht` is order="natural", norm="backward".
        `jax.numpy.fft.fft` defaults to norm="backward"; this defaults to "ortho".

    References:
        Fino & Algazi (1976), key `fino1976`.
    """
    return _transform(x, n, axis, order, norm, implementation, inverse=False)


def ifwht(
    x: Num[ArrayLike, "..."],
    *,
    n: int | None = None,
    axis: int = -1,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Inverse Walsh-Hadamard transform along one axis: `ifwht(fwht(x, ...), ...)` is x.

    $x = c\,H^T y$ with $c = n^{-1/2}$ ("ortho"), $1/n$ ("backward") or $1$ ("forward"). At a power
    of two $H^T = H$; at the other Hadamard lengths it is in general another matrix.

    Args:
        x: array (..., n, ...), real, complex or integer; integers need norm="forward".
        n: length to transform: x is padded with zeros or truncated to it. Default: as it is.
        axis: the axis to transform.
        order: "natural", "dyadic" or "sequency"; the order that x is in.
        norm: "ortho", "backward" or "forward"; the same word as was given to `fwht`.
        implementation: the backend (`hadax.backends`): "native", "triton", "xla", ..., "dense" (the
            whole matrix, for n up to 4096), or None for the first one that can compute this on the
            platform the program is compiled for.

    Returns:
        Array of the shape of x, with n in place of its length along `axis`, and the dtype of x.

    Raises:
        ValueError: as `fwht`.
        TypeError: as `fwht`.

    Cost:
        As `fwht`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> y = hadax.fwht(jnp.arange(12.0), norm="backward")
        >>> hadax.ifwht(y, norm="backward").round().astype(int)
        Array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11], dtype=int32)

    See Also:
        `fwht`. MATLAB `ifwht` defaults to order="sequency", norm="forward".

    References:
        Fino & Algazi (1976), key `fino1976`.
    """
    return _transform(x, n, axis, order, norm, implementation, inverse=True)


def fwhtn(
    x: Num[ArrayLike, "..."],
    *,
    s: int | Sequence[int] | np.ndarray | None = None,
    axes: int | Sequence[int] | np.ndarray | None = None,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Walsh-Hadamard transform along several axes.

    $y = (c_1 H_{n_1} \otimes \dots \otimes c_d H_{n_d})\, x$: `fwht` along each axis in turn.

    Args:
        x: array (..., n1, ..., nd), real, complex or integer.
        s: lengths to transform, one an axis: x is padded with zeros or truncated to them.
        axes: the axes to transform. Default: the last len(s), or all of them.
        order: "natural", "dyadic" or "sequency", along every axis.
        norm: "ortho", "backward" or "forward".
        implementation: the backend (`hadax.backends`): "native", "triton", "xla", ..., "dense" (the
            whole matrix, for n up to 4096), or None for the first one that can compute this on the
            platform the program is compiled for.

    Returns:
        Array of the shape of x, with s in place of its lengths along `axes`, and the dtype of x.

    Raises:
        ValueError: as `fwht`, or an axis is repeated, or s and axes differ in number.
        TypeError: as `fwht`.

    Cost:
        One `fwht` an axis.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.fwhtn(jnp.array([[1, 2], [3, 4]]), norm="backward")
        Array([[10, -2],
               [-4,  0]], dtype=int32)

    See Also:
        `scipy.fft.fftn`, whose `s` and `axes` these are.

    References:
        Fino & Algazi (1976), key `fino1976`.
    """
    return _along_axes(fwht, x, s, axes, order, norm, implementation)


def ifwhtn(
    x: Num[ArrayLike, "..."],
    *,
    s: int | Sequence[int] | np.ndarray | None = None,
    axes: int | Sequence[int] | np.ndarray | None = None,
    order: Order = "natural",
    norm: Norm = "ortho",
    implementation: Implementation | None = None,
) -> Num[Array, "..."]:
    r"""Inverse Walsh-Hadamard transform along several axes: undoes `fwhtn`.

    $x = (c_1 H_{n_1}^T \otimes \dots \otimes c_d H_{n_d}^T)\, y$: `ifwht` along each axis in turn.

    Args:
        x: array (..., n1, ..., nd), real, complex or integer.
        s: lengths to transform, one an axis: x is padded with zeros or truncated to them.
        axes: the axes to transform. Default: the last len(s), or all of them.
        order: "natural", "dyadic" or "sequency", along every axis.
        norm: "ortho", "backward" or "forward"; the same word as was given to `fwhtn`.
        implementation: the backend (`hadax.backends`): "native", "triton", "xla", ..., "dense" (the
            whole matrix, for n up to 4096), or None for the first one that can compute this on the
            platform the program is compiled for.

    Returns:
        Array of the shape of x, with s in place of its lengths along `axes`, and the dtype of x.

    Raises:
        ValueError: as `fwhtn`.
        TypeError: as `fwhtn`.

    Cost:
        One `ifwht` an axis.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
        >>> hadax.ifwhtn(hadax.fwhtn(x, norm="backward"), norm="backward")
        Array([[1., 2.],
               [3., 4.]], dtype=float32)

    See Also:
        `fwhtn`, `scipy.fft.ifftn`.

    References:
        Fino & Algazi (1976), key `fino1976`.
    """
    return _along_axes(ifwht, x, s, axes, order, norm, implementation)


def _transform(
    x: Num[ArrayLike, "..."],
    n: int | None,
    axis: int,
    order: Order,
    norm: Norm,
    implementation: Implementation | None,
    *,
    inverse: bool,
) -> Num[Array, "..."]:
    """Check, resize, transform the axis as the last one."""
    _words(order, norm, implementation)
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    if n is not None:
        n = _checks.integer("n", n, minimum=1)
        _hadamard_orders.decompose(n)
        x = _resize(x, n, axis)
    length = x.shape[axis]
    _hadamard_orders.check_length(length, shape=x.shape, axis=axis)
    if implementation == "dense":
        _checks.dense_length(length, _DENSE_LIMIT)
    if order != "natural":
        _checks.power_of_two(length, why=f"order={order!r}")
    scale = _dtypes.scale_of(norm, length, inverse=inverse)
    _checks.unscaled_if_integer(x, scale, norm=norm, exact="forward" if inverse else "backward")
    y = _dispatch.wht(
        jnp.moveaxis(x, axis, -1),
        order=None if order == "natural" else order,
        implementation=implementation,
        scale=None if scale == 1.0 else scale,
        transpose=True if inverse and not is_power_of_two(length) else None,
    )
    return jnp.moveaxis(y, -1, axis)


def _along_axes(
    transform: Callable[..., Array],
    x: Num[ArrayLike, "..."],
    s: int | Sequence[int] | np.ndarray | None,
    axes: int | Sequence[int] | np.ndarray | None,
    order: Order,
    norm: Norm,
    implementation: Implementation | None,
) -> Num[Array, "..."]:
    """`transform` along each of the axes."""
    _words(order, norm, implementation)
    x = _checks.array("x", x)
    for axis, n in _checks.axes(x, axes, s):
        x = transform(x, n=n, axis=axis, order=order, norm=norm, implementation=implementation)
    return x


def _words(order: object, norm: object, implementation: object) -> None:
    """Refuse unknown words."""
    _checks.order(order)
    _checks.norm(norm)
    _checks.implementation(implementation)


def _resize(x: Array, n: int, axis: int) -> Array:
    """`x` with zeros after its end along `axis`, or without its end."""
    if n <= x.shape[axis]:
        return lax.slice_in_dim(x, 0, n, axis=axis)
    padding = [(0, n - x.shape[axis] if i == axis else 0) for i in range(x.ndim)]
    return jnp.pad(x, padding)
