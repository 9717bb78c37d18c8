"""The transform as one matrix product: O(n^2), the fastest form only for the shortest lengths."""

from hadax._typing import Array
from hadax.kernels import _reference, _xla


def hadamard(x: Array, *, scale: float = 1.0, transpose: bool = False) -> Array:
    """scale * H x, or scale * H^T x, with the whole matrix H."""
    matrix = _reference.hadamard_matrix(x.shape[-1])
    return _xla.kronecker(x, [matrix.T if transpose else matrix], scale=scale)
