"""Small integers in bytes without a gap, most significant bit first."""

import jax.numpy as jnp

from hadax._typing import Array


def pack(codes: Array, bits: int) -> Array:
    """Integers (..., n) below 2**bits as uint8 (..., ceil(n bits / 8))."""
    shifts = jnp.arange(bits - 1, -1, -1, dtype=jnp.uint8)
    planes = (codes.astype(jnp.uint8)[..., None] >> _aligned(shifts, codes.ndim)) & jnp.uint8(1)
    return jnp.packbits(planes.reshape(*codes.shape[:-1], -1), axis=-1)


def unpack(packed: Array, bits: int, n: int) -> Array:
    """The n integers that `pack` packed, as uint8 (..., n)."""
    planes = jnp.unpackbits(packed, axis=-1, count=n * bits)
    planes = planes.reshape(*packed.shape[:-1], n, bits)
    shifts = jnp.arange(bits - 1, -1, -1, dtype=jnp.uint8)
    weighted = planes << _aligned(shifts, packed.ndim)
    return jnp.sum(weighted, axis=-1, dtype=jnp.uint8)


def _aligned(shifts: Array, ndim: int) -> Array:
    """`shifts` along the last of ndim + 1 axes."""
    return shifts.reshape((1,) * ndim + shifts.shape)
