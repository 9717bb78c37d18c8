"""What averaging a sample covariance over a group costs and gains, and what noise alone leaves."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _checks
from hadax._typing import Array, ArrayLike, Inexact, Integer
from hadax.groups import _group_checks
from hadax.groups.averages import _norm, _wide, reynolds
from hadax.groups.base import PermutationGroup
from hadax.groups.folded import FoldedAlgebra
from hadax.groups.orbitals import orbitals


def averaged_risk(
    group: PermutationGroup, R: Inexact[ArrayLike, "n n"], *, snapshots: int
) -> Inexact[Array, ""]:
    r"""The mean squared error of a sample covariance that is averaged over a group, exactly.

    $E|\hat R_G - R|_F^2 = |R - R_G|_F^2 + V_G$ for $\hat R = \frac1L\sum_l x_l x_l^T$ of
    independent real Gaussian vectors of mean zero and covariance R, with
    $V_G = \frac1L\sum_O \frac1{|O|}
    [\operatorname{tr}(A_O R A_O^T R) + \operatorname{tr}(A_O R A_O R)]$
    over the orbitals O and their 0-1 matrices $A_O$; R need not be invariant. For the trivial group
    $V = [(\operatorname{tr} R)^2 + |R|_F^2]/L$.

    Args:
        group: a permutation group of degree n.
        R: array (n, n), real and symmetric.
        snapshots: the number L of vectors.

    Returns:
        Real scalar.

    Raises:
        ValueError: R has another shape, or snapshots is less than 1.
        TypeError: group is no group, R holds no real numbers, or snapshots is no integer.

    Cost:
        O(rank n^3) operations; O(n^2) for the trivial group.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> R = jnp.exp(-abs(jnp.arange(8.0)[:, None] - jnp.arange(8.0)[None]) / 4)
        >>> for group in (groups.trivial(8), groups.reflection(8), groups.dihedral(8)):
        ...     print(f"{group.name}: {groups.averaged_risk(group, R, snapshots=4):.1f}")
        1: 22.2
        reflection: 15.7
        D8: 12.5

    See Also:
        `estimated_risk`, from the vectors themselves.
    """
    _group_checks.instance("group", group, PermutationGroup)
    snapshots = _checks.integer("snapshots", snapshots, minimum=1)
    R = _wide(_group_checks.real_matrix("R", R, group.degree))
    labels = orbitals(group)
    counts = np.bincount(labels.ravel())
    if counts.size == labels.size:
        return (jnp.square(jnp.trace(R)) + jnp.square(_norm(R))) / snapshots

    def variance(orbital: tuple[Array, Array]) -> Array:
        label, count = orbital
        A = (jnp.asarray(labels) == label).astype(R.dtype)
        AR, ATR = (jnp.matmul(each, R, precision=lax.Precision.HIGHEST) for each in (A, A.T))
        return (jnp.sum(AR * ATR.T) + jnp.sum(AR * AR.T)) / count

    each = lax.map(variance, (jnp.arange(counts.size), jnp.asarray(counts, R.dtype)))
    return jnp.square(_norm(R - reynolds(group, R))) + jnp.sum(each) / snapshots


def estimated_risk(
    group: PermutationGroup | FoldedAlgebra, x: Inexact[ArrayLike, "L n"]
) -> Inexact[Array, ""]:
    r"""The risk of averaging over a group, estimated from the vectors themselves.

    $U(G) = |\hat R - \hat R_G|_F^2 + \frac2{L(L-1)}\sum_l |(x_l x_l^T)_G - \hat R_G|_F^2$. It has
    the mean $E|\hat R_G - R|_F^2 + E|\hat R - R|_F^2$ for every law of independent vectors with
    mean zero; the second term is the same for all groups, so that U compares them.

    Args:
        group: a permutation group of degree n, or a folded dihedral algebra.
        x: array (L, n), real: independent vectors of mean zero, at least 2.

    Returns:
        Real scalar.

    Raises:
        ValueError: x has another shape, or less than 2 vectors.
        TypeError: group is none, or x holds no real numbers.

    Cost:
        O(L n^2) operations and numbers.

    Example:
        >>> import jax
        >>> from hadax import groups
        >>> x = jax.random.normal(jax.random.key(0), (16, 8))   # white: every group fits
        >>> risks = [groups.estimated_risk(g(8), x) for g in (groups.trivial, groups.symmetric)]
        >>> bool(risks[0] > risks[1])
        True

    See Also:
        `averaged_risk`, for a covariance that is known.
    """
    _group_checks.instance("group", group, PermutationGroup, FoldedAlgebra)
    x = _wide(_checks.real_float("x", _group_checks.snapshots("x", x, group.degree)))
    L = x.shape[0]
    averages = jax.vmap(lambda v: reynolds(group, jnp.outer(v, v)))(x)
    average = jnp.mean(averages, axis=0)
    bias = jnp.square(_norm(jnp.matmul(x.T, x, precision=lax.Precision.HIGHEST) / L - average))
    return bias + 2 * jnp.sum(jnp.square(averages - average[None])) / (L * (L - 1))


def commutator_floor(
    permutation: Integer[ArrayLike, " n"], R: Inexact[ArrayLike, "n n"], *, snapshots: int
) -> Inexact[Array, ""]:
    r"""What noise leaves of the commutator of a permutation with a sample covariance.

    $E|P\hat R - \hat R P|_F^2 = \frac2L[(\operatorname{tr} R)^2 + |R|_F^2
    - (\operatorname{tr} PR)^2 - \operatorname{tr}(PRPR)]$ where $PR = RP$ and $\hat R$ is the
    sample covariance of L real Gaussian vectors of mean zero: the level below which a symmetry is
    not refuted.

    Args:
        permutation: integers (n,), each of 0 ... n-1 once.
        R: array (n, n), real, symmetric and invariant under the permutation: for an estimate, its
            average.
        snapshots: the number L of vectors.

    Returns:
        Real scalar.

    Raises:
        ValueError: permutation is none, R has another shape, or snapshots is less than 1.
        TypeError: R holds no real numbers, permutation or snapshots no integers.

    Cost:
        n^2 operations.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> shift = jnp.array([1, 2, 3, 0])
        >>> groups.commutator_floor(shift, jnp.eye(4), snapshots=8)
        Array(5., dtype=float32)

    See Also:
        `commutativity_residual`.
    """
    (p,) = _group_checks.permutations("permutation", np.asarray(permutation)[None])
    snapshots = _checks.integer("snapshots", snapshots, minimum=1)
    R = _wide(_group_checks.real_matrix("R", R, p.size))
    PR = R[np.argsort(p)]
    plain = jnp.square(jnp.trace(R)) + jnp.square(_norm(R))
    moved = jnp.square(jnp.trace(PR)) + jnp.sum(PR * PR.T)
    return 2 * (plain - moved) / snapshots
