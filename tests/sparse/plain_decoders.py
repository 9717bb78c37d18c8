"""Noisy sparse transforms as papers describe them, in NumPy and by loops: a foreign reference.

Nothing here is of `hadax`. Bins of random subspaces are simulated: the coefficients that fall into
one, with the signs of its shifts, and Gaussian noise. A bin holds one coefficient if what is left
without it has at most half as much energy again as noise has: the rule of the specification.
"""

import numpy as np

GROUPS = 3
_GENERATORS = (0o133, 0o171)
_MEMORY = 6
_STATES = 1 << _MEMORY
# In units of the noise's: the energy above which a bin holds more.
_MOST = 1.5
_ROUNDS = 12


def odd(words):
    """The parities of integers."""
    return np.bitwise_count(words) & 1


def encoded(bits):
    """A word of the convolutional code, two bits for each."""
    state, word = 0, []
    for bit in [*bits, *[0] * _MEMORY]:
        state = (state << 1 | bit) & (2 * _STATES - 1)
        word += [int(odd(np.uint64(state & generator))) for generator in _GENERATORS]
    return np.array(word)


def packed(bits):
    return (np.asarray(bits, np.uint64) << np.arange(np.shape(bits)[-1], dtype=np.uint64)).sum(-1)


def viterbi(received):
    """The bits of the words that fit numbers (m, 2 (n + 6)) best, and how well they do."""
    ends = np.arange(_STATES)
    # What leads to state t: t / 2 or t / 2 + 32, and its last bit.
    before = np.stack([ends >> 1, (ends >> 1) + _STATES // 2], axis=1)
    full = (before << 1 | (ends & 1)[:, None]).astype(np.uint64)
    signs = np.stack([1 - 2.0 * odd(full & np.uint64(g)) for g in _GENERATORS], axis=-1)
    count, steps = len(received), received.shape[1] // 2
    metric = np.full((count, _STATES), -np.inf)
    metric[:, 0] = 0
    choices = []
    for step in range(steps):
        gain = np.einsum("mo,tio->mti", received[:, 2 * step : 2 * step + 2], signs)
        candidates = metric[:, before] + gain
        choices.append(candidates.argmax(axis=-1))
        metric = candidates.max(axis=-1)
    state, bits = np.zeros(count, int), []
    for choice in reversed(choices):
        bits.append(state & 1)
        state = before[state, choice[np.arange(count), state]]
    return np.stack(bits[::-1], axis=1)[:, : steps - _MEMORY], metric[:, 0]


def subspaces(rng, n, inner):
    """Columns (groups, b) of full rank."""
    columns = rng.integers(1 << n, size=(GROUPS, inner)).astype(np.uint64)
    for group in columns:
        sums = odd(
            np.arange(1, 1 << inner, dtype=np.uint64)[:, None] >> np.arange(inner).astype("u8")
        )
        if (np.bitwise_xor.reduce(np.where(sums == 1, group, np.uint64(0)), axis=1) == 0).any():
            return subspaces(rng, n, inner)
    return columns


def recovers(rng, support, values, n, inner, noise, method):
    """Whether peeling with "coded", or so many repetitions of bits, finds just this support."""
    columns = subspaces(rng, n, inner)
    if method == "coded":
        words = packed(np.stack([encoded(unit) for unit in np.eye(n, dtype=int)], axis=1))
        shifts = np.concatenate([rng.integers(1 << n, size=8).astype(np.uint64), words])
    else:
        units = np.concatenate([[0], 1 << np.arange(n)]).astype(np.uint64)
        bases = rng.integers(1 << n, size=(method, 1)).astype(np.uint64)
        shifts = (bases ^ units[None]).ravel()

    def signs(k):
        return 1 - 2.0 * odd(shifts[None] & k[:, None])

    def places(k):
        return (odd(columns[:, :, None] & k) << np.arange(inner)[:, None]).sum(axis=1)

    def read(seen):
        if method != "coded":
            votes = seen.reshape(len(seen), method, n + 1)
            return packed(np.einsum("mr,mrq->mq", votes[:, :, 0], votes[:, :, 1:]) < 0)
        both = [viterbi(sign * seen[:, 8:]) for sign in (1, -1)]
        is_positive = both[0][1] >= both[1][1]
        return packed(np.where(is_positive[:, None], both[0][0], both[1][0]))

    variance = noise**2 / (1 << inner)
    most = _MOST * variance
    bins = rng.normal(scale=np.sqrt(variance), size=(GROUPS, 1 << inner, len(shifts)))
    for group, at in zip(bins, places(support), strict=True):
        np.add.at(group, at, values[:, None] * signs(support))
    found = {}
    for here in list(range(GROUPS)) * _ROUNDS:
        full = np.flatnonzero((bins[here] ** 2).mean(axis=-1) > most)
        k = read(bins[here][full])
        value = (bins[here][full] * signs(k)).mean(axis=-1)
        rest = bins[here][full] - value[:, None] * signs(k)
        good = ((rest**2).mean(axis=-1) <= most) & (places(k)[here] == full)
        for one, size in zip(k[good], value[good], strict=True):
            found[int(one)] = found.get(int(one), 0) + size
            for group, at in zip(bins, places(one[None])[:, 0], strict=True):
                group[at] -= size * signs(one[None])[0]
    return {k for k, size in found.items() if abs(size) > 0.3} == set(support.tolist())
