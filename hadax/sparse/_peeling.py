"""Finding bins that hold one coefficient, and taking what is found out of all others."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from hadax._typing import Array
from hadax.sparse import _stuck
from hadax.sparse._bins import Law, added, bins_at, energies_of, full, holds_one, read, squares
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse._shares import ALL, Share
from hadax.sparse.designs import Subsampling

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
