"""Which order of the points fits a group: maximum likelihood over permutations, by local search.

For Gaussian vectors with an invariant covariance the likelihood depends on an order o through
log det of the average of R[o][:, o] alone (the average is the maximum likelihood estimate of an
invariant covariance). Its eigenvalues are linear in the sums over the orbitals, and a swap of two
points changes these sums by what n^2 numbers say: all swaps together take n^3 r operations.
"""

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hadax.groups import _estimates
from hadax.groups.base import PermutationGroup
from hadax.groups.decomposition import symmetry_adapted

_FLOOR = 1e-12  # of the mean variance: below, an eigenvalue is zero to round-off
_POLISHED = 32  # orders, of those to start from, that are improved
_KICKED = 5  # points that change places at once, to leave a local optimum


class OrderSearch:
    """The search for one group, which is transitive and multiplicity free.

    `blocks` are sizes of aligned blocks of points that are swapped as wholes, too.
    """

    def __init__(self, group: PermutationGroup, blocks: tuple[int, ...] = ()) -> None:
        self.group, self._blocks = group, blocks
        self._labels, counts = _estimates.symmetric_orbitals(group)
        self._rank = counts.size
        Q = symmetry_adapted(group).matrix
        energies = np.einsum("il,jl->lij", Q, Q)
        sums = _estimates.label_sums(self._labels, self._rank, energies)
        # Row l takes sums over orbitals to the eigenvalue of column l of Q; equal rows are merged.
        rows, multiplicities = np.unique(sums.round(9), axis=0, return_counts=True)
        self._eigenvalues, self._multiplicities = rows / counts, multiplicities
        self._indicators = (self._labels[:, None, :] == np.arange(self._rank)[:, None]).astype(
            float
        )

    def scores(self, R: NDArray[np.float64], orders: NDArray[np.int64]) -> NDArray[np.float64]:
        """The log-determinant of the average for each order (count, n): less is better."""
        moved = R[orders[:, :, None], orders[:, None, :]]
        return self._log_det(_estimates.label_sums(self._labels, self._rank, moved), R)

    def search(
        self, R: NDArray[np.float64], starts: NDArray[np.int64], rounds: int, seed: int
    ) -> NDArray[np.int64]:
        """The best order found from `starts` (count, n), then from kicks of the best one."""
        best_first = np.argsort(self.scores(R, starts), kind="stable")
        found = [self._improved(R, starts[i]) for i in best_first[:_POLISHED]]
        score, order = min(found, key=lambda pair: pair[0])
        rng = np.random.default_rng(seed)
        for _ in range(rounds):
            places = rng.choice(order.size, min(_KICKED, order.size), replace=False)
            kicked = order.copy()
            kicked[places] = order[np.roll(places, 1)]
            score, order = min((score, order), self._improved(R, kicked), key=lambda pair: pair[0])
        return order

    def _improved(
        self, R: NDArray[np.float64], order: NDArray[np.int64]
    ) -> tuple[float, NDArray[np.int64]]:
        """The local optimum that the best of all swaps leads to, again and again."""
        (score,) = self.scores(R, order[None])
        while True:
            after = self._after_swaps(R, order)
            place = np.unravel_index(np.argmin(after), after.shape)
            best, candidate = after[place], order.copy()
            candidate[list(place)] = order[list(place[::-1])]
            for blocks in self._block_swaps(order):
                scores = self.scores(R, blocks)
                if scores.min() < best:
                    best, candidate = scores.min(), blocks[np.argmin(scores)]
            if best >= score - 1e-9 * order.size:
                return float(score), order
            score, order = best, candidate

    def _after_swaps(self, R: NDArray[np.float64], order: NDArray[np.int64]) -> NDArray[np.float64]:
        """The score (n, n) after the points in places a and b are swapped."""
        M = R[np.ix_(order, order)]
        rows = self._indicators @ M  # [a, label, b]: the sum of M[b, j] over the j with that label
        rows = rows.transpose(0, 2, 1)
        own = np.einsum("aal->al", rows)
        change = rows + rows.transpose(1, 0, 2) - own[:, None] - own[None, :]
        # Where a and b meet one another nothing moves, but the sums above count it.
        meeting = 2 * M - np.diag(M)[:, None] - np.diag(M)[None, :]
        a, b = np.indices(M.shape)
        change[a, b, self._labels[0, 0]] -= meeting
        change[a, b, self._labels] += meeting
        return self._log_det(_estimates.label_sums(self._labels, self._rank, M) + 2 * change, R)

    def _block_swaps(self, order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """The orders (count, n) with two aligned blocks swapped, one size after the other."""
        for size in self._blocks:
            blocks = order.reshape(-1, size)
            first, second = np.triu_indices(len(blocks), 1)
            moved = np.repeat(blocks[None], first.size, axis=0)
            each = np.arange(first.size)
            moved[each, first], moved[each, second] = blocks[second], blocks[first]
            yield moved.reshape(first.size, -1)

    def _log_det(self, sums: NDArray[np.float64], R: NDArray[np.float64]) -> NDArray[np.float64]:
        """The log-determinant of the average with these sums over orbitals."""
        floor = _FLOOR * np.trace(R) / len(R)
        logs: NDArray[np.float64] = np.log(np.maximum(sums @ self._eigenvalues.T, floor))
        return np.sum(logs * self._multiplicities, axis=-1)


@functools.lru_cache(maxsize=16)
def order_search(group: PermutationGroup, blocks: tuple[int, ...] = ()) -> OrderSearch:
    """The search for a group, prepared once."""
    return OrderSearch(group, blocks)
