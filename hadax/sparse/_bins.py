"""Bins of several groups: what is in them, and which hold one coefficient only."""

import dataclasses

import jax
import jax.numpy as jnp

from hadax._typing import Array
from hadax.operators.base import static
from hadax.sparse._contracts import Offsets


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Law:
    """The noise of one number of a bin, and how much of its energy a bin may have.

    `variance` () is that of a number, its mean square; `nothing` and `one` are the most energy, in
    units of it, of a bin that holds no coefficient, and of one that its only coefficient was taken
    from. `chance` is the most that any index explains of bins that hold none, and `share` the
    largest part of their energy, whatever it is. A bin that holds a coefficient which is no chance
    has more energy than `worth`.
    """

    variance: Array
    nothing: float = static()
    one: float = static()
    chance: float = static()
    share: float = static()
    worth: float = static()


def energies_of(seen: Array) -> Array:
    """The energies (...) of bins (..., P) of real or complex numbers."""
    return jnp.sum(squares(seen), axis=-1)


def squares(x: Array) -> Array:
    """The squares of real numbers, or of the moduli of complex ones."""
    return jnp.real(x * jnp.conj(x))


def bins_at(bins: Array, places: Array) -> Array:
    """The bins (C, m, P) at places (C, m) of (C, bins, P); zeros where they are elsewhere."""
    group = jnp.arange(len(bins))[:, None]
    return bins.at[group, places].get(mode="fill", fill_value=0)


def added(bins: Array, values: Array, signs: Array, places: Array) -> Array:
    """Bins (C, bins, P) with coefficients (m,) of these signs (m, P) at these places (C, m)."""
    change = jnp.broadcast_to((values[:, None] * signs)[None], (*places.shape, signs.shape[-1]))
    return bins.at[jnp.arange(len(bins))[:, None], places].add(change, mode="drop")


def read(seen: Array, offsets: Offsets) -> tuple[Array, Array, Array]:
    """What bins (m, P) hold if it is one coefficient each: its index, its value, its signs."""
    k = offsets.decode(seen)
    signs = offsets.signs(k, seen.dtype)
    return k, jnp.mean(seen * jnp.conj(signs), axis=-1), signs


def holds_one(seen: Array, value: Array, signs: Array, law: Law) -> Array:
    """Which bins (m, P) hold something, and no more than noise beside what was read."""
    rest = energies_of(seen - value[:, None] * signs)
    something = energies_of(seen) > law.nothing * law.variance
    # Of several tests for a coefficient, each is the sharper one for other numbers of offsets.
    something |= signs.shape[-1] * squares(value) > law.chance * law.variance
    return something & (rest <= law.one * law.variance)


def full(bins: Array, law: Law) -> Array:
    """Which bins (..., P) hold more than noise."""
    return energies_of(bins) > law.nothing * law.variance
