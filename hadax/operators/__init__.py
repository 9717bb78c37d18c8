"""Parametrised linear maps as pytrees: call them, transpose them, compose them.

`base` says what an operator is; `elementary` has the parts and `factories` makes them from arrays;
`hadamard_rotation` has the fast random rotation, `rotations` the others, `sketches` the maps to
fewer dimensions.
"""

from hadax.operators.base import (
    Composed,
    LinearOperator,
    OrthogonalOperator,
    array,
    inverse,
    operator_class,
    static,
)
from hadax.operators.factories import (
    block_diagonal,
    dense,
    diagonal,
    hadamard,
    invertible,
    kronecker,
    permutation,
    scale,
)
from hadax.operators.hadamard_rotation import randomized_hadamard
from hadax.operators.rotations import haar_rotation, householder, kac_walk
from hadax.operators.sketches import srht

__all__ = [
    "Composed",
    "LinearOperator",
    "OrthogonalOperator",
    "array",
    "block_diagonal",
    "dense",
    "diagonal",
    "haar_rotation",
    "hadamard",
    "householder",
    "inverse",
    "invertible",
    "kac_walk",
    "kronecker",
    "operator_class",
    "permutation",
    "randomized_hadamard",
    "scale",
    "srht",
    "static",
]
