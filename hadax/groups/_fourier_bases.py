"""Fourier, real Fourier, cosine and sine transforms as operators, all by FFTs."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from hadax import _checks, _dtypes
from hadax._typing import Array
from hadax.groups import _cosine
from hadax.groups.folded import FoldedDihedral, FoldedKind
from hadax.operators.base import (
    LinearOperator,
    OrthogonalOperator,
    _row,
    inverse,
    operator_class,
    static,
)

_SMALL = 32  # up to this length the matrix is faster than an FFT: blocks and patches


@operator_class
class Fourier(LinearOperator):
    """The orthonormal discrete Fourier transform, or its inverse: both are symmetric matrices."""

    n: int = static()
    inverted: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _apply(self, x: Array) -> Array:
        _checks.not_integer(x.dtype)
        if jnp.issubdtype(x.dtype, jnp.complexfloating):
            return (jnp.fft.ifft if self.inverted else jnp.fft.fft)(x, norm="ortho")
        half = jnp.fft.rfft(x.astype(_dtypes.accumulator(x.dtype)), norm="ortho")
        mirrored = half[..., (self.n - 1) // 2 : 0 : -1]
        # Real input has a Hermitian spectrum, and the inverse is the conjugate of it.
        parts = [jnp.conj(half), mirrored] if self.inverted else [half, jnp.conj(mirrored)]
        return jnp.concatenate(parts, axis=-1)

    def _transpose(self) -> "Fourier":
        return self


@inverse.register
def _(op: Fourier) -> Fourier:
    return Fourier(op.n, not op.inverted)


@operator_class
class RealFourier(OrthogonalOperator):
    """Constant, cosines and sines frequency by frequency, and for even n the alternating vector."""

    n: int = static()
    transposed: bool = static(default=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _apply(self, x: Array) -> Array:
        if self.n <= _SMALL:
            matrix = self._analysis_matrix()
            return _on_reals(_product(matrix.T if self.transposed else matrix), x)
        return _on_reals(self._synthesis if self.transposed else self._analysis, x)

    def _transpose(self) -> "RealFourier":
        return RealFourier(self.n, not self.transposed)

    def _analysis_matrix(self) -> NDArray[np.float64]:
        """Row by row."""
        row, t = np.arange(self.n)[:, None], np.arange(self.n)
        angle = (row + 1) // 2 * t * 2
        is_cosine = (row % 2 == 1) | (row == 0)
        rows = np.where(is_cosine, _cosines(angle, self.n), _sines(angle, self.n))
        return rows * (self._scales() / np.sqrt(self.n))[:, None]

    def _analysis(self, x: Array) -> Array:
        """Real and imaginary parts of the first half of the Fourier transform."""
        spectrum = jnp.fft.rfft(x, norm="ortho")
        parts = jnp.stack([spectrum.real, -spectrum.imag], axis=-1)
        # The imaginary parts of the constant and of the alternating vector are zero: left out.
        y = parts.reshape(*x.shape[:-1], 2 * spectrum.shape[-1])[..., 1 : self.n + 1]
        y = jnp.concatenate([parts[..., 0, :1], y[..., 1:]], axis=-1)
        return y * _row(jnp.asarray(self._scales()), y)

    def _synthesis(self, y: Array) -> Array:
        """The inverse: pair the coefficients up again."""
        y = y / _row(jnp.asarray(self._scales()), y)
        zero = jnp.zeros_like(y[..., :1])
        tail = [zero] if self.n % 2 == 0 else []
        pairs = jnp.concatenate([y[..., :1], zero, y[..., 1:], *tail], axis=-1)
        pairs = pairs.reshape(*y.shape[:-1], self.n // 2 + 1, 2)
        return jnp.fft.irfft(lax.complex(pairs[..., 0], -pairs[..., 1]), n=self.n, norm="ortho")

    def _scales(self) -> np.ndarray:
        """sqrt(2), and 1 for the constant and the alternating vector."""
        scales = np.full(self.n, np.sqrt(2))
        scales[0] = 1
        if self.n % 2 == 0:
            scales[-1] = 1
        return scales


@operator_class
class Trigonometric(OrthogonalOperator):
    """One of the eight orthonormal discrete cosine and sine transforms of types I to IV."""

    kind: FoldedKind = static()
    n: int = static()

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return self.n, self.n

    def _apply(self, x: Array) -> Array:
        if self.n <= _SMALL:
            return _on_reals(_product(self._matrix()), x)
        return _on_reals(self._transform, x)

    def _transpose(self) -> "Trigonometric":
        swapped: dict[FoldedKind, FoldedKind] = {
            "DCT-II": "DCT-III",
            "DCT-III": "DCT-II",
            "DST-II": "DST-III",
            "DST-III": "DST-II",
        }
        return Trigonometric(swapped.get(self.kind, self.kind), self.n)

    def _matrix(self) -> NDArray[np.float64]:
        """Cosines or sines of pi (t + a)(k + b) / half_period."""
        fold = FoldedDihedral(self.kind, self.n)
        (a, b), half = fold.offsets, fold.half_period
        t = np.arange(self.n)
        angle = np.outer(t + b, t + a)
        rows = (_cosines if self.kind.startswith("DCT") else _sines)(angle, half)
        return np.sqrt(2 / half) * np.outer(fold.weights(b), fold.weights(a)) * rows

    def _transform(self, x: Array) -> Array:
        """By a cosine transform that has a fast form, or by the extension."""
        match self.kind:
            case "DCT-II":
                return _cosine.type_2(x)
            case "DCT-III":
                return _cosine.type_3(x)
            case "DST-II":
                return _cosine.type_2(_alternate(x))[..., ::-1]
            case "DST-III":
                return _alternate(_cosine.type_3(x[..., ::-1]))
            case "DCT-IV" if self.n % 2 == 0:
                return _cosine.type_4(x)
            case "DST-IV" if self.n % 2 == 0:
                return _alternate(_cosine.type_4(x[..., ::-1]))
            case _:
                return self._by_extension(x)

    def _by_extension(self, x: Array) -> Array:
        """Frequencies of the extension: the FFT of its first points, turned to the boundary.

        y_k is a multiple of the real (for sines the negative imaginary) part of
        sum_t x_t exp(-2 pi i (t + a)(k + b) / P), P twice the half period; a circle of 2 P points
        has the frequencies with b = 1/2 as well.
        """
        fold = FoldedDihedral(self.kind, self.n)
        a, b = fold.offsets
        L, twice = fold.period, 2 * fold.half_period
        x = x * _row(jnp.asarray(fold.weights(a)), x)
        stride = L // twice
        first = round(stride * b)
        padded = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, L - self.n)])
        spectrum = jnp.fft.rfft(padded)
        spectrum = spectrum[..., first : first + stride * (self.n - 1) + 1 : stride]
        frequencies = np.arange(self.n) + b
        scale = 2 / np.sqrt(twice) * fold.weights(b)
        # Multiples of pi / 2 half_period, reduced before they are rounded.
        angle = np.pi / twice * ((2 * a * frequencies) % (2 * twice))
        cosine = _row(jnp.asarray(scale * np.cos(angle)), x)
        sine = _row(jnp.asarray(scale * np.sin(angle)), x)
        if self.kind.startswith("DCT"):
            return cosine * spectrum.real + sine * spectrum.imag
        return sine * spectrum.real - cosine * spectrum.imag


def _cosines(numerator: NDArray, half: int) -> NDArray[np.float64]:
    """cos(pi numerator / half), taken to the first eighth of a turn before anything is rounded."""
    r = numerator % (2 * half)
    r = np.minimum(r, 2 * half - r)
    sign = np.where(2 * r > half, -1, 1)
    r = np.minimum(r, half - r)
    unit = np.pi / half
    return sign * np.where(4 * r > half, np.sin(unit * (half / 2 - r)), np.cos(unit * r))


def _sines(numerator: NDArray, half: int) -> NDArray[np.float64]:
    """sin(pi numerator / half), likewise."""
    return _cosines(numerator - half / 2, half)


def _product(matrix: NDArray[np.float64]) -> Callable[[Array], Array]:
    """The product with a matrix, as a function."""

    def multiply(x: Array) -> Array:
        return jnp.matmul(x, jnp.asarray(matrix.T, x.dtype), precision=lax.Precision.HIGHEST)

    return multiply


def _alternate(x: Array) -> Array:
    """x with every other sign turned."""
    return x * _row(jnp.asarray((-1.0) ** np.arange(x.shape[-1])), x)


def _on_reals(transform: Callable[[Array], Array], x: Array) -> Array:
    """A real transform of real or complex input; 16-bit floats are rounded once."""
    _checks.not_integer(x.dtype)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return lax.complex(transform(x.real), transform(x.imag))
    return transform(x.astype(_dtypes.accumulator(x.dtype))).astype(x.dtype)
