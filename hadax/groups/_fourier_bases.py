"""Fourier, real Fourier, cosine and sine transforms as operators, all by FFTs."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks, _dtypes
from hadax._typing import Array
from hadax.groups.folded import FoldedDihedral, FoldedKind
from hadax.operators.base import (
    LinearOperator,
    OrthogonalOperator,
    _row,
    inverse,
    operator_class,
    static,
)


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
        x = x.astype(_dtypes.complex_dtype(x.dtype))
        return (jnp.fft.ifft if self.inverted else jnp.fft.fft)(x, norm="ortho")

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
        return _on_reals(self._synthesis if self.transposed else self._analysis, x)

    def _transpose(self) -> "RealFourier":
        return RealFourier(self.n, not self.transposed)

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
        return _on_reals(self._transform, x)

    def _transpose(self) -> "Trigonometric":
        swapped: dict[FoldedKind, FoldedKind] = {
            "DCT-II": "DCT-III",
            "DCT-III": "DCT-II",
            "DST-II": "DST-III",
            "DST-III": "DST-II",
        }
        return Trigonometric(swapped.get(self.kind, self.kind), self.n)

    def _transform(self, x: Array) -> Array:
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


def _on_reals(transform: Callable[[Array], Array], x: Array) -> Array:
    """A real transform of real or complex input; 16-bit floats are rounded once."""
    _checks.not_integer(x.dtype)
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return lax.complex(transform(x.real), transform(x.imag))
    return transform(x.astype(_dtypes.accumulator(x.dtype))).astype(x.dtype)
