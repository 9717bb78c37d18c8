"""Walsh spectra with few coefficients, from few values of a function."""

from hadax.sparse.bits import pack_bits, parity, unpack_bits
from hadax.sparse.designs import (
    RepeatedOffsets,
    Subsampling,
    identity_blocks,
    repeated_offsets,
    subsampling,
)

__all__ = [
    "RepeatedOffsets",
    "Subsampling",
    "identity_blocks",
    "pack_bits",
    "parity",
    "repeated_offsets",
    "subsampling",
    "unpack_bits",
]
