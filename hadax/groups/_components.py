"""Orbits of points and of pairs of points, as connected components of a graph."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def orbits(maps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels (n,) of the orbits of n points under the permutations `maps` (count, n), numbered in
    the order of their first points."""
    count, n = maps.shape
    edges = (np.tile(np.arange(n), count), maps.ravel())
    graph = coo_array((np.ones(count * n, bool), edges), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    return in_order_of_appearance(labels)


def orbitals(maps: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels (n, n) of the orbits of pairs of points."""
    count, n = maps.shape
    pairs = (maps[:, :, None] * n + maps[:, None, :]).reshape(count, n * n)
    return orbits(pairs).reshape(n, n)


def in_order_of_appearance(labels: NDArray) -> NDArray[np.int64]:
    """Number the distinct values 0, 1, ... in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(first.size, np.int64)
    number[np.argsort(first)] = np.arange(first.size)
    return number[inverse].reshape(labels.shape)
