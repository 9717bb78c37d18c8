"""Orthonormal cosine transforms of types II, III and IV of real arrays, by FFTs as short as can be.

The first two are a real Fourier transform of the entries with even numbers, then those with odd
ones backwards (`makhoul1980`); type IV is a complex one of half the length. They are proved by
writing out the sums.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax._typing import Array
from hadax.operators.base import _row


def type_2(x: Array) -> Array:
    """DCT-II: with V the spectrum, exp(-i pi k / 2n) V_k = y_k - i y_{n-k} up to scales."""
    n = x.shape[-1]
    even, odd = _split(x)
    spectrum = jnp.fft.rfft(jnp.concatenate([even, odd], axis=-1), norm="ortho")
    cosine, sine = _quarter_turns(n, np.sqrt(2), spectrum.real)
    low = cosine * spectrum.real + sine * spectrum.imag
    high = sine * spectrum.real - cosine * spectrum.imag
    return jnp.concatenate([low, high[..., (n - 1) // 2 : 0 : -1]], axis=-1)


def type_3(y: Array) -> Array:
    """DCT-III, the inverse of DCT-II: the same way back."""
    n = y.shape[-1]
    low = y[..., : n // 2 + 1]
    high = jnp.concatenate([jnp.zeros_like(y[..., :1]), y[..., : n - 1 - n // 2 : -1]], axis=-1)
    cosine, sine = _quarter_turns(n, np.sqrt(0.5), y)
    spectrum = lax.complex(cosine * low + sine * high, sine * low - cosine * high)
    x = jnp.fft.irfft(spectrum, n=n, norm="ortho")
    return _interleave(x[..., : (n + 1) // 2], x[..., (n + 1) // 2 :])


def type_4(x: Array) -> Array:
    """DCT-IV of an even length: c_m = x_2m + i x_{n-1-2m} becomes y_2k - i y_{n-1-2k}."""
    n = x.shape[-1]
    angle = np.pi * (np.arange(n // 2) + 0.125) / n
    cosine, sine = (_row(jnp.asarray(f(angle)), x) for f in (np.cos, np.sin))
    even, odd = _split(x)
    turned = lax.complex(cosine * even + sine * odd, cosine * odd - sine * even)
    z = jnp.fft.fft(turned, norm="ortho")
    return _interleave(cosine * z.real + sine * z.imag, sine * z.real - cosine * z.imag)


def _quarter_turns(n: int, scale: float, like: Array) -> tuple[Array, Array]:
    """Cosines and sines of pi k / 2n for k = 0 ... n/2, times `scale` but for k = 0."""
    angle = np.pi * np.arange(n // 2 + 1) / (2 * n)
    scales = np.where(angle == 0, 1.0, scale)
    cosine, sine = (_row(jnp.asarray(scales * f(angle)), like) for f in (np.cos, np.sin))
    return cosine, sine


def _split(x: Array) -> tuple[Array, Array]:
    """Entries 0, 2, 4, ..., and those with odd numbers from the last one back."""
    return x[..., 0::2], x[..., 1::2][..., ::-1]


def _interleave(even: Array, odd: Array) -> Array:
    """What `_split` splits; the first part may have one entry more."""
    n = even.shape[-1] + odd.shape[-1]
    odd = odd[..., ::-1]
    if n % 2:
        odd = jnp.concatenate([odd, jnp.zeros_like(even[..., :1])], axis=-1)
    return jnp.stack([even, odd], axis=-1).reshape(*even.shape[:-1], 2 * even.shape[-1])[..., :n]
