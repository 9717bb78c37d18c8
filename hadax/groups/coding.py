"""What a basis is worth to a coder: the gain in decibels over coding the samples themselves."""

import math

import jax.numpy as jnp

from hadax._typing import Array, ArrayLike, Inexact
from hadax.groups import _group_checks
from hadax.groups.averages import _wide
from hadax.groups.eigenbases import in_basis
from hadax.operators.base import LinearOperator


def coding_gain(basis: LinearOperator, R: Inexact[ArrayLike, "..."]) -> Inexact[Array, "..."]:
    r"""How much a transform concentrates a signal, in decibels.

    $G = 10 \log_{10} \frac{\frac1n \sum_k \sigma_k^2}{(\prod_k \sigma_k^2)^{1/n}}$: the arithmetic
    over the geometric mean of the variances $\sigma_k^2 = (Q^* R Q)_{kk}$ of the coefficients. At
    high rates, with bits shared out in the best way, a coder of coefficients has this much less
    noise than one that gives every sample the same bits.

    Args:
        basis: a unitary operator of shape (n, n), from vectors to coefficients.
        R: array (..., n, n), the covariance: Hermitian with positive variances in this basis.

    Returns:
        Real array (...): 0 where all variances are equal. Infinite where one is 0, and not a number
        where one is negative.

    Raises:
        ValueError: R has another shape.
        TypeError: basis is no operator, or R holds no floating-point numbers.

    Cost:
        2 n applications of the basis a matrix.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> R = 0.95 ** abs(jnp.arange(8.0)[:, None] - jnp.arange(8.0)[None])
        >>> for group in (groups.folded_dihedral("DCT-II", 8), groups.elementary_abelian(3)):
        ...     print(f"{group.name}: {groups.coding_gain(groups.eigenbasis(group), R):.2f} dB")
        folded dihedral (DCT-II): 8.83 dB
        Z2^3: 7.95 dB

    See Also:
        `klt_coding_gain`, which no basis exceeds; `commutativity_residual` of a basis, which looks
        at what is off the diagonal.

    References:
        Jayant & Noll (1984), key `jayant1984`.
    """
    _group_checks.instance("basis", basis, LinearOperator)
    R = _wide(_group_checks.matrices("R", R, basis.shape[1]))
    variances = jnp.real(jnp.diagonal(in_basis(basis, R), axis1=-2, axis2=-1))
    return _decibels(jnp.mean(variances, axis=-1), jnp.mean(jnp.log(variances), axis=-1))


def klt_coding_gain(R: Inexact[ArrayLike, "..."]) -> Inexact[Array, "..."]:
    r"""The largest coding gain a basis can have, which is that of the KLT, in decibels.

    $G = 10 \log_{10} \frac{\frac1n \operatorname{tr} R}{(\det R)^{1/n}}$: by Hadamard's inequality
    $\prod_k (Q^* R Q)_{kk} \ge \det R$ for every unitary Q, with equality for eigenbases of R.

    Args:
        R: array (..., n, n), Hermitian and positive definite.

    Returns:
        Real array (...); not a number where R is not positive definite.

    Raises:
        ValueError: R is no square matrix.
        TypeError: R holds no floating-point numbers.

    Cost:
        A Cholesky decomposition a matrix: the basis itself is not computed.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import groups
        >>> R = 0.95 ** abs(jnp.arange(8.0)[:, None] - jnp.arange(8.0)[None])
        >>> print(f"{groups.klt_coding_gain(R):.2f} dB")
        8.85 dB

    See Also:
        `coding_gain`, in a given basis.

    References:
        Jayant & Noll (1984), key `jayant1984`.
    """
    R = _wide(_group_checks.matrices("R", R))
    pivots = jnp.real(jnp.diagonal(jnp.linalg.cholesky(R), axis1=-2, axis2=-1))
    level = jnp.real(jnp.trace(R, axis1=-2, axis2=-1)) / R.shape[-1]
    return _decibels(level, 2 * jnp.mean(jnp.log(pivots), axis=-1))


def _decibels(arithmetic: Array, log_geometric: Array) -> Array:
    """10 log10 of a mean over another one, of which the natural logarithm is known."""
    return 10 / math.log(10) * (jnp.log(arithmetic) - log_geometric)
