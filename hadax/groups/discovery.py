"""Groups whose points the data show in an unknown order.

Each search has starts of its own, from the eigenvectors or the rows of the covariance, and then
climbs the Gaussian likelihood over orders (`_orders`). Its score is `bic` plus a price for the
order: every relabelling counts as a hypothesis of its own.
"""

import math

import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax._typing import ArrayLike, Inexact
from hadax.groups import _estimates, _group_checks
from hadax.groups._orders import order_search
from hadax.groups.actions import dihedral
from hadax.groups.base import PermutationGroup
from hadax.groups.cubes import elementary_abelian, iterated_wreath
from hadax.groups.relabelling import relabelled
from hadax.groups.selection import Candidate

_NEIGHBOURS = 16  # how far apart in the spectrum two eigenvectors may be to be tried as a pair
_TINY = 1e-9  # of the largest eigenvalue: below, a logarithm says nothing


def discover_cyclic(
    x: Inexact[ArrayLike, "..."],
    *,
    snapshots: int | None = None,
    rounds: int = 128,
    seed: int = 0,
) -> Candidate:
    r"""The order in which points lie on a circle, from their covariance.

    The most likely order for the dihedral group (which leaves the same symmetric matrices as the
    cyclic one). Two eigenvectors of one frequency are a circle: the points in the order of their
    angles are where the search starts.

    Args:
        x: vectors (L, n), real, of mean zero, one a row, n at least 4; or with `snapshots` a
            covariance (n, n).
        snapshots: how many vectors the covariance was estimated from; for one that is known, a
            large number, for example 10**6.
        rounds: how often the search leaves a local optimum.
        seed: of the kicks that do so.

    Returns:
        The group, relabelled, its free parameters, and its score: `bic` plus
        $2 \log(n! / (n \varphi(n)))$, the number of different orders.

    Raises:
        ValueError: x has another shape or is not finite, or rounds is negative.
        TypeError: x holds no real numbers, or an option is no integer.

    Cost:
        O(n^3 r) operations a step, r = n/2 + 1 orbitals; about n steps for each of 32 starts, and
        a few for each round. A tenth of a second for 16 points, ten seconds for 64.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> place = np.array([0, 3, 1, 5, 2, 4, 7, 6])               # where the points lie
        >>> R = np.exp(np.cos(2 * np.pi * (place[:, None] - place[None]) / 8))
        >>> found = groups.discover_cyclic(R, snapshots=10**6)
        >>> found.group, bool(groups.commutativity_residual(found.group, R) < 1e-6)
        (<D8 relabelled on 8 points>, True)

    See Also:
        `discover`, which tries all of them.
    """
    R, L = _estimates.covariance(x, snapshots)
    n = len(R)
    _group_checks.least("x", n, 4)
    _, vectors = np.linalg.eigh(R)
    pairs = ((i, j) for i in range(n) for j in range(i + 1, min(n, i + _NEIGHBOURS)))
    angles = [np.arctan2(vectors[:, j], vectors[:, i]) for i, j in pairs]
    starts = np.argsort(np.stack(angles), axis=1)
    units = sum(math.gcd(k, n) == 1 for k in range(n))
    return _found(dihedral(n), R, L, starts, math.log(n * units), rounds, seed)


def discover_elementary_abelian(
    x: Inexact[ArrayLike, "..."],
    *,
    snapshots: int | None = None,
    rounds: int = 128,
    seed: int = 0,
) -> Candidate:
    r"""The bits that number the points so that a covariance is dyadic, R_ij = r(i xor j).

    The most likely order for $Z_2^b$. Its eigenvectors are signs: b independent ones that are flat
    and balanced are where the search starts.

    Args:
        x: vectors (L, n), real, of mean zero, one a row, n a power of two; or with `snapshots` a
            covariance (n, n).
        snapshots: how many vectors the covariance was estimated from; for one that is known, a
            large number, for example 10**6.
        rounds: how often the search leaves a local optimum.
        seed: of the kicks that do so.

    Returns:
        The group, relabelled, its free parameters, and its score: `bic` plus
        $2 \log(n! / (n \prod_{i<b} (n - 2^i)))$, the number of different orders.

    Raises:
        ValueError: x has another shape, is not finite or has no power of two of entries a vector,
            or rounds is negative.
        TypeError: x holds no real numbers, or an option is no integer.

    Cost:
        O(n^4) operations a step; few steps from the start, and for each round.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> label = np.array([5, 0, 3, 6, 1, 7, 2, 4])
        >>> R = np.array([8.0, 4, 3, 2, 1, 0.5, 0.2, 0.1])[label[:, None] ^ label[None, :]]
        >>> found = groups.discover_elementary_abelian(R, snapshots=10**6)
        >>> found.group, bool(groups.commutativity_residual(found.group, R) < 1e-6)
        (<Z2^3 relabelled on 8 points>, True)

    See Also:
        `discover`, which tries all of them.
    """
    R, L = _estimates.covariance(x, snapshots)
    n = len(R)
    bits = _group_checks.bits("x", n)
    symmetries = math.log(n) + sum(math.log(n - 2**i) for i in range(bits))
    starts = np.stack([_sign_order(R, bits), np.arange(n)])
    return _found(elementary_abelian(bits), R, L, starts, symmetries, rounds, seed)


def discover_tree(
    x: Inexact[ArrayLike, "..."],
    *,
    snapshots: int | None = None,
    rounds: int = 128,
    seed: int = 0,
) -> Candidate:
    r"""The binary tree whose leaves the points are, from their covariance.

    The most likely order for $Z_2 \wr \dots \wr Z_2$. Twins have equal rows but for one another's
    entries: points are matched to pairs, pairs to fours and so on, where the search starts (for the
    covariance, its logarithm and its inverse). The heights need not be monotone in the covariance,
    which is why this is no hierarchical clustering of its entries.

    Args:
        x: vectors (L, n), real, of mean zero, one a row, n a power of two; or with `snapshots` a
            covariance (n, n).
        snapshots: how many vectors the covariance was estimated from; for one that is known, a
            large number, for example 10**6.
        rounds: how often the search leaves a local optimum.
        seed: of the kicks that do so.

    Returns:
        The group, relabelled, its free parameters, and its score: `bic` plus
        $2 \log(n! / 2^{n-1})$, the number of different trees.

    Raises:
        ValueError: x has another shape, is not finite or has no power of two of entries a vector,
            or rounds is negative.
        TypeError: x holds no real numbers, or an option is no integer.

    Cost:
        O(n^4) operations a step; few steps from the start, and for each round.

    Example:
        >>> import numpy as np
        >>> from hadax import groups
        >>> cousins = np.array([0, 1, 0, 1, 1, 0, 0, 1])
        >>> siblings = np.array([0, 2, 1, 3, 2, 0, 1, 3])
        >>> R = np.eye(8) + (cousins[:, None] == cousins) + (siblings[:, None] == siblings)
        >>> found = groups.discover_tree(R, snapshots=10**6)
        >>> found.group, bool(groups.commutativity_residual(found.group, R) < 1e-6)
        (<W3 relabelled on 8 points>, True)

    See Also:
        `discover`, which tries all of them; `scipy.cluster.hierarchy`, for clusters.
    """
    R, L = _estimates.covariance(x, snapshots)
    n = len(R)
    bits = _group_checks.bits("x", n)
    starts = np.stack([_twin_order(S) for S in (R, *_spectral(R))])
    blocks = tuple(2**level for level in range(1, bits - 1))
    symmetries = (n - 1) * math.log(2)
    return _found(iterated_wreath(bits), R, L, starts, symmetries, rounds, seed, blocks)


def _found(
    group: PermutationGroup,
    R: NDArray[np.float64],
    L: int,
    starts: NDArray[np.int64],
    symmetries: float,
    rounds: int,
    seed: int,
    blocks: tuple[int, ...] = (),
) -> Candidate:
    """The best relabelling of a group; `symmetries` is the logarithm of how many orders are the
    same for it."""
    rounds = _checks.integer("rounds", rounds, minimum=0)
    seed = _checks.integer("seed", seed, minimum=0)
    order = order_search(group, blocks).search(R, starts, rounds, seed)
    moved = relabelled(group, order)
    price = 2 * (math.lgamma(len(R) + 1) - symmetries)
    score = _estimates.bic(moved, R, L) + price
    return Candidate(moved, _estimates.parameters(moved), score)


def _sign_order(R: NDArray[np.float64], bits: int) -> NDArray[np.int64]:
    """The points in the order of the numbers that the signs of flat eigenvectors give them."""
    _, vectors = np.linalg.eigh(R)
    signs = (vectors * np.sign(vectors[0]) < 0).astype(int)
    codes, used = np.zeros(len(R), int), 0
    for k in np.argsort(np.abs(vectors).std(axis=0), kind="stable"):
        longer = 2 * codes + signs[:, k]
        # Each code of one more bit must be that of equally many points.
        if (np.bincount(longer, minlength=2 << used) == len(R) >> (used + 1)).all():
            codes, used = longer, used + 1
        if used == bits:
            break
    return np.argsort(codes, kind="stable")


def _twin_order(R: NDArray[np.float64]) -> NDArray[np.int64]:
    """The leaves of the tree that greedy matching of twins builds from the bottom up."""
    blocks = np.arange(len(R))[:, None]
    M = R
    while len(blocks) > 1:
        pairs = np.array(_matched(_twin_costs(M)))
        blocks = blocks[pairs].reshape(len(pairs), -1)
        M = R[blocks[:, None, :, None], blocks[None, :, None, :]].mean(axis=(2, 3))
    return blocks[0]


def _twin_costs(M: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far points i and j are from being exchangeable: |row i - row j|^2 without i and j, and
    the difference of their variances."""
    variances = np.diag(M)
    rows = np.square(M[:, None] - M[None]).sum(axis=2)
    # Columns i and j of the two rows are compared in the wrong order: leave them out.
    own = np.square(variances[:, None] - M)
    return rows - own - own.T + np.square(variances[:, None] - variances[None])


def _matched(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Disjoint pairs of points, the cheapest first."""
    first, second = np.triu_indices(len(costs), 1)
    free, pairs = np.ones(len(costs), bool), []
    for k in np.argsort(costs[first, second], kind="stable"):
        i, j = int(first[k]), int(second[k])
        if free[i] and free[j]:
            free[[i, j]] = False
            pairs.append((i, j))
    return pairs


def _spectral(R: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The logarithm and the inverse, in which small eigenvalues count; singular ones are lifted."""
    values, vectors = np.linalg.eigh(R)
    values = np.maximum(values, _TINY * values[-1])
    return (vectors * np.log(values)) @ vectors.T, (vectors / values) @ vectors.T
