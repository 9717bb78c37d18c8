"""Finding bins that hold one coefficient, and taking what is found out of all others."""

import functools
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax.numpy as jnp
from jax import lax

from hadax._typing import Array
from hadax.sparse import _stuck
from hadax.sparse._bins import Law, added, bins_at, energies_of, full, holds_one, read, squares
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse._shares import ALL, Share
from hadax.sparse.designs import Subsampling

T = TypeVar("T")

# If the weakest coefficient has so many times the energy noise may have, none like it hides.
_CLEAR = 4.0

# Bins that are read, and coefficients that are taken out of theirs, at once.
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

    def alone(state: _State, *, of_all: Array | bool) -> tuple[Array, Array, Array]:
        """What the bins of one group hold by themselves."""
        here = state.step % groups
        lone = _lone(state.left[here], here, design, offsets, law, share, of_all=of_all)
        found, k, value = (share.everywhere(part) for part in lone)
        return found, k, value

    def seen_by_all(state: _State, k: Array) -> tuple[Array, Array]:
        """The places of indices in each group, and which were read from their own bin."""
        homes = design.bin_of(k)
        at_home = homes[state.step % groups] == jnp.arange(len(k), dtype=jnp.int32)
        return share.place(homes, seen.shape[1]), at_home

    def took(state: _State, found: Array, k: Array, value: Array) -> _State:
        slot = state.count + jnp.cumsum(found, dtype=jnp.int32) - 1
        found = found & (slot < slots)

        def some(at: Array, parts: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            left, support, coefficients = parts
            used, one = at < len(k), k[at]
            taken, into = jnp.where(used, value[at], 0), jnp.where(used, slot[at], slots)
            places = share.place(design.bin_of(one), seen.shape[1])
            return (
                added(left, -taken, offsets.signs(one, value.dtype), places),
                support.at[into].set(one, mode="drop"),
                coefficients.at[into].set(taken, mode="drop"),
            )

        before = state.left, state.support, state.coefficients
        left, support, coefficients = _in_blocks(found, some, before)
        count = jnp.sum(found, dtype=jnp.int32)
        quiet = jnp.where(count > 0, 0, state.quiet + 1)
        return _State(left, support, coefficients, state.count + count, state.step + 1, quiet)

    def step(state: _State) -> _State:
        looks_deeper = state.quiet >= groups if noisy else False
        found, k, value = alone(state, of_all=looks_deeper)
        if noisy:
            found, value = lax.cond(
                looks_deeper,
                lambda: _hidden(state.left, k, *seen_by_all(state, k), offsets, law, share),
                lambda: (found, value),
            )
        return took(state, found, k, value)

    def beside_others(state: _State) -> _State:
        found, k, value = alone(state, of_all=True)
        much, all_see = _much(state.left, k, *seen_by_all(state, k), offsets, law, share)
        return took(state, found | much, k, jnp.where(found, value, all_see))

    def split(design: Subsampling, state: _State) -> _State:
        found, k, value = _stuck.split(state.left, design, offsets, law)
        return took(state, found, k, value)

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


def _in_blocks(chosen: Array, some: Callable[[Array, T], T], start: T) -> T:
    """What `some` makes of the places of all that is chosen, block by block.

    Its time is that of what is chosen: at the end of peeling, hardly anything. Behind the last
    place there are `len(chosen)`.
    """
    count, together = len(chosen), min(_TOGETHER, len(chosen))
    (places,) = jnp.nonzero(chosen, size=-(-count // together) * together, fill_value=count)

    def block(i: Array, parts: T) -> T:
        at = lax.dynamic_slice_in_dim(places, i * together, together)
        return some(at.astype(jnp.int32), parts)

    return lax.fori_loop(0, -(-jnp.sum(chosen, dtype=jnp.int32) // together), block, start)


def _lone(
    seen: Array,
    here: Array,
    design: Matrices,
    offsets: Offsets,
    law: Law,
    share: Share,
    *,
    of_all: Array | bool,
) -> tuple[Array, Array, Array]:
    """Which bins (bins, P) of a group hold one coefficient; its index and value.

    Indices and values are those of all bins if asked for, else of those with enough energy.
    """
    bins = len(seen)
    read_too = of_all | (energies_of(seen) > law.worth * law.variance)

    def some(at: Array, parts: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        found, k, values = parts
        these = seen[at]
        index, value, signs = read(these, offsets)
        at_home = share.place(design.bin_of(index), bins)[here] == at
        return (
            found.at[at].set(holds_one(these, value, signs, law) & at_home, mode="drop"),
            k.at[at].set(index, mode="drop"),
            values.at[at].set(value, mode="drop"),
        )

    empty = jnp.zeros((bins, design.width), jnp.uint32)
    return _in_blocks(read_too, some, (jnp.zeros(bins, bool), empty, jnp.zeros(bins, seen.dtype)))


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
