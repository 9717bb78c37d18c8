"""Permutations that nearly commute with a symmetric matrix: relaxation, rounding, exchanges.

All of them climb $f(P) = \\operatorname{tr}(R P R P^T)$, from which $|P R - R P|_F^2 =
2 |R|_F^2 - 2 f(P)$. A permutation p is the matrix with ones at (i, p[i]) in this file only: the
transpose of the matrix that moves vectors, whose commutator with R has the same norm.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

_STEPS = 60  # of an ascent; it mostly ends at a vertex after a few
_NOTHING = 1e-12  # of |R|^2: gains that are round-off


def commutator(R: NDArray[np.float64], p: NDArray[np.int64]) -> float:
    """|P R - R P|^2 for the permutation p."""
    return float(np.square(R[np.ix_(p, p)] - R).sum())


def best(R: NDArray[np.float64], anchors: Mapping[int, int]) -> NDArray[np.int64]:
    """The best permutation with p[i] = k for all anchors i: k that the ascents end at."""
    n = len(R)
    # A multiple of I changes f by a constant on permutations; without trace f is least convex,
    # and the ascent passes through the inside.
    R = R - np.eye(n) * np.trace(R) / n
    found = [
        _exchanged(R, _rounded(_ascent(R, D, anchors), anchors), anchors)
        for D in _starts(n, anchors)
    ]
    return min(found, key=lambda p: commutator(R, p))


def _starts(n: int, anchors: Mapping[int, int]) -> Iterator[NDArray[np.float64]]:
    """The centre of the doubly stochastic matrices that obey the anchors, and the centres of those
    that send one more point to each place: two anchors say where most other points belong."""
    yield _centre(n, anchors)
    free = [i for i in range(n) if i not in anchors]
    for k in range(n):
        if len(free) > 1 and k not in anchors.values():
            yield _centre(n, {**anchors, free[0]: k})


def _centre(n: int, anchors: Mapping[int, int]) -> NDArray[np.float64]:
    """The doubly stochastic matrix that obeys the anchors and is constant elsewhere."""
    D = np.full((n, n), 1 / max(1, n - len(anchors)))
    points, images = list(anchors.keys()), list(anchors.values())
    D[points, :] = D[:, images] = 0
    D[points, images] = 1
    return D


def _rounded(weights: NDArray[np.float64], anchors: Mapping[int, int]) -> NDArray[np.int64]:
    """The permutation of largest weight that obeys the anchors."""
    points, images = list(anchors.keys()), list(anchors.values())
    weights = weights.copy()
    never = -4 * len(weights) * (np.abs(weights).max() + 1)
    weights[points, :] = weights[:, images] = never
    weights[points, images] = 0
    return linear_sum_assignment(weights, maximize=True)[1]


def _ascent(
    R: NDArray[np.float64], D: NDArray[np.float64], anchors: Mapping[int, int]
) -> NDArray[np.float64]:
    """Frank-Wolfe from D: the gradient is 2 R D R, the line search of a parabola is exact."""
    n = len(R)
    for _ in range(_STEPS):
        gradient = 2 * R @ D @ R
        step = np.eye(n)[_rounded(gradient, anchors)] - D
        slope = (gradient * step).sum()
        if slope <= _NOTHING * np.square(R).sum():
            break
        curvature = (step * (R @ step @ R)).sum()
        D = D + (1.0 if curvature >= 0 else min(1.0, -slope / (2 * curvature))) * step
    return D


def _exchanged(
    R: NDArray[np.float64], p: NDArray[np.int64], anchors: Mapping[int, int]
) -> NDArray[np.int64]:
    """Exchange the images of two points, the best two each time, until that gains nothing.

    With B = R[p, p] and X = R B, exchanging those of a and b adds 2 sum_k (R_ak - R_bk)
    (B_bk - B_ak) over the other k, and a term of the diagonals: n^2 operations for all pairs. Then
    rows and columns of B change places, and X changes by a matrix of rank one.
    """
    p, B = p.copy(), R[np.ix_(p, p)]
    X = R @ B
    free = np.array([i not in anchors for i in range(len(p))])
    pairs = np.triu(free[:, None] & free, 1)
    r = np.diag(R)
    smallest = _NOTHING * np.square(R).sum()
    while True:
        b, x = np.diag(B), np.diag(X)
        sums = X + X.T - x[:, None] - x
        at_a, at_b = (r[:, None] - R) * (B - b[:, None]), (R - r) * (b - B)
        gains = 2 * (sums - at_a - at_b) + (r[:, None] - r) * (b - b[:, None])
        i, j = np.unravel_index(np.argmax(np.where(pairs, gains, -np.inf)), gains.shape)
        if not (pairs[i, j] and gains[i, j] > smallest):
            return p
        X += np.outer(R[:, j] - R[:, i], B[i] - B[j])
        for array in (X.T, B, B.T, p):
            array[[i, j]] = array[[j, i]]
