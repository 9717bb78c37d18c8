"""The transforms that are compared as coders, by name, on any power of two of points."""

from typing import Literal, TypeAlias

from hadax import groups
from hadax.operators import LinearOperator

Transform: TypeAlias = Literal["DCT-II", "WHT", "Haar", "real DFT", "DCT-IV"]


def eigenbasis(name: Transform, n: int) -> LinearOperator:
    """The transform as an operator: the eigenbasis of what it belongs to."""
    match name:
        case "DCT-II" | "DCT-IV":
            return groups.eigenbasis(groups.folded_dihedral(name, n))
        case "WHT":
            return groups.eigenbasis(groups.elementary_abelian(n.bit_length() - 1))
        case "Haar":
            return groups.eigenbasis(groups.iterated_wreath(n.bit_length() - 1))
        case "real DFT":
            return groups.eigenbasis(groups.dihedral(n))
