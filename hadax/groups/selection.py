"""Which of several groups a covariance belongs to: likelihood against the number of parameters."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from hadax import _checks
from hadax._typing import ArrayLike, Inexact
from hadax.groups import _estimates, _group_checks
from hadax.groups.actions import dihedral, reflection, symmetric, trivial
from hadax.groups.base import PermutationGroup
from hadax.groups.cubes import elementary_abelian, hamming, iterated_wreath
from hadax.groups.folded import FoldedAlgebra, FoldedKind, folded_dihedral, folded_product
from hadax.groups.products import direct_product, wreath

Structure: TypeAlias = PermutationGroup | FoldedAlgebra
Criterion: TypeAlias = Literal["bic", "risk"]


@dataclass(frozen=True)
class Candidate:
    """A group as a model of a covariance.

    `parameters` is how many numbers it leaves free, `score` what it is ranked by: less is better.
    """

    group: Structure
    parameters: int
    score: float


def library(n: int) -> tuple[Structure, ...]:
    r"""The classical symmetries of n points in their natural order: what `select` looks through.

    The trivial group, the reversal, $S_n$, $D_n$, the eight folded dihedral algebras; for each
    n = a b also $D_a \times D_b$, $S_a \wr S_b$ and the products of two folded algebras of one
    kind; for a power of two also $Z_2^b$, the Hamming scheme and the binary tree. Groups that leave
    the same symmetric matrices as one before them are left out.

    Args:
        n: number of points, at least 2.

    Returns:
        Groups of degree n and folded dihedral algebras.

    Raises:
        ValueError: n is less than 2.
        TypeError: n is no integer.

    Cost:
        n^2 operations and numbers a group.

    Example:
        >>> from hadax import groups
        >>> print(*(group.name for group in groups.library(4)[:5]), sep=", ")
        1, reflection, S4, D4, folded dihedral (DCT-I)
        >>> len(groups.library(16))
        45

    See Also:
        `discover`, which looks for an unknown order of the points as well.
    """
    n = _checks.integer("n", n, minimum=2)
    found: list[Structure] = [trivial(n), reflection(n), symmetric(n), dihedral(n)]
    found += [folded_dihedral(kind, n) for kind in get_args(FoldedKind)]
    for a in range(2, n // 2 + 1):
        if n % a == 0:
            found.append(direct_product(dihedral(a), dihedral(n // a)))
            found.append(wreath(symmetric(a), symmetric(n // a)))
            found.extend(
                folded_product(folded_dihedral(kind, a), folded_dihedral(kind, n // a))
                for kind in get_args(FoldedKind)
            )
    if n >= 4 and n & (n - 1) == 0:
        bits = n.bit_length() - 1
        found += [elementary_abelian(bits), hamming(bits), iterated_wreath(bits)]
    distinct = {_partition(group): group for group in reversed(found)}
    return tuple(reversed(distinct.values()))


def bic(group: Structure, x: Inexact[ArrayLike, "..."], *, snapshots: int | None = None) -> float:
    r"""The Bayesian information criterion of a group as a model of Gaussian vectors.

    $L \log\det\hat R_G + p_G \log L$ with the sample covariance $\hat R$ of L real vectors of mean
    zero, its average $\hat R_G$, and the $p_G$ free parameters of an invariant covariance. It is
    $-2$ times the largest log-likelihood (the average is the maximum likelihood estimate: invariant
    matrices are an algebra) plus Schwarz's penalty, up to a term that all groups share.

    Args:
        group: a permutation group of degree n, or a folded dihedral algebra.
        x: vectors (L, n), real, of mean zero, one a row; or with `snapshots` a covariance (n, n).
        snapshots: how many vectors the covariance was estimated from.

    Returns:
        A number: less is better. Infinity where the average is singular (too few vectors).

    Raises:
        ValueError: x has another shape, is not finite, or is no covariance though snapshots is
            given.
        TypeError: group is none, or x holds no real numbers.

    Cost:
        O(L n^2 + n^3) operations, in NumPy and double precision.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> x = np.random.default_rng(0).normal(size=(64, 8))   # white: the fewest parameters win
        >>> bool(groups.bic(groups.symmetric(8), x) < groups.bic(groups.trivial(8), x))
        True

    See Also:
        `select`, which compares many; `estimated_risk`, which is about the estimate's error.

    References:
        Schwarz (1978), key `schwarz1978`.
    """
    _group_checks.instance("group", group, PermutationGroup, FoldedAlgebra)
    R, L = _estimates.covariance(x, snapshots)
    _group_checks.entries("x", len(R), group.name, group.degree)
    return _estimates.bic(group, R, L)


def select(
    x: Inexact[ArrayLike, "..."],
    library: Iterable[Structure],
    *,
    criterion: Criterion = "bic",
    snapshots: int | None = None,
) -> tuple[Candidate, ...]:
    r"""Rank groups as models of a covariance.

    By `bic`, which finds the true group with a probability that tends to 1, or by `estimated_risk`,
    which chooses what estimates the covariance best: it keeps to subgroups of the true group with a
    probability that does not vanish, and needs no Gaussian law. Neither is to be trusted for the
    trivial group with hardly more vectors than entries.

    Args:
        x: vectors (L, n), real, of mean zero, one a row; or with `snapshots` a covariance (n, n).
        library: groups of degree n and folded dihedral algebras, for example `library(n)`.
        criterion: "bic" or "risk"; the latter needs the vectors themselves.
        snapshots: how many vectors the covariance was estimated from.

    Returns:
        The candidates, best first.

    Raises:
        ValueError: x has another shape, library is empty, criterion is unknown, or is "risk" where
            snapshots is given.
        TypeError: library holds something else, or x no real numbers.

    Cost:
        O(n^3) operations a group after the covariance is formed; O(L n^2) a group for "risk".

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> i = np.arange(8)
        >>> R = 0.95 ** abs(i[:, None] - i)                                          # AR(1)
        >>> for L in (100, 100_000):
        ...     print(L, groups.select(R, groups.library(8), snapshots=L)[0].group)
        100 <folded dihedral (DCT-II) on 8 points>
        100000 <reflection on 8 points>

    See Also:
        `discover`, which also says whether the best one fits at all.
    """
    _checks.choice("criterion", criterion, get_args(Criterion))
    found = tuple(library)
    if not found:
        raise ValueError("Argument `library` must hold at least one group, but is empty.")
    R, L = _estimates.covariance(x, snapshots)
    for group in found:
        _group_checks.instance("library", group, PermutationGroup, FoldedAlgebra)
        _group_checks.entries("x", len(R), group.name, group.degree)
    if criterion == "bic":
        scores = [_estimates.bic(group, R, L) for group in found]
    elif snapshots is None:
        scores = [_estimates.risk(group, _group_checks.finite_values("x", x)) for group in found]
    else:
        raise ValueError('Argument `criterion` must be "bic" where only a covariance is given.')
    candidates = (
        Candidate(group, _estimates.parameters(group), value)
        for group, value in zip(found, scores, strict=True)
    )
    return tuple(sorted(candidates, key=lambda candidate: candidate.score))


def _partition(group: Structure) -> object:
    """What two groups that leave the same symmetric matrices have in common."""
    if isinstance(group, FoldedAlgebra):
        return group
    return _estimates.symmetric_orbitals(group)[0].tobytes()
