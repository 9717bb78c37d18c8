"""The permutations that a covariance is invariant under, found from the covariance itself.

To find one that commutes with R is as hard as to find the automorphisms of a graph: what is here is
a search (relax, round, improve), and a test that says which of its results to believe.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax._typing import ArrayLike, Inexact
from hadax.groups import _assignment, _components, _estimates, _group_checks
from hadax.groups.base import PermutationGroup, generated

_DRAWS = 100  # of the parametric bootstrap
_EXACT = 1e-8  # of |R|^2: what round-off leaves of a commutator with a matrix that is known


def anchored_automorphism(
    R: Inexact[ArrayLike, "n n"], anchors: Mapping[int, int]
) -> NDArray[np.int64]:
    r"""The permutation that comes closest to commuting with a matrix, with some images prescribed.

    It makes $|P R - R P|_F^2 = \sum_{ij} (R_{p(i) p(j)} - R_{ij})^2$ small: Frank-Wolfe ascents of
    $\operatorname{tr}(P R P^T R)$ on the doubly stochastic matrices, from the centre and from each
    choice of one more image, are rounded to permutations, and these improved by exchanges of two
    images. Without an anchor the identity is the best one. The result need not be the optimum.

    Args:
        R: array (n, n), real and symmetric, for example a covariance or its logarithm.
        anchors: for some points i their images p(i).

    Returns:
        The permutation p, integers (n,); p[i] is the image of i.

    Raises:
        ValueError: R is not square and symmetric, or anchors are no part of a permutation.
        TypeError: R holds no real numbers.

    Cost:
        About 10 n products of n x n matrices and as many assignment problems, in NumPy and SciPy.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> distance = np.abs(np.subtract.outer(np.arange(6), np.arange(6)))
        >>> R = np.exp(-np.minimum(distance, 6 - distance))
        >>> groups.anchored_automorphism(R, {0: 2, 1: 1})   # a reflection of the circle
        array([2, 1, 0, 5, 4, 3])

    See Also:
        `approximate_automorphisms`, which says what to believe of it; `commutator_floor`;
        `scipy.optimize.quadratic_assignment`, the same relaxation for two matrices.

    References:
        Vogelstein et al. (2015), key `vogelstein2015`.
    """
    matrix = _symmetric(R)
    return _assignment.best(matrix, _group_checks.anchors("anchors", anchors, len(matrix)))


def approximate_automorphisms(
    R: Inexact[ArrayLike, "n n"],
    *,
    snapshots: int | None = None,
    log: bool = False,
    deviations: float = 6.0,
    seed: int = 0,
) -> PermutationGroup:
    r"""The group of permutations that a covariance, or an estimate of one, is invariant under.

    Permutations that send one orbit of the group found so far to another one, or one orbit of pairs
    to another one, are searched for with `anchored_automorphism`. Such a P joins the group G if
    $|P R_G - R_G P|_F^2$ and $|R - R_{\langle G, P\rangle}|_F^2$ are at most some standard
    deviations above their means for Gaussian vectors whose covariance is the average over
    $\langle G, P\rangle$, by simulation; for the trivial G the first mean is `commutator_floor`.
    The second keeps many steps, none of them refuted, from adding up to a group that is. Each one
    that joins takes noise off the average $R_G$ in which the next ones are searched for.

    Args:
        R: array (n, n), real and symmetric.
        snapshots: the number L of vectors that R was estimated from (mean zero, independent), or
            None: R is exact up to round-off, and symmetries are too.
        log: search and test in the logarithm of R, which has the same symmetries; R is positive
            definite. Its noise is the same at small eigenvalues as at large ones, so that it finds
            more where these differ much, and L is a few times n.
        deviations: how many standard deviations. The larger the group is, the more noise is left in
            what joins last, since what fits best joins first.
        seed: of the simulated covariances.

    Returns:
        The group that the accepted permutations generate. It is no more than not refuted: with few
        snapshots it may be larger than the true one, and where the search fails it is smaller.

    Raises:
        ValueError: R is not square and symmetric, with log not positive definite, snapshots is
            less than 1, or less than n with log, or deviations is negative.
        TypeError: R holds no real numbers, snapshots is no integer, or log is no bool.

    Cost:
        O(n) to O(n^2) searches, each as `anchored_automorphism`, and a simulation of 100
        covariances for each result that is tested: about a second at 16 points, in NumPy.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> distance = np.abs(np.subtract.outer(np.arange(8), np.arange(8)))
        >>> R = groups.reynolds(groups.dihedral(8), np.exp(-distance / 2))
        >>> hidden = np.random.default_rng(0).permutation(8)
        >>> found = groups.approximate_automorphisms(R[hidden][:, hidden])
        >>> found.degree, groups.rank(found)
        (8, 5)

    See Also:
        `double_commutator`, for permutations of a given list.
    """
    matrix = _symmetric(R)
    _checks.flag("log", log)
    if snapshots is not None:
        # The logarithm needs simulated covariances of full rank.
        snapshots = _checks.integer("snapshots", snapshots, minimum=len(matrix) if log else 1)
    if log:
        _group_checks.positive_definite("R", matrix)
    deviations = _group_checks.nonnegative("deviations", deviations)
    rng = np.random.default_rng(_checks.integer("seed", seed, minimum=0))
    return _Search(matrix, snapshots, log, deviations, rng).group()


class _Search:
    """The group found so far, and the covariance averaged over it."""

    def __init__(
        self,
        R: NDArray[np.float64],
        snapshots: int | None,
        log: bool,
        deviations: float,
        rng: np.random.Generator,
    ) -> None:
        self.R, self.snapshots, self.log = R, snapshots, log
        self.deviations, self.rng = deviations, rng
        self.accepted = [np.arange(len(R))]
        self._average()

    def group(self) -> PermutationGroup:
        """Join orbits of points, then orbits of pairs, until nothing is accepted."""
        for anchors in (self._between_orbits, self._between_pairs):
            point = 0
            while point < len(self.R):
                point += not self._extended(list(anchors(point)))
        return generated(np.stack(self.accepted), name=f"automorphisms of {len(self.R)} points")

    def _average(self) -> None:
        """Average over what is accepted."""
        self.labels = _components.orbitals(np.stack(self.accepted))
        self.seen = self._scaled(_means(self.R, self.labels))

    def _scaled(self, R: NDArray[np.float64]) -> NDArray[np.float64]:
        """The covariances (..., n, n), or their logarithms."""
        if not self.log:
            return R
        values, vectors = np.linalg.eigh(R)
        return (vectors * np.log(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)

    def _between_orbits(self, point: int) -> Iterator[dict[int, int]]:
        """Send a point to the first point of each later orbit, if it is the first of its own."""
        orbits = np.diag(self.labels)
        firsts = np.unique(orbits, return_index=True)[1]
        if point in firsts:
            yield from ({point: int(k)} for k in firsts if k > point)

    def _between_pairs(self, point: int) -> Iterator[dict[int, int]]:
        """Keep the first point of an orbit where it is, and send a pair with it to another one."""
        orbits = np.diag(self.labels)
        first = int(np.argmax(orbits == orbits[point]))
        inside = np.flatnonzero(orbits == orbits[point])[1:]
        seconds = inside[np.unique(self.labels[first, inside], return_index=True)[1]]
        if point in seconds:
            yield from ({first: first, point: int(k)} for k in seconds if k > point)

    def _extended(self, anchors: list[dict[int, int]]) -> bool:
        """Accept the best permutation with one of these anchors that passes the tests, if one."""
        found = [_assignment.best(self.seen, each) for each in anchors]
        for p in sorted(found, key=lambda p: _assignment.commutator(self.seen, p)):
            labels = _components.orbitals(np.stack([*self.accepted, p]))
            if self._passes(p, labels):
                self.accepted.append(p)
                self._average()
                return True
        return False

    def _passes(self, p: NDArray[np.int64], labels: NDArray[np.int64]) -> bool:
        """Whether noise may leave what is left of the commutator, and of R off the average over the
        larger group, whose orbitals are `labels`: many small steps may add up to a large one."""
        left = self._left(self.R, p, labels)
        if self.snapshots is None:
            return bool(left[0] <= _EXACT * np.square(self.seen).sum())
        average = _means(self.R, labels)
        draws = self._left(_sample_covariances(average, self.snapshots, self.rng), p, labels)
        limits = draws.mean(axis=1) + self.deviations * draws.std(axis=1, ddof=1)
        return bool((left <= limits).all())

    def _left(
        self, R: NDArray[np.float64], p: NDArray[np.int64], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """|P S - S P|^2 of the averages S over the group found so far, and how far R is from its
        average over the larger one: (2, ...) for covariances (..., n, n)."""
        S = self._scaled(_means(R, self.labels))
        commutator = S[..., p, :][..., p] - S
        rest = self._scaled(R) - self._scaled(_means(R, labels))
        return np.square(np.stack([commutator, rest])).sum(axis=(-2, -1))


def _means(R: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """`orbital_means` in float64, whatever JAX is set to."""
    counts = np.bincount(labels.ravel())
    return (_estimates.label_sums(labels, counts.size, R) / counts)[..., labels]


def _sample_covariances(
    R: NDArray[np.float64], snapshots: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Sample covariances (draws, n, n) of Gaussian vectors of covariance R."""
    values, vectors = np.linalg.eigh(R)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return root @ _estimates.white_covariances(rng, len(R), snapshots, _DRAWS) @ root.T


def _symmetric(R: ArrayLike) -> NDArray[np.float64]:
    """R as a symmetric matrix of float64."""
    matrix = _group_checks.finite_values("R", R)
    _group_checks.own_transpose("R", matrix)
    return matrix
