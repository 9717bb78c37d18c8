"""Averages over a group, and how far a matrix is from its average."""

import jax.numpy as jnp
from jax import lax

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Inexact
from hadax.groups import _group_checks
from hadax.groups.base import PermutationGroup
from hadax.groups.eigenbases import _from_basis, eigenbasis, in_basis
from hadax.groups.folded import FoldedAlgebra
from hadax.groups.orbitals import orbital_means, orbitals
from hadax.operators.base import LinearOperator


def reynolds(
    group: PermutationGroup | FoldedAlgebra | LinearOperator, R: Inexact[ArrayLike, "..."]
) -> Inexact[Array, "..."]:
    r"""What a group leaves of a matrix: its mean over all elements (Reynolds operator, twirl).

    $R_G = \frac1{|G|}\sum_g \rho(g) R \rho(g)^*$, the orthogonal projection onto the invariant
    matrices: the mean over each orbital. For a folded dihedral algebra or a basis, of which there
    are no orbitals, it is $Q \operatorname{diag}(Q^* R Q)\, Q^*$.

    Args:
        group: a permutation group of degree n, a folded dihedral algebra, or a unitary operator.
        R: array (..., n, n), real or complex.

    Returns:
        Array of the shape of R; of its dtype too, or complex if the basis is.

    Raises:
        ValueError: R has another shape.
        TypeError: group is none, or R holds no floating-point numbers.

    Cost:
        O(n^2) operations a matrix, whatever the order of the group, after its orbitals are found
        once; O(n^2 log n) for bases with a fast apply.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> groups.reynolds(groups.cyclic(2), jnp.array([[1.0, 2.0], [4.0, 3.0]]))
        Array([[2., 3.],
               [3., 2.]], dtype=float32)

    See Also:
        `orbital_means`, for labels that come from elsewhere.
    """
    _group_checks.instance("group", group, PermutationGroup, FoldedAlgebra, LinearOperator)
    if isinstance(group, PermutationGroup):
        return orbital_means(orbitals(group), R)
    basis = group if isinstance(group, LinearOperator) else eigenbasis(group)
    seen = in_basis(basis, R)
    eye = jnp.eye(seen.shape[-1], dtype=bool)
    return _from_basis(basis, jnp.where(jnp.broadcast_to(eye, seen.shape), seen, 0))


def commutativity_residual(
    group: PermutationGroup | FoldedAlgebra | LinearOperator,
    R: Inexact[ArrayLike, "..."],
    *,
    log: bool = False,
) -> Inexact[Array, "..."]:
    r"""How far a matrix is from invariant: 0 if it is, 1 if nothing of its structure is left.

    $\delta_G(R) = |R - R_G|_F / |R_0|_F$ with $R_0 = R - \frac{\operatorname{tr} R}n I$, and 0
    where $R_0$ vanishes. For a group, $2|R - R_G|_F^2$ is the mean over its elements of
    $|\rho(g) R - R \rho(g)|_F^2$. The definition is this project's reading: of the papers only
    abstracts were at hand.

    Args:
        group: a permutation group of degree n, a folded dihedral algebra, or a unitary operator:
            then $\delta$ is the part of R off the diagonal in that basis.
        R: array (..., n, n), real or complex; with log, Hermitian and positive definite.
        log: take the residual of the matrix logarithm. Where one eigenvalue dominates, $\delta(R)$
            is small for every group, and this one is not.

    Returns:
        Real array (...).

    Raises:
        ValueError: R has another shape.
        TypeError: group is none, R holds no floating-point numbers, or log is no bool.

    Cost:
        As `reynolds`; with log an eigendecomposition of R.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> R = jnp.exp(-abs(jnp.arange(8.0)[:, None] - jnp.arange(8.0)[None]) / 4)
        >>> for group in (groups.folded_dihedral("DCT-II", 8), groups.dihedral(8)):
        ...     print(f"{group.name}: {groups.commutativity_residual(group, R):.2f}")
        folded dihedral (DCT-II): 0.16
        D8: 0.27

    See Also:
        `coloring_index`, which says whether there is anything to be invariant; `commutator_floor`.
    """
    _group_checks.instance("group", group, PermutationGroup, FoldedAlgebra, LinearOperator)
    _checks.flag("log", log)
    degree = group.shape[1] if isinstance(group, LinearOperator) else group.degree
    wide = _wide(_group_checks.matrices("R", R, degree))
    if log:
        values, vectors = jnp.linalg.eigh(wide)
        scaled = vectors * jnp.log(values)[..., None, :].astype(wide.dtype)
        wide = jnp.matmul(scaled, jnp.conj(vectors).mT, precision=lax.Precision.HIGHEST)
    centred = _norm(wide - _white_part(wide))
    average = reynolds(group, wide)
    residual = _norm(wide.astype(average.dtype) - average)
    return residual / jnp.where(centred == 0, jnp.ones_like(centred), centred)


def coloring_index(R: Inexact[ArrayLike, "..."]) -> Inexact[Array, "..."]:
    r"""How far a covariance is from white: 0 for a multiple of I, 1 - 1/n for rank one.

    $\alpha(R) = |R_0|_F^2 / |R|_F^2 = 1 - \frac{(\operatorname{tr} R)^2}{n \operatorname{tr} R^2}$:
    a function of the Renyi-2 purity. White noise leaves the numerator of
    `commutativity_residual` and takes away $\alpha$; a residual says something only where $\alpha$
    exceeds its level for white data, about $(n + 1)/(L + n + 1)$ for L snapshots. The definition is
    this project's reading: of the papers only abstracts were at hand.

    Args:
        R: array (..., n, n), real or complex.

    Returns:
        Real array (...); not a number where R is zero.

    Raises:
        ValueError: R is no square matrix.
        TypeError: R holds no floating-point numbers.

    Cost:
        n^2 operations a matrix.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> groups.coloring_index(jnp.eye(4)), groups.coloring_index(jnp.ones((4, 4)))
        (Array(0., dtype=float32), Array(0.75, dtype=float32))

    See Also:
        `commutativity_residual`.
    """
    wide = _wide(_group_checks.matrices("R", R))
    return jnp.square(_norm(wide - _white_part(wide)) / _norm(wide))


def _wide(R: Array) -> Array:
    """`R` in the dtype that is added up in."""
    return R.astype(_dtypes.accumulator(R.dtype))


def _norm(R: Array) -> Array:
    """The Frobenius norm of each matrix."""
    return jnp.sqrt(jnp.sum(jnp.square(jnp.abs(R)), axis=(-2, -1)))


def _white_part(R: Array) -> Array:
    """(tr R / n) I for each matrix."""
    n = R.shape[-1]
    level = jnp.trace(R, axis1=-2, axis2=-1) / n
    eye = jnp.broadcast_to(jnp.eye(n, dtype=R.dtype), R.shape)
    return level[..., None, None] * eye
