"""The Fourier transform of bit-reversed input, which pairs with lattices in QMC."""

import jax.numpy as jnp
import numpy as np

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, DTypeLike, Implementation, Inexact, Num, Shaped
from hadax.kernels import _dispatch


def fftbr(
    x: Num[ArrayLike, "..."], *, axis: int = -1, implementation: Implementation | None = None
) -> Inexact[Array, "..."]:
    r"""Orthonormal Fourier transform of an input given in bit-reversed order.

    $y = F R\,x$ with the unitary $F_{jk} = n^{-1/2} e^{-2\pi i jk/n}$ and the bit reversal $R$.
    $F R$ is unitary and not symmetric: its transpose is $R F$.

    Args:
        x: array (..., n, ...), real or complex, n a power of two, in bit-reversed order.
        axis: the axis to transform.
        implementation: the backend (`hadax.backends`), "native" or "xla", or None for the first one
            that can compute this on the platform the program is compiled for.

    Returns:
        Array of the shape of x in natural order: complex128 for 64-bit input, else complex64.

    Raises:
        ValueError: n is no power of two; the axis does not exist or is empty; an unknown word.
        TypeError: x does not hold numbers.
        NotImplementedError: the implementation asked for cannot compute this; raised when the
            program is compiled.

    Cost:
        O(n log n) operations a vector. On CPUs nothing is permuted, elsewhere there is one gather.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.fftbr(jnp.array([1.0, 0.0, 0.0, 0.0]))
        Array([0.5+0.j, 0.5+0.j, 0.5+0.j, 0.5+0.j], dtype=complex64)

    See Also:
        `qmcpy.fftbr`, which this equals; `jax.numpy.fft.fft(x, norm="ortho")` takes natural order.

    References:
        Jagadeeswaran & Hickernell (2019), key `jagadeeswaran2019`.
    """
    return _fftbr(x, axis, implementation, inverse=None)


def ifftbr(
    x: Num[ArrayLike, "..."], *, axis: int = -1, implementation: Implementation | None = None
) -> Inexact[Array, "..."]:
    r"""Orthonormal inverse Fourier transform with its output in bit-reversed order.

    $x = R F^* y$, so that `ifftbr(fftbr(x))` is x.

    Args:
        x: array (..., n, ...), real or complex, n a power of two, in natural order.
        axis: the axis to transform.
        implementation: the backend (`hadax.backends`), "native" or "xla", or None for the first one
            that can compute this on the platform the program is compiled for.

    Returns:
        Array of the shape of x in bit-reversed order: complex128 for 64-bit input, else complex64.

    Raises:
        ValueError: n is no power of two; the axis does not exist or is empty; an unknown word.
        TypeError: x does not hold numbers.
        NotImplementedError: the implementation asked for cannot compute this; raised when the
            program is compiled.

    Cost:
        O(n log n) operations a vector. On CPUs nothing is permuted, elsewhere there is one gather.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.array([1.0, 2.0, 3.0, 4.0])
        >>> hadax.ifftbr(hadax.fftbr(x)).real
        Array([1., 2., 3., 4.], dtype=float32)

    See Also:
        `qmcpy.ifftbr`, which this equals; `jax.numpy.fft.ifft(x, norm="ortho")`.

    References:
        Jagadeeswaran & Hickernell (2019), key `jagadeeswaran2019`.
    """
    return _fftbr(x, axis, implementation, inverse=True)


def bit_reverse(x: Shaped[ArrayLike, "..."], *, axis: int = -1) -> Shaped[Array, "..."]:
    r"""Reorder an axis by reversing the bits of its index; its own inverse.

    $y_i = x_{r(i)}$ where $r(i)$ is i with its $\log_2 n$ bits read backwards.

    Args:
        x: array (..., n, ...) of numbers, n a power of two.
        axis: the axis to reorder.

    Returns:
        Array of the shape and dtype of x.

    Raises:
        ValueError: n is no power of two; the axis does not exist or is empty.
        TypeError: x does not hold numbers.

    Cost:
        One gather.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.bit_reverse(jnp.arange(8))
        Array([0, 4, 2, 6, 1, 5, 3, 7], dtype=int32)

    See Also:
        `fftbr`, `ifftbr`; MATLAB `bitrevorder`.

    References:
        Jagadeeswaran & Hickernell (2019), key `jagadeeswaran2019`.
    """
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    _checks.power_of_two(x.shape[axis], why="a bit reversal")
    return jnp.moveaxis(_dispatch.bit_reverse(jnp.moveaxis(x, axis, -1)), -1, axis)


def omega_fftbr(m: int, *, dtype: DTypeLike | None = None) -> Inexact[Array, " n"]:
    r"""The factors that double an `fftbr`: of two halves of length $2^m$ into one of $2^{m+1}$.

    $\omega_k = e^{-i\pi k / 2^m}$, and with $y_1, y_2$ the transforms of the first and the second
    half, the transform of both is $[y_1 + \omega y_2,\; y_1 - \omega y_2]/\sqrt 2$.

    Args:
        m: log2 of the length of the halves.
        dtype: a complex dtype. Default: complex128 in x64 mode, else complex64.

    Returns:
        Array (2^m,) of unit complex numbers.

    Raises:
        ValueError: m is negative.
        TypeError: m is no integer, or the dtype is not complex.

    Cost:
        2^m products.

    Example:
        >>> import hadax
        >>> hadax.omega_fftbr(1).imag.round()
        Array([ 0., -1.], dtype=float32)

    See Also:
        `qmcpy.omega_fftbr`, `omega_fwht`.

    References:
        Jagadeeswaran & Hickernell (2019), key `jagadeeswaran2019`.
    """
    m = _checks.integer("m", m, minimum=0)
    kind = _checks.dtype("dtype", dtype, complex, jnp.complexfloating)
    # Products of two short tables: no exponentials when it runs, and no long constant in a program.
    fine = np.arange(1 << m // 2)
    coarse = np.arange(1 << (m + 1) // 2) * len(fine)
    tables = [np.exp(k * (-1j * np.pi / (1 << m))).astype(kind) for k in (coarse, fine)]
    return (jnp.asarray(tables[0][:, None]) * tables[1][None]).reshape(-1)


def omega_fwht(m: int, *, dtype: DTypeLike | None = None) -> Inexact[Array, " n"]:
    r"""The factors that double an orthonormal natural-order `fwht`: ones.

    With $y_1, y_2$ the transforms of the first and the second half, the transform of both is
    $[y_1 + y_2,\; y_1 - y_2]/\sqrt 2$.

    Args:
        m: log2 of the length of the halves.
        dtype: a float dtype. Default: float64 in x64 mode, else float32.

    Returns:
        Array (2^m,) of ones.

    Raises:
        ValueError: m is negative.
        TypeError: m is no integer, or the dtype is not a float or complex one.

    Cost:
        2^m writes.

    Example:
        >>> import hadax
        >>> hadax.omega_fwht(2)
        Array([1., 1., 1., 1.], dtype=float32)

    See Also:
        `qmcpy.omega_fwht`, `omega_fftbr`.

    References:
        Jagadeeswaran & Hickernell (2022), key `jagadeeswaran2022`.
    """
    m = _checks.integer("m", m, minimum=0)
    return jnp.ones(1 << m, _checks.dtype("dtype", dtype, float, jnp.inexact))


def _fftbr(
    x: Num[ArrayLike, "..."],
    axis: int,
    implementation: Implementation | None,
    *,
    inverse: bool | None,
) -> Inexact[Array, "..."]:
    """Check and transform the axis as the last one."""
    _checks.implementation(implementation)
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    _checks.power_of_two(x.shape[axis], why="a bit-reversed transform")
    y = _dispatch.fftbr(
        jnp.moveaxis(x.astype(_dtypes.complex_dtype(x.dtype)), axis, -1),
        implementation=implementation,
        inverse=inverse,
    )
    return jnp.moveaxis(y, -1, axis)
