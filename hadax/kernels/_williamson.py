"""Williamson quadruples: four symmetric circulants A, B, C, D of +1 and -1 and order w with
A^2 + B^2 + C^2 + D^2 = 4 w I, found by search, and the Hadamard matrices made of them.

A circulant is its first row. Four rows fit when their periodic autocorrelations add up to zero at
every shift but 0; integers decide that, exactly.
"""

import functools

import numpy as np

# Order w -> multiplier g: the search asks for rows with a[g i mod w] = a[i], which leaves so few of
# them that every order here takes milliseconds (w = 23 has no such multiplier: 0.3 s). The next
# ones, w = 25, 29, 31, ..., need more rows than a search in a second can pair.
MULTIPLIERS = {7: 1, 9: 1, 13: 5, 17: 1, 21: 1, 23: 1, 43: 6}

# Orders t of the T-matrices: t = 2 g + 1 with a Golay pair of length g = 1, 2, 4, 8.
T_ORDERS = (3, 5, 9, 17)


def williamson_matrix(w: int) -> np.ndarray:
    """The Hadamard matrix of order 4 w in Williamson's array."""
    A, B, C, D = (_circulant(row) for row in _quadruple(w))
    return np.block([[A, B, C, D], [-B, A, -D, C], [-C, D, A, -B], [-D, -C, B, A]])


def cooper_wallis_matrix(t: int, w: int) -> np.ndarray:
    """The Hadamard matrix of order 4 t w: T-matrices of order t and a Williamson quadruple of
    order w give four matrices for the array of Goethals and Seidel."""
    T = [_circulant(row) for row in _t_sequences(t)]
    A, B, C, D = (_circulant(row) for row in _quadruple(w))
    X, Y, Z, W = (
        np.sum([np.kron(left, right) for left, right in zip(T, quadruple, strict=True)], axis=0)
        for quadruple in [(A, B, C, D), (-B, A, D, -C), (-C, -D, A, B), (-D, C, -B, A)]
    )
    # The reversal R makes the product of two circulants symmetric: X (Y R)^T = Y R X^T.
    Y_R, Z_R, W_R = Y[:, ::-1], Z[:, ::-1], W[:, ::-1]
    Yt_R, Zt_R, Wt_R = Y.T[:, ::-1], Z.T[:, ::-1], W.T[:, ::-1]
    return np.block(
        [[X, Y_R, Z_R, W_R], [-Y_R, X, Wt_R, -Zt_R], [-Z_R, -Wt_R, X, Yt_R], [-W_R, Zt_R, -Yt_R, X]]
    )


def _circulant(row: np.ndarray) -> np.ndarray:
    """The matrix with entry row[(j - i) mod w] at (i, j)."""
    i = np.arange(len(row), dtype=np.int32)
    return row[(i[None, :] - i[:, None]) % len(row)]


def _t_sequences(t: int) -> np.ndarray:
    """Four rows (4, t) of 0, +1, -1: one non-zero entry a column, autocorrelations that cancel."""
    a = b = np.ones(1, np.int8)
    while 2 * len(a) + 1 < t:
        a, b = np.concatenate([a, b]), np.concatenate([a, -b])  # a Golay pair of twice the length
    rows = np.zeros((4, t), np.int8)
    rows[0, 0] = 1
    rows[1, 1 : 1 + len(a)] = a
    rows[2, 1 + len(a) :] = b
    return rows


@functools.cache
def _quadruple(w: int) -> np.ndarray:
    """The first rows (4, w), int8, of the first Williamson quadruple in the order of the search."""
    orbits = _orbits(w, MULTIPLIERS[w])
    bits = np.arange(2 ** len(orbits))[:, None] >> np.arange(len(orbits)) & 1
    rows = np.ones((len(bits), w), np.int8)  # entry 0 is +1: a row and its negative are alike
    for j, orbit in enumerate(orbits):
        rows[:, orbit] = 1 - 2 * bits[:, j : j + 1]
    # The four power spectra add up to 4 w at every frequency, so none of them exceeds it.
    rows = rows[(np.fft.rfft(rows).real ** 2).max(axis=1) < 4 * w + 0.5]

    shifts = [orbit[0] for orbit in orbits]
    correlation = np.stack(
        [(rows * np.roll(rows, s, axis=1)).sum(axis=1, dtype=np.int64) for s in shifts], axis=1
    )
    # A hash that is linear modulo 2^64: rows cancel only if their hashes do.
    weights = np.cumprod(np.full(len(shifts), 0x9E3779B97F4A7C15, np.uint64)).view(np.int64)
    hashes, first = np.unique(correlation @ weights, return_index=True)
    i, j = np.triu_indices(len(hashes))
    pair_hashes = hashes[i] + hashes[j]
    order = np.argsort(pair_hashes, kind="stable")
    other = order[np.searchsorted(pair_hashes, -pair_hashes, sorter=order) % len(order)]
    for pair in np.flatnonzero(pair_hashes[other] == -pair_hashes):
        chosen = first[[i[pair], j[pair], i[other[pair]], j[other[pair]]]]
        if not correlation[chosen].sum(axis=0).any():
            return rows[chosen]
    raise AssertionError(f"order {w} has a Williamson quadruple")


def _orbits(w: int, multiplier: int) -> list[list[int]]:
    """The orbits of 1, ..., w - 1 under i -> -i and i -> multiplier i, modulo w."""
    left = set(range(1, w))
    orbits = []
    while left:
        orbit, new = set(), {min(left)}
        while new:
            orbit |= new
            new = {y % w for x in new for y in (-x, multiplier * x)} - orbit
        orbits.append(sorted(orbit))
        left -= orbit
    return orbits
