"""Noise on the diagonals of kernel matrices."""

from hadax._typing import Array


def along_diagonal(noise: Array) -> Array:
    """Noise, one number or (n,), as what an identity is multiplied by."""
    return noise if noise.ndim == 0 else noise[None]
