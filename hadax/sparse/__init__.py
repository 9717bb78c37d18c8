"""Walsh spectra with few coefficients, from few values of a function."""

from hadax.sparse.bits import pack_bits, parity, unpack_bits
from hadax.sparse.designs import (
    RepeatedOffsets,
    Subsampling,
    identity_blocks,
    repeated_offsets,
    subsampling,
)
from hadax.sparse.interaction_indices import Interactions, interactions, shapley_values
from hadax.sparse.spectrum import SparseSpectrum
from hadax.sparse.transform import sparse_fwht

__all__ = [
    "Interactions",
    "RepeatedOffsets",
    "SparseSpectrum",
    "Subsampling",
    "identity_blocks",
    "interactions",
    "pack_bits",
    "parity",
    "repeated_offsets",
    "shapley_values",
    "sparse_fwht",
    "subsampling",
    "unpack_bits",
]
