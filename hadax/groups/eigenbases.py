"""The basis in which everything that a group leaves as it is becomes diagonal."""

import functools

import jax.numpy as jnp

from hadax._typing import Array, ArrayLike, Inexact
from hadax.groups import _group_checks
from hadax.groups._fourier_bases import Fourier, RealFourier, Trigonometric
from hadax.groups._tree_bases import Haar, Helmert, WreathBasis
from hadax.groups.actions import Cyclic, Dihedral, Reflection, Symmetric, Trivial
from hadax.groups.base import PermutationGroup
from hadax.groups.cubes import BinaryTree, ElementaryAbelian, Hamming
from hadax.groups.folded import FoldedAlgebra, FoldedDihedral, FoldedProduct
from hadax.groups.products import Copies, DirectProduct, DisjointUnion, Join, Wreath
from hadax.groups.relabelling import Relabelled
from hadax.operators.base import LinearOperator, inverse
from hadax.operators.elementary import Hadamard, Kronecker, Permutation


@functools.singledispatch
def eigenbasis(group: PermutationGroup | FoldedAlgebra) -> LinearOperator:
    r"""The transform that diagonalises every matrix a group leaves as it is.

    $Q^*$ with $Q^* R Q$ diagonal for every R with $\rho(g) R = R \rho(g)$: rows of the operator are
    the (conjugated) basis vectors, so that applying it gives the coefficients of a vector, and
    `hadax.inverse` goes back.

    * `cyclic`: discrete Fourier, complex, `numpy.fft.fft(x, norm="ortho")`;
    * `dihedral`: real Fourier: constant, cosine and sine by turns, alternating vector;
    * `folded_dihedral`: cosine and sine transforms, `scipy.fft.dct(x, type, norm="ortho")`;
    * `elementary_abelian`, `hamming`: Walsh-Hadamard in natural order;
    * `iterated_wreath`: Haar, from coarse to fine;
    * `symmetric`: Helmert;
    * `direct_product`, `folded_product`, `wreath`, `join`: made of the parts' ones; for `join`
      that of `left`, or where it has none that of `right`;
    * `relabelled`: that of the group, after sorting.

    Args:
        group: a group that is multiplicity free, or a folded dihedral algebra.

    Returns:
        An operator of shape (n, n), unitary, with a fast apply.

    Raises:
        ValueError: the group is not multiplicity free.
        NotImplementedError: only generators of the group are known.
        TypeError: group is no group.

    Cost:
        To apply: O(n) for Haar and Helmert, else O(n log n).

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> basis = groups.eigenbasis(groups.iterated_wreath(2))
        >>> basis(jnp.array([1.0, 1.0, 3.0, 5.0])).round(2)
        Array([ 5.  , -3.  ,  0.  , -1.41], dtype=float32)

    See Also:
        `symmetry_adapted`, numerically and for every group; `in_basis`, which changes a matrix.
    """
    _group_checks.instance("group", group, PermutationGroup, FoldedAlgebra)
    _group_checks.no_closed_form(group.name)


@eigenbasis.register
def _(group: Cyclic) -> LinearOperator:
    return Fourier(group.n)


@eigenbasis.register
def _(group: Dihedral) -> LinearOperator:
    return RealFourier(group.n)


@eigenbasis.register
def _(group: FoldedDihedral) -> LinearOperator:
    return Trigonometric(group.kind, group.n)


@eigenbasis.register(ElementaryAbelian)
@eigenbasis.register(Hamming)
def _(group: ElementaryAbelian | Hamming) -> LinearOperator:
    return Hadamard(group.degree)


@eigenbasis.register
def _(group: BinaryTree) -> LinearOperator:
    return Haar(group.bits)


@eigenbasis.register
def _(group: Symmetric) -> LinearOperator:
    return Helmert(group.n)


@eigenbasis.register(DirectProduct)
@eigenbasis.register(FoldedProduct)
def _(group: DirectProduct | FoldedProduct) -> LinearOperator:
    return Kronecker(eigenbasis(group.left), eigenbasis(group.right))


@eigenbasis.register
def _(group: Wreath) -> LinearOperator:
    # All of these bases have the constant vector first, as the blocks need it.
    return WreathBasis(eigenbasis(group.inner), eigenbasis(group.outer))


@eigenbasis.register
def _(group: Join) -> LinearOperator:
    # A larger group has fewer invariant matrices: those of its subgroup are diagonal already.
    try:
        return eigenbasis(group.left)
    except ValueError:  # not multiplicity free
        return eigenbasis(group.right)


@eigenbasis.register
def _(group: Relabelled) -> LinearOperator:
    return eigenbasis(group.group) @ Permutation(jnp.asarray(group.order))


@eigenbasis.register(Trivial)
@eigenbasis.register(Reflection)
def _(group: Trivial | Reflection) -> LinearOperator:
    largest = 1 if isinstance(group, Trivial) else 2
    return Helmert(group.n) if group.n <= largest else _group_checks.no_eigenbasis(group.name)


@eigenbasis.register
def _(group: Copies) -> LinearOperator:
    return eigenbasis(group.group) if group.count == 1 else _group_checks.no_eigenbasis(group.name)


@eigenbasis.register
def _(group: DisjointUnion) -> LinearOperator:
    _group_checks.no_eigenbasis(group.name)


def in_basis(basis: LinearOperator, R: Inexact[ArrayLike, "..."]) -> Inexact[Array, "..."]:
    r"""A matrix as a basis sees it.

    $Q^* R Q$ for the operator $Q^*$ that `eigenbasis` returns.

    Args:
        basis: a unitary operator of shape (n, n), from vectors to coefficients.
        R: array (..., n, n), real or complex.

    Returns:
        Array (..., n, n), complex if the basis or R is.

    Raises:
        ValueError: R has another shape.
        TypeError: basis is no operator, or R holds no floating-point numbers.

    Cost:
        2 n applications of the basis.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> R = jnp.array([[2.0, 1.0], [1.0, 2.0]])
        >>> groups.in_basis(groups.eigenbasis(groups.symmetric(2)), R).round(2)
        Array([[3., 0.],
               [0., 1.]], dtype=float32)

    See Also:
        `reynolds`, which keeps what is invariant.
    """
    _group_checks.instance("basis", basis, LinearOperator)
    R = _group_checks.matrices("R", R, basis.shape[1])
    # basis(X) acts on the rows of X: it is X conj(Q), and Q^* X is the transpose of that of X^T.
    return jnp.conj(basis(jnp.conj(basis(R.mT).mT)))


def _from_basis(basis: LinearOperator, D: Array) -> Array:
    """Q D Q^*, the way back from `in_basis`."""
    back = inverse(basis)
    return jnp.conj(back(jnp.conj(back(D.mT).mT)))
