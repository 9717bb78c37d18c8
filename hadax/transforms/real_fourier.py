"""The bit-reversed Fourier transform of real input: half the outputs, half the work."""

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Implementation, Inexact, Num
from hadax.kernels import _dispatch
from hadax.transforms import _transform_checks
from hadax.transforms.fourier import omega_fftbr


def rfftbr(
    x: Num[ArrayLike, "..."], *, axis: int = -1, implementation: Implementation | None = None
) -> Inexact[Array, "..."]:
    r"""The first n/2 + 1 outputs of `fftbr` for a real input, which determine the others.

    $y_{n-k} = \overline{y_k}$. The first half of a bit-reversed input holds the even samples, the
    second the odd ones: one complex transform of half the length, without moving anything, gives
    the transforms of both.

    Args:
        x: array (..., n, ...), real, n a power of two, in bit-reversed order.
        axis: the axis to transform.
        implementation: as for `fftbr`.

    Returns:
        Array with n/2 + 1 entries along the axis (one for n = 1), in natural order: complex128 for
        64-bit input, else complex64.

    Raises:
        ValueError: n is no power of two; the axis does not exist or is empty; an unknown word.
        TypeError: x is complex, or does not hold numbers.

    Cost:
        A complex transform of length n/2 and about five operations an output.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.rfftbr(jnp.array([1.0, 2.0, 3.0, 4.0])).round(2)
        Array([ 5. +0.j , -0.5+0.5j, -2. +0.j ], dtype=complex64)

    See Also:
        `irfftbr`, its inverse; `fftbr`. `jax.numpy.fft.rfft(x, norm="ortho")` takes natural order.

    References:
        Jagadeeswaran & Hickernell (2019), key `jagadeeswaran2019`.
    """
    _checks.implementation(implementation)
    found = _transform_checks.real("x", x, instead="fftbr")
    place = _checks.axis(found, axis)
    n = found.shape[place]
    _checks.power_of_two(n, why="a bit-reversed transform")
    kind = _dtypes.complex_dtype(found.dtype)
    real = jnp.moveaxis(found.astype(jnp.finfo(kind).dtype), place, -1)
    if n == 1:
        return jnp.moveaxis(real.astype(kind), -1, place)
    half = n // 2
    packed = jax.lax.complex(real[..., :half], real[..., half:])
    z = _dispatch.fftbr(packed, implementation=implementation)
    mirrored = jnp.conj(jnp.concatenate([z[..., :1], z[..., :0:-1]], axis=-1))
    # The transforms of the even samples and, turned, of the odd ones; each over sqrt(2).
    even = (z + mirrored) * np.array(0.5**1.5, kind)
    odd = (z - mirrored) * _turns(half, kind, -0.5j * 0.5**0.5, z.ndim)
    last = even[..., :1] - odd[..., :1]
    return jnp.moveaxis(jnp.concatenate([even + odd, last], axis=-1), -1, place)


def irfftbr(
    y: Num[ArrayLike, "..."], *, axis: int = -1, implementation: Implementation | None = None
) -> Inexact[Array, "..."]:
    r"""The real input of which `rfftbr` is the transform.

    Args:
        y: array (..., n/2 + 1, ...), n a power of two, in natural order. The imaginary parts of the
            first and the last entry, which are 0 in a transform of real input, are not read.
        axis: the axis to transform.
        implementation: as for `fftbr`.

    Returns:
        Array with n entries along the axis (one if there is one), in bit-reversed order: float64
        for 64-bit input, else float32.

    Raises:
        ValueError: the length is no power of two plus one; the axis does not exist or is empty; an
            unknown word.
        TypeError: y does not hold numbers.

    Cost:
        As that of `rfftbr`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.array([1.0, 2.0, 3.0, 4.0])
        >>> bool(jnp.allclose(hadax.irfftbr(hadax.rfftbr(x)), x))
        True

    See Also:
        `ifftbr`; `jax.numpy.fft.irfft(y, norm="ortho")`.

    References:
        Jagadeeswaran & Hickernell (2019), key `jagadeeswaran2019`.
    """
    _checks.implementation(implementation)
    found = _checks.array("y", y)
    place = _checks.axis(found, axis)
    half = _transform_checks.half_spectrum("y", found.shape[place]) // 2
    kind = _dtypes.complex_dtype(found.dtype)
    spectrum = jnp.moveaxis(found.astype(kind), place, -1)
    if half == 0:
        return jnp.moveaxis(spectrum.real, -1, place)
    ends = spectrum[..., ::half].real.astype(kind)
    spectrum = jnp.concatenate([ends[..., :1], spectrum[..., 1:-1], ends[..., 1:]], axis=-1)
    first, mirrored = spectrum[..., :-1], jnp.conj(spectrum[..., :0:-1])
    even = (first + mirrored) * np.array(0.5**0.5, kind)
    odd = (first - mirrored) * jnp.conj(_turns(half, kind, -1j * 0.5**0.5, spectrum.ndim))
    z = _dispatch.fftbr(even + odd, implementation=implementation, inverse=True)
    return jnp.moveaxis(jnp.concatenate([z.real, z.imag], axis=-1), -1, place)


def _turns(half: int, kind: jnp.dtype, factor: complex, ndim: int) -> Array:
    """factor * exp(-i pi k / half) for k = 0, ..., half - 1, along the last of ndim axes."""
    turns = omega_fftbr(half.bit_length() - 1, dtype=kind) * np.array(factor, kind)
    return turns.reshape((1,) * (ndim - 1) + (half,))
