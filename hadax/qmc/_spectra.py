"""Which transform belongs to which points: bit-reversed Fourier to lattices, Walsh to nets.

All are orthonormal and along the last axis.
"""

from hadax._typing import Array
from hadax.transforms.doubling import double_fftbr, double_fwht
from hadax.transforms.fourier import fftbr, ifftbr
from hadax.transforms.real_fourier import irfftbr, rfftbr
from hadax.transforms.walsh import fwht


def transformed(y: Array, *, is_lattice: bool) -> Array:
    """F y, for y (..., n)."""
    return fftbr(y) if is_lattice else fwht(y)


def restored(spectrum: Array, *, is_lattice: bool) -> Array:
    """The real y of which it is the transform."""
    return ifftbr(spectrum).real if is_lattice else fwht(spectrum)


def doubled(first: Array, second: Array, *, is_lattice: bool) -> Array:
    """The transform of twice as many values, from those of both halves (..., n)."""
    return double_fftbr(first, second) if is_lattice else double_fwht(first, second)


def half_transformed(y: Array, *, is_lattice: bool) -> Array:
    """F y of real y (..., n), of a lattice at the frequencies from 0 to half: the rest is known."""
    return rfftbr(y) if is_lattice else fwht(y)


def half_restored(spectrum: Array, *, is_lattice: bool) -> Array:
    """The real y of which `half_transformed` is this."""
    return irfftbr(spectrum) if is_lattice else fwht(spectrum)
