"""Walsh spectra with few coefficients, from few values of a function."""

from hadax.sparse._contracts import Offsets
from hadax.sparse.bch import BchOffsets, bch_offsets
from hadax.sparse.bits import pack_bits, parity, unpack_bits
from hadax.sparse.coding import CodedOffsets, coded_offsets
from hadax.sparse.designs import (
    RepeatedOffsets,
    Subsampling,
    identity_blocks,
    repeated_offsets,
    subsampling,
)
from hadax.sparse.fourier import sparse_fft
from hadax.sparse.interaction_indices import Interactions, interactions, shapley_values
from hadax.sparse.query_points import Queries, queries
from hadax.sparse.recovery import recover
from hadax.sparse.sampling import sample
from hadax.sparse.spectrum import SparseSpectrum
from hadax.sparse.transform import sparse_fwht

__all__ = [
    "BchOffsets",
    "CodedOffsets",
    "Interactions",
    "Offsets",
    "Queries",
    "RepeatedOffsets",
    "SparseSpectrum",
    "Subsampling",
    "bch_offsets",
    "coded_offsets",
    "identity_blocks",
    "interactions",
    "pack_bits",
    "parity",
    "queries",
    "recover",
    "repeated_offsets",
    "sample",
    "shapley_values",
    "sparse_fft",
    "sparse_fwht",
    "subsampling",
    "unpack_bits",
]
