"""The transform of twice as many points, from those of both halves."""

import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Inexact, Num
from hadax.transforms import _transform_checks
from hadax.transforms.fourier import omega_fftbr


def double_fwht(
    first: Num[ArrayLike, "*batch n"], second: Num[ArrayLike, "*batch n"]
) -> Inexact[Array, "*batch 2*n"]:
    r"""The orthonormal natural-order `fwht` of a vector, from those of its halves.

    $[y_1 + y_2,\; y_1 - y_2] / \sqrt 2$: the last stage of the transform.

    Args:
        first: array (..., n), the transform of the first half.
        second: array (..., n), that of the second half.

    Returns:
        Array (..., 2n) of the dtype of both.

    Raises:
        ValueError: the shapes differ.
        TypeError: the dtypes differ, or are not real or complex.

    Cost:
        2 n additions, where a transform anew takes 2 n (1 + log2 n).

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.arange(8.0)
        >>> both = hadax.double_fwht(hadax.fwht(x[:4]), hadax.fwht(x[4:]))
        >>> bool(jnp.allclose(both, hadax.fwht(x), atol=1e-5))
        True

    See Also:
        `double_fftbr`; `omega_fwht`, QMCPy's way to write it.

    References:
        Hickernell & Jimenez Rugama (2016), key `hickernell2016`.
    """
    left, right = _transform_checks.halves(first, second)
    return _merged(left, right)


def double_fftbr(
    first: Num[ArrayLike, "*batch n"], second: Num[ArrayLike, "*batch n"]
) -> Inexact[Array, "*batch 2*n"]:
    r"""The `fftbr` of a vector, from those of its halves.

    $[y_1 + \omega y_2,\; y_1 - \omega y_2] / \sqrt 2$ with $\omega_k = e^{-i \pi k / n}$.

    Args:
        first: array (..., n), the transform of the first half, n a power of two.
        second: array (..., n), that of the second half.

    Returns:
        Array (..., 2n), complex128 for 64-bit input, else complex64.

    Raises:
        ValueError: the shapes differ, or n is no power of two.
        TypeError: the dtypes differ, or are not real or complex.

    Cost:
        n multiplications and 2 n additions, where a transform anew takes 1 + log2 n times that.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.arange(8.0)
        >>> both = hadax.double_fftbr(hadax.fftbr(x[:4]), hadax.fftbr(x[4:]))
        >>> bool(jnp.allclose(both, hadax.fftbr(x), atol=1e-5))
        True

    See Also:
        `double_rfftbr`, of half spectra; `omega_fftbr`, QMCPy's way to write it.

    References:
        Jimenez Rugama & Hickernell (2016), key `jimenezrugama2016`.
    """
    left, right = _transform_checks.halves(first, second)
    _checks.power_of_two(left.shape[-1], why="a bit-reversed transform")
    kind = _dtypes.complex_dtype(left.dtype)
    return _merged(left.astype(kind), right.astype(kind) * _omega(left.shape[-1], left.ndim, kind))


def double_rfftbr(
    first: Num[ArrayLike, "*batch m"], second: Num[ArrayLike, "*batch m"]
) -> Inexact[Array, "*batch k"]:
    r"""The `rfftbr` of a real vector, from those of its halves.

    $y_k = (y_{1,k} + \omega_k y_{2,k}) / \sqrt 2$ and $y_{n - k} = \overline{(y_{1,k} - \omega_k
    y_{2,k})} / \sqrt 2$ for $k \le n / 2$, with $\omega_k = e^{-i \pi k / n}$.

    Args:
        first: array (..., n/2 + 1), the half spectrum of the first half, n a power of two; (..., 1)
            for n = 1.
        second: array of the same shape, that of the second half.

    Returns:
        Array (..., n + 1), complex128 for 64-bit input, else complex64.

    Raises:
        ValueError: the shapes differ, or are those of no half spectrum.
        TypeError: the dtypes differ, or are not real or complex.

    Cost:
        Half of that of `double_fftbr`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.arange(8.0)
        >>> both = hadax.double_rfftbr(hadax.rfftbr(x[:4]), hadax.rfftbr(x[4:]))
        >>> bool(jnp.allclose(both, hadax.rfftbr(x), atol=1e-5))
        True

    See Also:
        `double_fftbr`.

    References:
        Jimenez Rugama & Hickernell (2016), key `jimenezrugama2016`.
    """
    left, right = _transform_checks.halves(first, second)
    n = _transform_checks.half_spectrum("first", left.shape[-1])
    kind = _dtypes.complex_dtype(left.dtype)
    left, right = left.astype(kind), right.astype(kind)
    if n == 1:
        return _merged(left, right)
    right = right * _omega(n, left.ndim, kind)[..., : n // 2 + 1]
    low, high = left + right, jnp.conj(left - right)
    both = jnp.concatenate([low, high[..., -2::-1]], axis=-1)
    return both * jnp.asarray(0.5**0.5, both.dtype)


def _merged(left: Array, right: Array) -> Array:
    """[left + right, left - right] / sqrt(2)."""
    both = jnp.concatenate([left + right, left - right], axis=-1)
    return both * jnp.asarray(0.5**0.5, both.dtype)


def _omega(n: int, ndim: int, kind: jnp.dtype) -> Array:
    """exp(-i pi k / n) for k = 0, ..., n - 1, along the last of ndim axes."""
    return omega_fftbr(n.bit_length() - 1, dtype=kind).reshape((1,) * (ndim - 1) + (n,))
