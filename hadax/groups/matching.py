"""The front door: from vectors to the group that fits them and its transform, or to none."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax._typing import ArrayLike, Inexact
from hadax.groups import _estimates, _group_checks, discovery, selection
from hadax.groups.actions import trivial
from hadax.groups.base import PermutationGroup
from hadax.groups.eigenbases import eigenbasis
from hadax.groups.orbitals import is_multiplicity_free
from hadax.groups.selection import Candidate, Structure
from hadax.operators.base import LinearOperator
from hadax.operators.elementary import Dense

Verdict: TypeAlias = Literal["match", "no match", "white", "too few"]

_BLIND = 64  # points up to which orders are looked for without being asked
_DRAWS = 256  # of a sample covariance, for the mean and deviation of what noise leaves


@dataclass(frozen=True, eq=False)
class Discovery:
    """What was found in some vectors.

    * `verdict`: "match"; "no match", where the best group other than the trivial one does not fit,
      or fits no better than none: then use the KLT; "white", where every orthonormal basis serves;
      or "too few", where there are no more vectors than entries, so that anything would fit better
      than none;
    * `group` and `basis`: the group and the operator from a vector to its coefficients: its
      eigenbasis, or the KLT of the averaged covariance where it has none. Where there is no match,
      the trivial group and the KLT; where vectors are too few, the best group, to be doubted;
    * `delta`: `commutativity_residual` of the `best` group, whether it matches or not;
    * `alpha`: `coloring_index`, and `alpha_floor` its mean for white vectors, about;
    * `z_score`: what the best group leaves of the sample covariance, in standard deviations above
      its mean if the group were right, both of the cube root;
    * `candidates`: all that were compared, best first.

    `str()` of it is a report of one line.
    """

    verdict: Verdict
    group: Structure
    basis: LinearOperator
    delta: float
    alpha: float
    alpha_floor: float
    z_score: float
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """The best candidate other than the trivial group, whether it fits or not."""
        return next(each for each in self.candidates if each.group != trivial(each.group.degree))

    def __str__(self) -> str:
        """The verdict in a line."""
        numbers = f"delta {self.delta:.3f}, alpha {self.alpha:.3f}, z {self.z_score:.1f}"
        best = f"{self.best.group.name} ({self.best.parameters} parameters; {numbers})"
        if self.verdict == "match":
            return best
        if self.verdict == "white":
            return f"white: every orthonormal basis serves (alpha {self.alpha:.3f})"
        if self.verdict == "too few":
            return f"too few vectors to tell: take more than entries (best was {best})"
        return f"no match: use the KLT (best was {best})"


def discover(
    x: Inexact[ArrayLike, "..."],
    *,
    snapshots: int | None = None,
    blind: bool | None = None,
    limit: float = 4.0,
    rounds: int = 128,
    seed: int = 0,
) -> Discovery:
    r"""Find the group that fits some vectors, and the transform that is its basis.

    The groups of `library(n)` in the natural order of the points, and `discover_cyclic`,
    `discover_elementary_abelian`, `discover_tree` in the most likely order, are ranked by `bic`;
    the trivial group, whose transform is the KLT, is among them. The best of the others matches if
    it beats the trivial group and is not refuted: with $D = |\hat R - \hat R_G|_F^{2/3}$,
    $z = (D - E D)/\sigma(D) \le$ `limit`, the mean and deviation being those of sample covariances
    drawn from $\hat R_G$. (A sum of squares is skewed, its cube root hardly: Wilson and Hilferty.)
    The definitions, like those of $\delta$ and $\alpha$, are this project's.

    Args:
        x: vectors (L, n), real, one a row, n at least 2; or with `snapshots` a covariance (n, n).
            The mean is taken to be zero: subtract it before. With no more vectors than entries the
            trivial group has no likelihood, and there is no match; with less than some times as
            many, the blind searches find groups in noise.
        snapshots: how many vectors the covariance was estimated from; for one that is known, a
            large number, for example 10**6.
        blind: look for orders of the points as well (for n of at least 4, trees and bits for powers
            of two); None: up to 64 points, beyond which it takes minutes.
        limit: the largest z of a match. Vectors that are not Gaussian have a larger one.
        rounds: how often a search for an order leaves a local optimum.
        seed: of these searches, and of the draws for z.

    Returns:
        The verdict, the group, its basis, and the numbers behind them.

    Raises:
        ValueError: x has another shape or is not finite, is a covariance though snapshots is not
            given, or none though it is, or more than n vectors span less than n dimensions; limit,
            rounds or seed is negative.
        TypeError: x holds no real numbers, or an option is of another type.

    Cost:
        O(L n^2) operations, O(n^3) for each group of the library, 512 n^2 numbers, and the blind
        searches: together half a second for 16 points, half a minute for 64.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> rng = np.random.default_rng(0)
        >>> circle = rng.permutation(8)                                # unknown to the search
        >>> R = np.exp(np.cos(2 * np.pi * (circle[:, None] - circle[None]) / 8))
        >>> x = rng.multivariate_normal(np.zeros(8), R, size=512)
        >>> print(groups.discover(x).group)
        <D8 relabelled on 8 points>
        >>> A = rng.normal(size=(8, 8))
        >>> groups.discover(x @ A).verdict
        'no match'

    See Also:
        `select`, for a library of one's own; `approximate_automorphisms`, for groups of no
        particular family; `symmetry_adapted`, for a group without eigenbasis.

    References:
        Wilson and Hilferty (1931), key `wilson1931`.
    """
    if blind is not None:
        _checks.flag("blind", blind)
    limit = _group_checks.nonnegative("limit", limit)
    rounds = _checks.integer("rounds", rounds, minimum=0)
    seed = _checks.integer("seed", seed, minimum=0)
    R, L = _estimates.covariance(x, snapshots)
    n = len(R)
    _group_checks.least("x", n, 2)
    _group_checks.not_degenerate("x", R, L)
    candidates = list(selection.select(R, selection.library(n), snapshots=L))
    if n >= 4 and (n <= _BLIND if blind is None else blind):
        searches = [discovery.discover_cyclic]
        if n & (n - 1) == 0:
            searches += [discovery.discover_elementary_abelian, discovery.discover_tree]
        candidates += [each(R, snapshots=L, rounds=rounds, seed=seed) for each in searches]
    candidates = sorted(candidates, key=lambda each: each.score)
    none = next(each for each in candidates if each.group == trivial(n))
    best = next(each for each in candidates if each is not none)
    average = _estimates.average(best.group, R)
    z = _z_score(best.group, R, average, L, seed)
    if L * n * np.log(np.trace(R) / n) + np.log(L) < candidates[0].score:
        verdict: Verdict = "white"
    elif n >= L:
        verdict = "too few"
    else:
        verdict = "match" if best.score < none.score and z <= limit else "no match"
    if verdict == "no match":
        average = R
    group = none.group if verdict == "no match" else best.group
    centred = float(np.linalg.norm(R - np.trace(R) / n * np.eye(n)))
    residual = float(np.linalg.norm(R - _estimates.average(best.group, R)))
    return Discovery(
        verdict=verdict,
        group=group,
        basis=_basis(group, average),
        delta=residual / centred if centred else 0.0,
        alpha=(centred / float(np.linalg.norm(R))) ** 2,
        alpha_floor=(n + 1) / (L + n + 1),
        z_score=z,
        candidates=tuple(candidates),
    )


def _z_score(
    group: Structure, R: NDArray[np.float64], average: NDArray[np.float64], L: int, seed: int
) -> float:
    """How far what the group leaves of R is above its mean for vectors that the group fits."""
    values, vectors = np.linalg.eigh(average)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    white = _estimates.white_covariances(np.random.default_rng(seed), len(R), L, _DRAWS)
    seen = np.concatenate([R[None], root @ white @ root])
    left = np.cbrt(np.square(seen - _estimates.average(group, seen)).sum(axis=(1, 2)))
    spread = left[1:].std(ddof=1)
    return float((left[0] - left[1:].mean()) / spread) if spread > 0 else 0.0


def _basis(group: Structure, average: NDArray[np.float64]) -> LinearOperator:
    """The eigenbasis of a group, or that of an averaged covariance, large variances first."""
    if not isinstance(group, PermutationGroup) or is_multiplicity_free(group):
        return eigenbasis(group)
    _, vectors = np.linalg.eigh(average)
    return Dense(jnp.asarray(vectors.T[::-1]), orthogonal=True)
