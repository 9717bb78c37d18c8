"""Finding bins that hold one coefficient, and taking what is found out of all others."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.sparse.linalg import cg

from hadax._typing import Array
from hadax.operators.base import static
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse._shares import ALL, Share

# A sum of what was found for one index is dropped within so many standard deviations of zero.
_CANCELLED = 4.0

# If the weakest coefficient has so many times the energy noise may have, none like it hides.
_CLEAR = 4.0


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Law:
    """The noise of one number of a bin, and how much of its energy a bin may have.

    `variance` () is that of a number, its mean square; `nothing` and `one` are the most energy, in
    units of it, of a bin that holds no coefficient, and of one that its only coefficient was taken
    from. `chance` is the most that any index explains of bins that hold none.
    """

    variance: Array
    nothing: float = static()
    one: float = static()
    chance: float = static()


class Found(NamedTuple):
    """Indices (m, w), coefficients (m,), how many of the m slots are in use, and what is left."""

    support: Array
    coefficients: Array
    count: Array
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


def energies_of(seen: Array) -> Array:
    """The energies (...) of bins (..., P) of real or complex numbers."""
    return jnp.sum(_squares(seen), axis=-1)


def weakest(coefficients: Array, count: Array) -> Array:
    """The least square of the coefficients in use; infinite if there are none."""
    used = jnp.arange(len(coefficients), dtype=jnp.int32) < count
    return jnp.min(_squares(coefficients), where=used, initial=jnp.inf)


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
    """
    groups = len(seen)

    def goes_on(state: _State) -> Array:
        patience = jnp.int32(groups)
        if noisy:
            least = offsets.count * weakest(state.coefficients, state.count)
            clear = (state.count > 0) & (least > _CLEAR * law.chance * law.variance)
            patience = jnp.where(clear, groups, 2 * groups)
        return (state.step < groups * max_rounds) & (state.quiet < patience)

    def step(state: _State) -> _State:
        here = state.step % groups
        lone = _lone(state.left[here], here, design, offsets, law, share)
        found, k, value = (share.everywhere(x) for x in lone)
        signs, homes = offsets.signs(k, value.dtype), design.bin_of(k)
        places = share.place(homes, seen.shape[1])
        if noisy:
            found, value = lax.cond(
                state.quiet < groups,
                lambda: (found, value),
                lambda: _hidden(state.left, places, homes[here], signs, law, share),
            )
        slot = state.count + jnp.cumsum(found, dtype=jnp.int32) - 1
        found &= slot < slots
        slot = jnp.where(found, slot, slots)
        taken = jnp.where(found, -value, jnp.zeros_like(value))
        count = jnp.sum(found, dtype=jnp.int32)
        return _State(
            _added(state.left, taken, signs, places),
            state.support.at[slot].set(k, mode="drop"),
            state.coefficients.at[slot].set(value, mode="drop"),
            state.count + count,
            state.step + 1,
            jnp.where(count > 0, 0, state.quiet + 1),
        )

    zero = jnp.int32(0)
    empty = jnp.zeros((slots, design.width), jnp.uint32)
    start = _State(seen, empty, jnp.zeros(slots, seen.dtype), zero, zero, zero)
    end = lax.while_loop(goes_on, step, start)
    rounds = (end.step + groups - 1) // groups
    return Found(end.support, end.coefficients, end.count, end.left, rounds)


def refined(
    seen: Array,
    found: Found,
    design: Matrices,
    offsets: Offsets,
    law: Law,
    *,
    share: Share = ALL,
) -> Found:
    """What was found for one index added up, cancellations dropped, and least squares of the bins.

    An index that was found in several bins, with different remains of others, was found in parts.
    """
    support, coefficients, count = _merged(found.support, found.coefficients, found.count)
    groups, bins, numbers = seen.shape
    least = _CANCELLED * jnp.sqrt(law.variance / numbers)
    support, coefficients, count = _kept(support, coefficients, jnp.abs(coefficients) > least)

    used = (jnp.arange(len(coefficients), dtype=jnp.int32) < count).astype(seen.dtype)
    signs = offsets.signs(support, seen.dtype) * used[:, None]
    places = share.place(design.bin_of(support), bins)

    def bins_of(x: Array) -> Array:
        return _added(jnp.zeros_like(seen), x, signs, places)

    def adjoint(y: Array) -> Array:
        shares = jnp.sum(_bins_at(y, places) * jnp.conj(signs)[None], axis=(0, 2))
        return share.total(shares) / (groups * numbers)

    # Bins have few coefficients each, so that the matrix is close to the identity. The change is as
    # small as the noise: a thousandth of it is enough.
    left = seen - bins_of(coefficients)
    round_off = jnp.finfo(seen.dtype).eps * jnp.linalg.norm(coefficients)
    change, _ = cg(
        lambda x: adjoint(bins_of(x)), adjoint(left), tol=1e-3, atol=round_off, maxiter=20
    )
    coefficients = coefficients + change
    return Found(support, coefficients, count, seen - bins_of(coefficients), found.rounds)


def _lone(
    seen: Array, here: Array, design: Matrices, offsets: Offsets, law: Law, share: Share
) -> tuple[Array, Array, Array]:
    """Which bins (bins, P) of a group hold one coefficient; its index and value."""
    k = offsets.decode(seen)
    signs = offsets.signs(k, seen.dtype)
    value = jnp.mean(seen * jnp.conj(signs), axis=-1)
    rest = energies_of(seen - value[:, None] * signs)
    something = energies_of(seen) > law.nothing * law.variance
    # Of several tests for a coefficient, each is the sharper one for other numbers of offsets.
    something |= offsets.count * _squares(value) > law.chance * law.variance
    place = share.place(design.bin_of(k), len(seen))[here]
    at_home = place == jnp.arange(len(seen), dtype=jnp.int32)
    return something & (rest <= law.one * law.variance) & at_home, k, value


def _hidden(
    left: Array, places: Array, home: Array, signs: Array, law: Law, share: Share
) -> tuple[Array, Array]:
    """Which indices, decoded from the bins of a group, are in theirs of all groups; their values.

    What noise hides in one bin it seldom hides in all of them.
    """
    at = _bins_at(left, places)
    numbers = at.shape[0] * at.shape[2]
    value = share.total(jnp.sum(at * jnp.conj(signs)[None], axis=(0, 2))) / numbers
    rests = energies_of(at - (value[:, None] * signs)[None])
    over = (rests > law.nothing * law.variance) & (places < left.shape[1])
    alone = share.total(jnp.sum(over, axis=0, dtype=jnp.int32)) == 0
    shown = numbers * _squares(value) > law.chance * law.variance
    return shown & alone & (home == jnp.arange(len(home), dtype=jnp.int32)), value


def _squares(x: Array) -> Array:
    """The squares of real numbers, or of the moduli of complex ones."""
    return jnp.real(x * jnp.conj(x))


def _bins_at(bins: Array, places: Array) -> Array:
    """The bins (C, m, P) at places (C, m) of (C, bins, P); zeros where they are elsewhere."""
    group = jnp.arange(len(bins))[:, None]
    return bins.at[group, places].get(mode="fill", fill_value=0)


def _added(bins: Array, values: Array, signs: Array, places: Array) -> Array:
    """Bins (C, bins, P) with coefficients (m,) of these signs (m, P) at these places (C, m)."""
    change = jnp.broadcast_to((values[:, None] * signs)[None], (*places.shape, signs.shape[-1]))
    return bins.at[jnp.arange(len(bins))[:, None], places].add(change, mode="drop")


def _merged(support: Array, coefficients: Array, count: Array) -> tuple[Array, Array, Array]:
    """Indices in rising order, each once, with the sum of its coefficients."""
    slots, width = support.shape
    unused = (jnp.arange(slots, dtype=jnp.int32) >= count).astype(jnp.uint32)
    keys = (unused, *(support[:, word] for word in reversed(range(width))))
    *keys, coefficients = lax.sort((*keys, coefficients), num_keys=width + 1)
    unused, words = keys[0], jnp.stack(keys[:0:-1], axis=1)
    new = jnp.any(words[1:] != words[:-1], axis=-1) | (unused[1:] != unused[:-1])
    slot = jnp.cumsum(jnp.pad(new, (1, 0), constant_values=True), dtype=jnp.int32) - 1
    total = jnp.max(jnp.where(unused == 0, slot + 1, jnp.int32(0)))
    sums = jnp.zeros_like(coefficients).at[slot].add(coefficients)
    return jnp.zeros_like(words).at[slot].set(words), sums, total


def _kept(support: Array, coefficients: Array, keep: Array) -> tuple[Array, Array, Array]:
    """What is to be kept, moved to the front; zeros behind it."""
    slot = jnp.where(keep, jnp.cumsum(keep, dtype=jnp.int32) - 1, len(keep))
    support = jnp.zeros_like(support).at[slot].set(support, mode="drop")
    coefficients = jnp.zeros_like(coefficients).at[slot].set(coefficients, mode="drop")
    return support, coefficients, jnp.sum(keep, dtype=jnp.int32)
