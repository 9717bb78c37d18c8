"""Compression of vectors for averaging: DRIVE and EDEN, one to eight bits an entry."""

from hadax.compression.codec import Compressed, decompress, drive, eden
from hadax.compression.estimate import expected_nmse, mean_estimate

__all__ = [
    "Compressed",
    "decompress",
    "drive",
    "eden",
    "expected_nmse",
    "mean_estimate",
]
