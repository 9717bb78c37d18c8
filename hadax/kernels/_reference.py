"""The oracle: transforms as they are defined, in float64 numpy. Slow, and plainly right."""

import numpy as np

from hadax._bits import bit_reversal, walsh_order
from hadax._typing import Order
from hadax.kernels import _hadamard_orders


def hadamard_matrix(n: int, *, order: Order = "natural") -> np.ndarray:
    """The unscaled matrix (n, n) of +1 and -1 that `fwht` stands for."""
    matrix = _hadamard_orders.hadamard_matrix(n).astype(np.int64)
    rows = walsh_order(n, order)
    return matrix if rows is None else matrix[rows]


def fwht(x: np.ndarray, *, order: Order = "natural") -> np.ndarray:
    """The unscaled transform of the last axis, by its matrix."""
    wide = np.result_type(x.dtype, np.float64) if x.dtype.kind in "fc" else x.dtype
    return np.einsum("ij,...j->...i", hadamard_matrix(x.shape[-1], order=order).astype(wide), x)


def butterfly(x: np.ndarray) -> np.ndarray:
    """The unscaled natural transform of a length too long for its matrix."""
    m, k = _hadamard_orders.decompose(x.shape[-1])
    y = x.astype(np.result_type(x.dtype, np.float64))
    for half in (1 << i for i in range(k)):
        pairs = y.reshape(*x.shape[:-1], -1, 2, half)
        a, b = pairs[..., 0, :], pairs[..., 1, :]
        y = np.stack([a + b, a - b], axis=-2).reshape(x.shape)
    blocks = y.reshape(*x.shape[:-1], m, 1 << k)
    base = _hadamard_orders.base_matrix(m).astype(np.float64)
    return np.einsum("ij,...jk->...ik", base, blocks).reshape(x.shape)


def fft_bit_reversed(x: np.ndarray, *, inverse: bool = False) -> np.ndarray:
    """The orthonormal FFT of bit-reversed input, or its inverse with bit-reversed output."""
    r = bit_reversal(x.shape[-1])
    return np.fft.ifft(x, norm="ortho")[..., r] if inverse else np.fft.fft(x[..., r], norm="ortho")


def kron_power(base: np.ndarray, n: int) -> np.ndarray:
    """The matrix base (x) ... (x) base of side n."""
    matrix = np.ones((1, 1), base.dtype)
    while len(matrix) < n:
        matrix = np.kron(matrix, base)
    return matrix
