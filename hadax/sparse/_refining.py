"""Least squares of all bins, for the indices that peeling found."""

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.sparse.linalg import cg

from hadax._typing import Array
from hadax.sparse._bins import Law
from hadax.sparse._contracts import Matrices, Offsets
from hadax.sparse._peeling import Found
from hadax.sparse._shares import ALL, Share

# A sum of what was found for one index is dropped within so many standard deviations of zero.
_CANCELLED = 4.0


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
    """The tangent of x itself, and zeros that still change with x, for derivatives of that."""
    return _zeros_that_change_with(*primals), tangents[0]


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
