"""Small integers in bytes without a gap, most significant bit first."""

import jax.numpy as jnp

from hadax._typing import Array


def pack(codes: Array, bits: int) -> Array:
    """Integers (..., n) below 2**bits as uint8 (..., ceil(n bits / 8))."""
    return jnp.packbits(_planes(codes.astype(jnp.uint8), bits), axis=-1)


def unpack(packed: Array, bits: int, n: int) -> Array:
    """The n integers that `pack` packed, as uint8 (..., n)."""
    planes = _planes(packed, 8)[..., : n * bits].reshape(*packed.shape[:-1], n, bits)
    return jnp.sum(planes << _shifts(bits, packed.ndim), axis=-1, dtype=jnp.uint8)


def _planes(codes: Array, bits: int) -> Array:
    """The lowest bits of integers (..., n), one after another: (..., n bits)."""
    planes = (codes[..., None] >> _shifts(bits, codes.ndim)) & jnp.uint8(1)
    return planes.reshape(*codes.shape[:-1], codes.shape[-1] * bits)


def _shifts(bits: int, ndim: int) -> Array:
    """bits - 1, ..., 0 along the last of ndim + 1 axes."""
    return jnp.arange(bits - 1, -1, -1, dtype=jnp.uint8).reshape(*(1,) * ndim, bits)
