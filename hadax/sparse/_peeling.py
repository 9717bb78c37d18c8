"""Finding bins that hold one coefficient, and taking what is found out of all others."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.sparse.linalg import cg

from hadax._typing import Array
from hadax.sparse import _stuck
from hadax.sparse._bins import Law, added, bins_at, energies_of, full, holds_one, read, squares
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse._shares import ALL, Share
from hadax.sparse.designs import Subsampling

# A sum of what was found for one index is dropped within so many standard deviations of zero.
_CANCELLED = 4.0

# If the weakest coefficient has so many times the energy noise may have, none like it hides.
_CLEAR = 4.0

# Coefficients that are taken out of their bins at once.
_TOGETHER = 256


class Found(NamedTuple):
    """Indices (m, w), coefficients (m,), how many of the m slots are in use, and what is left.

    `dropped` is how many more there were than slots.
    """

    support: Array
    coefficients: Array
    count: Array
    dropped: Array
    left: Array
    rounds: Array


class _State(NamedTuple):
    """What a step of peeling changes; `quiet` is how many steps have found nothing."""

    left: Array
    support: Array
    coefficients: Array
    count: Array
    step: Array
    quiet: Array


def weakest(coefficients: Array, count: Array) -> Array:
    """The least square of the coefficients in use; infinite if there are none."""
    used = jnp.arange(len(coefficients), dtype=jnp.int32) < count
    return jnp.min(squares(coefficients), where=used, initial=jnp.inf)


def peel(
    seen: Array,
    design: Matrices,
    offsets: Offsets,
    law: Law,
    *,
    slots: int,
    max_rounds: int,
    noisy: bool,
    share: Share = ALL,
) -> Found:
    """Peel the bins (C, bins, P) one group after another, until no group has more to give.

    Under noise, once no bin has by itself, what all bins of an index show together is looked at,
    unless coefficients are so large that it would be no more. Of several devices each looks for
    coefficients in its own bins, and takes what all of them have found out of these.

    Where more than noise is left then, indices are taken that explain much of their bins, whatever
    else these hold, and few bins of pairs are split. That takes no time where nothing is left.
    """
    groups = len(seen)
    most = groups * max_rounds

    def goes_on(state: _State) -> Array:
        patience = jnp.int32(groups)
        if noisy:
            least = offsets.count * weakest(state.coefficients, state.count)
            clear = (state.count > 0) & (least > _CLEAR * law.chance * law.variance)
            patience = jnp.where(clear, groups, 2 * groups)
        return (state.step < most) & (state.quiet < patience)

    def candidates(state: _State) -> tuple[Array, Array, Array, Array, Array]:
        """What the bins of one group hold by themselves, and the places of these indices."""
        here = state.step % groups
        lone = _lone(state.left[here], here, design, offsets, law, share)
        found, k, value = (share.everywhere(x) for x in lone)
        homes = design.bin_of(k)
        at_home = homes[here] == jnp.arange(len(k), dtype=jnp.int32)
        return found, k, value, at_home, share.place(homes, seen.shape[1])

    def took(state: _State, found: Array, k: Array, value: Array, places: Array) -> _State:
        # Most bins have nothing to be taken out, and in the end all: it is done for those that do.
        together = min(_TOGETHER, len(k))
        count = jnp.minimum(jnp.sum(found, dtype=jnp.int32), slots - state.count)
        (which,) = jnp.nonzero(found, size=-(-len(k) // together) * together, fill_value=0)

        def some(i: Array, parts: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            left, support, coefficients = parts
            rank = i * together + jnp.arange(together, dtype=jnp.int32)
            used, one = rank < count, which[rank]
            slot = jnp.where(used, state.count + rank, slots)
            taken = jnp.where(used, -value[one], 0)
            return (
                added(left, taken, offsets.signs(k[one], value.dtype), places[:, one]),
                support.at[slot].set(k[one], mode="drop"),
                coefficients.at[slot].set(value[one], mode="drop"),
            )

        before = state.left, state.support, state.coefficients
        trips = (count + together - 1) // together
        left, support, coefficients = lax.fori_loop(0, trips, some, before)
        quiet = jnp.where(count > 0, 0, state.quiet + 1)
        return _State(left, support, coefficients, state.count + count, state.step + 1, quiet)

    def step(state: _State) -> _State:
        found, k, value, at_home, places = candidates(state)
        if noisy:
            found, value = lax.cond(
                state.quiet < groups,
                lambda: (found, value),
                lambda: _hidden(state.left, k, places, at_home, offsets, law, share),
            )
        return took(state, found, k, value, places)

    def beside_others(state: _State) -> _State:
        found, k, value, at_home, places = candidates(state)
        much, all_see = _much(state.left, k, places, at_home, offsets, law, share)
        return took(state, found | much, k, jnp.where(found, value, all_see), places)

    def split(design: Subsampling, state: _State) -> _State:
        found, k, value = _stuck.split(state.left, design, offsets, law)
        return took(state, found, k, value, design.bin_of(k))

    zero = jnp.int32(0)
    empty = jnp.zeros((slots, design.width), jnp.uint32)
    start = _State(seen, empty, jnp.zeros(slots, seen.dtype), zero, zero, zero)
    state = lax.while_loop(goes_on, step, start)

    # Bins of real numbers, all at hand and without noise, show the pairs that they hold.
    pairs = design if isinstance(design, Subsampling) and not noisy and share == ALL else None
    more = share.total(jnp.sum(full(state.left, law), dtype=jnp.int32)) > 0

    def has_more(state: _State) -> Array:
        return more & (state.step < most) & (state.quiet < groups + (pairs is not None))

    def last_steps(state: _State) -> _State:
        if pairs is None:
            return beside_others(state)
        stuck = (state.quiet == groups) & _stuck.are_few(state.left, law)
        return lax.cond(stuck, functools.partial(split, pairs), beside_others, state)

    end = lax.while_loop(has_more, last_steps, state._replace(quiet=zero))
    rounds = (end.step + groups - 1) // groups
    return Found(end.support, end.coefficients, end.count, zero, end.left, rounds)


def refined(
    seen: Array,
    found: Found,
    design: Matrices,
    offsets: Offsets,
    law: Law,
    *,
    slots: int,
    share: Share = ALL,
) -> Found:
    """What was found for one index added up, the largest kept, and least squares of the bins.

    An index that was found in several bins, with different remains of others, was found in parts.
    With a given support coefficients are linear in the bins, and can be differentiated.
    """
    support, coefficients = _merged(found.support, found.coefficients)
    groups, bins, numbers = seen.shape
    least = _CANCELLED * jnp.sqrt(law.variance / numbers)
    sizes = jnp.abs(coefficients)
    _, largest = lax.top_k(sizes, slots)
    keep = jnp.zeros(len(sizes), bool).at[largest].set(True) & (sizes > least)
    dropped = jnp.sum((sizes > least) & ~keep, dtype=jnp.int32)
    support, coefficients, count = _kept(support, coefficients, keep, slots)

    used = (jnp.arange(len(coefficients), dtype=jnp.int32) < count).astype(seen.dtype)
    signs = offsets.signs(support, seen.dtype) * used[:, None]
    places = share.place(design.bin_of(support), bins)

    def bins_of(x: Array, place: Array) -> Array:
        """The bins of one group with these coefficients."""
        return jnp.zeros_like(seen[0]).at[place].add(x[:, None] * signs, mode="drop")

    def shown(bins: Array, place: Array) -> Array:
        """What the bins of one group show of each coefficient."""
        at = bins.at[place].get(mode="fill", fill_value=0)
        return jnp.sum(at * jnp.conj(signs), axis=1) / (groups * numbers)

    def adjoint(y: Array) -> Array:
        return share.total(jnp.sum(lax.map(lambda one: shown(*one), (y, places)), axis=0))

    def normal(x: Array) -> Array:
        """The adjoint of the bins of x. Those of all groups at once leave the cache."""
        each = lax.map(lambda place: shown(bins_of(x, place), place), places)
        return share.total(jnp.sum(each, axis=0))

    # Bins have few coefficients each, so that the matrix is close to the identity. The change is as
    # small as the noise: a thousandth of it is enough. What was found and is not kept is no noise.
    round_off = jnp.finfo(seen.dtype).eps * jnp.linalg.norm(coefficients)
    # Peeling has no derivative: what is added has that of the bins.
    rest = found.left + _zeros_that_change_with(seen)
    change, _ = cg(normal, adjoint(rest), tol=1e-3, atol=round_off, maxiter=20)
    coefficients = coefficients + change
    left = seen - lax.map(lambda place: bins_of(coefficients, place), places)
    return Found(support, coefficients, count, dropped, left, found.rounds)


@jax.custom_jvp
def _zeros_that_change_with(x: Array) -> Array:
    """Zeros whose derivative is that of x."""
    return jnp.zeros_like(x)


@_zeros_that_change_with.defjvp
def _zeros_jvp(primals, tangents):
    """The tangent of x itself."""
    return jnp.zeros_like(primals[0]), tangents[0]


def _lone(
    seen: Array, here: Array, design: Matrices, offsets: Offsets, law: Law, share: Share
) -> tuple[Array, Array, Array]:
    """Which bins (bins, P) of a group hold one coefficient; its index and value."""
    k, value, signs = read(seen, offsets)
    place = share.place(design.bin_of(k), len(seen))[here]
    at_home = place == jnp.arange(len(seen), dtype=jnp.int32)
    return holds_one(seen, value, signs, law) & at_home, k, value


def _hidden(
    left: Array,
    k: Array,
    places: Array,
    at_home: Array,
    offsets: Offsets,
    law: Law,
    share: Share,
) -> tuple[Array, Array]:
    """Which indices, decoded from the bins of a group, are in theirs of all groups; their values.

    What noise hides in one bin it seldom hides in all of them.
    """
    at, signs = bins_at(left, places), offsets.signs(k, left.dtype)
    numbers = at.shape[0] * at.shape[2]
    value = share.total(jnp.sum(at * jnp.conj(signs)[None], axis=(0, 2))) / numbers
    over = full(at - (value[:, None] * signs)[None], law) & (places < left.shape[1])
    alone = share.total(jnp.sum(over, axis=0, dtype=jnp.int32)) == 0
    shown = numbers * squares(value) > law.chance * law.variance
    return shown & alone & at_home, value


def _much(
    left: Array,
    k: Array,
    places: Array,
    at_home: Array,
    offsets: Offsets,
    law: Law,
    share: Share,
) -> tuple[Array, Array]:
    """Which indices explain much of what is in their bins, and something of each; their values.

    It is more than any index would of noise, however much of that there is.
    """
    at, signs = bins_at(left, places), offsets.signs(k, left.dtype)
    numbers = at.shape[0] * at.shape[2]
    values = share.total(jnp.mean(at * jnp.conj(signs)[None], axis=-1))
    value = jnp.mean(values, axis=0)
    energy = share.total(jnp.sum(energies_of(at), axis=0))
    explained = numbers * squares(value)
    much = explained > jnp.maximum(law.share * energy, law.chance * law.variance)
    # With it taken out each bin has less energy than before.
    less = jnp.all(2 * jnp.real(values * jnp.conj(value)[None]) > squares(value)[None], axis=0)
    return much & less & at_home, value


def _merged(support: Array, coefficients: Array) -> tuple[Array, Array]:
    """Indices in rising order, each once, with the sum of its coefficients; zeros behind them.

    Slots that are not in use hold index zero with a coefficient of zero, which adds nothing to it.
    """
    keys = (support[:, word] for word in reversed(range(support.shape[1])))
    *keys, coefficients = lax.sort(
        (*keys, coefficients), num_keys=support.shape[1], is_stable=False
    )
    words = jnp.stack(keys[::-1], axis=1)
    new = jnp.any(words[1:] != words[:-1], axis=-1)
    slot = jnp.cumsum(jnp.pad(new, (1, 0)), dtype=jnp.int32)
    sums = jnp.zeros_like(coefficients).at[slot].add(coefficients)
    return jnp.zeros_like(words).at[slot].set(words), sums


def _kept(
    support: Array, coefficients: Array, keep: Array, slots: int
) -> tuple[Array, Array, Array]:
    """What is to be kept, moved to the front of so many slots; zeros behind it."""
    slot = jnp.where(keep, jnp.cumsum(keep, dtype=jnp.int32) - 1, slots)
    into = jnp.zeros((slots, support.shape[1]), support.dtype)
    support = into.at[slot].set(support, mode="drop")
    coefficients = jnp.zeros(slots, coefficients.dtype).at[slot].set(coefficients, mode="drop")
    return support, coefficients, jnp.sum(keep, dtype=jnp.int32)
