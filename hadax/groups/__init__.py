"""Permutation groups, what they leave of a matrix, and the transforms that are their bases.

`actions`, `cubes`, `products`, `regular` and `relabelled` make groups; `orbitals`, `averages` and
`risks` say what is invariant under them; `eigenbases` has the fast transforms, `decomposition` the
numerical bases, `fractional` a continuous group's, and `coding` says what a basis is worth to a
coder. `matching` finds the group that fits vectors: `selection` ranks known ones, `discovery` looks
for an order of the points, `commutators` and `automorphisms` for permutations. What the statements
are and whose: docs/theory/matched_groups.md and docs/theory/continuous_groups.md.
"""

from hadax.groups.actions import cyclic, dihedral, reflection, symmetric, trivial
from hadax.groups.automorphisms import anchored_automorphism, approximate_automorphisms
from hadax.groups.averages import coloring_index, commutativity_residual, reynolds
from hadax.groups.base import PermutationGroup, generated
from hadax.groups.coding import coding_gain, klt_coding_gain
from hadax.groups.commutators import CommutatorSpectrum, double_commutator
from hadax.groups.cubes import elementary_abelian, hamming, iterated_wreath
from hadax.groups.decomposition import (
    Decomposition,
    Part,
    coherent_basis,
    coherent_closure,
    symmetry_adapted,
)
from hadax.groups.discovery import (
    discover_cyclic,
    discover_elementary_abelian,
    discover_tree,
)
from hadax.groups.eigenbases import eigenbasis, in_basis
from hadax.groups.folded import (
    FoldedAlgebra,
    FoldedDihedral,
    FoldedKind,
    FoldedProduct,
    fold_matrix,
    folded_dihedral,
    folded_product,
)
from hadax.groups.fractional import fractional_fourier, hermite_gauss_basis
from hadax.groups.matching import Discovery, discover
from hadax.groups.orbitals import (
    is_multiplicity_free,
    orbital_means,
    orbitals,
    rank,
    symmetric_rank,
)
from hadax.groups.products import copies, direct_product, disjoint_union, join, wreath
from hadax.groups.regular import dicyclic_table, multiplication_table, regular
from hadax.groups.relabelling import relabelled
from hadax.groups.risks import averaged_risk, commutator_floor, estimated_risk
from hadax.groups.selection import Candidate, bic, library, select

__all__ = [
    "Candidate",
    "CommutatorSpectrum",
    "Decomposition",
    "Discovery",
    "FoldedAlgebra",
    "FoldedDihedral",
    "FoldedKind",
    "FoldedProduct",
    "Part",
    "PermutationGroup",
    "anchored_automorphism",
    "approximate_automorphisms",
    "averaged_risk",
    "bic",
    "coding_gain",
    "coherent_basis",
    "coherent_closure",
    "coloring_index",
    "commutativity_residual",
    "commutator_floor",
    "copies",
    "cyclic",
    "dicyclic_table",
    "dihedral",
    "direct_product",
    "discover",
    "discover_cyclic",
    "discover_elementary_abelian",
    "discover_tree",
    "disjoint_union",
    "double_commutator",
    "eigenbasis",
    "elementary_abelian",
    "estimated_risk",
    "fold_matrix",
    "folded_dihedral",
    "folded_product",
    "fractional_fourier",
    "generated",
    "hamming",
    "hermite_gauss_basis",
    "in_basis",
    "is_multiplicity_free",
    "iterated_wreath",
    "join",
    "klt_coding_gain",
    "library",
    "multiplication_table",
    "orbital_means",
    "orbitals",
    "rank",
    "reflection",
    "regular",
    "relabelled",
    "reynolds",
    "select",
    "symmetric",
    "symmetric_rank",
    "symmetry_adapted",
    "trivial",
    "wreath",
]
