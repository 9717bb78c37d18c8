"""Coefficients that pair up in every group, so that none of them ever is alone in a bin.

Of two in a bin, the larger one has the sign of every number of the bin; two of one size have it
where they do not cancel. A bin of each group, if they share a coefficient, thus tell most of its
signs, and their own numbers are sums of its bits: a linear system over the field of two elements.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax._typing import Array
from hadax.sparse._bins import Law, energies_of, full, holds_one, read
from hadax.sparse._contracts import Offsets
from hadax.sparse.bits import pack_bits, reduced, unpack_bits
from hadax.sparse.designs import Subsampling

# So many combinations of a bin of each group are looked at, and so many linear systems solved.
_COMBINATIONS = 512
_SYSTEMS = 32


def few(groups: int, bins: int) -> int:
    """Of so many bins of each group all combinations are looked at."""
    most = 2
    while (most + 1) ** groups <= _COMBINATIONS:
        most += 1
    return min(most, bins)


def are_few(left: Array, law: Law) -> Array:
    """Whether there are bins that are not empty, and few of them."""
    counts = jnp.sum(full(left, law), axis=1, dtype=jnp.int32)
    return jnp.any(counts > 0) & jnp.all(counts <= few(*left.shape[:2]))


def split(
    left: Array, design: Subsampling, offsets: Offsets, law: Law
) -> tuple[Array, Array, Array]:
    """A coefficient all of whose bins hold one more: whether there is (1,), k (1, w), value (1,).

    All it claims is that taken out of them it leaves one coefficient in each.
    """
    groups, bins, _ = left.shape
    most = few(groups, bins)
    group = jnp.arange(groups)[:, None]
    _, places = lax.top_k(energies_of(left), most)
    seen = left[group, places]
    clear = jnp.square(seen) > law.chance * law.variance
    one_of_each = np.indices((most,) * groups).reshape(groups, -1)

    plus = jnp.any((clear & (seen > 0))[group, one_of_each], axis=0)
    minus = jnp.any((clear & (seen < 0))[group, one_of_each], axis=0)
    agree = ~jnp.any(plus & minus, axis=-1) & jnp.all(full(seen, law)[group, one_of_each], axis=0)
    known = jnp.sum(plus | minus, axis=-1, dtype=jnp.int32)
    _, tried = lax.top_k(jnp.where(agree, known, -1), min(_SYSTEMS, one_of_each.shape[1]))

    which = jnp.asarray(one_of_each)[:, tried]
    rows = _equations(design, offsets, places[group, which], plus[tried], minus[tried])
    k, negative, unique = jax.vmap(lambda each: _solution(each, design.n))(rows)

    # Sizes are |a| + |b| and ||a| - |b||.
    sizes = jnp.abs(seen)
    larger = (jnp.max(sizes, axis=-1) + jnp.min(sizes, axis=-1)) / 2
    value = jnp.mean(larger[group, which], axis=0)
    value = jnp.where(negative, -value, value)
    rest = seen[group, which] - (value[:, None] * offsets.signs(k, seen.dtype))[None]
    good = agree[tried] & unique & _one_each(rest, places[group, which], design, offsets, law)
    best = jnp.argmax(good)[None]
    return good[best], k[best], value[best]


def _equations(
    design: Subsampling, offsets: Offsets, places: Array, plus: Array, minus: Array
) -> Array:
    """Packed rows (m, P + C b, w) of the systems of bins (C, m) with these signs (m, P).

    The unknowns are the n bits of an index and the sign of its coefficient; the right side is last.
    """
    n, inner = design.n, design.columns.shape[1]
    last = pack_bits(jnp.arange(n + 2) == n + 1)
    shifts = jnp.pad(unpack_bits(offsets.words(), n), ((0, 0), (0, 2)))
    of_signs = pack_bits(shifts.at[:, n].set(1))
    columns = unpack_bits(design.columns.reshape(-1, design.width), n)
    of_bins = pack_bits(jnp.pad(columns, ((0, 0), (0, 2))))
    numbers = (places.T[:, :, None] >> jnp.arange(inner, dtype=places.dtype)[None, None]) & 1
    numbers = numbers.reshape(len(plus), -1).astype(bool)

    def with_right_side(rows: Array, right: Array) -> Array:
        return rows[None] ^ jnp.where(right[..., None], last[None, None], jnp.uint32(0))

    signs = jnp.where((plus | minus)[..., None], with_right_side(of_signs, minus), jnp.uint32(0))
    return jnp.concatenate([signs, with_right_side(of_bins, numbers)], axis=1)


def _solution(rows: Array, n: int) -> tuple[Array, Array, Array]:
    """The index (w,), whether its coefficient is negative, and whether it is the only solution."""
    bits = unpack_bits(reduced(rows), n + 2).astype(bool)
    left, right = bits[:, : n + 1], bits[:, n + 1]
    some = jnp.any(left, axis=1)
    unique = (jnp.sum(some, dtype=jnp.int32) == n + 1) & ~jnp.any(right & ~some)
    # With full rank each row has become one unknown.
    found = jnp.any(left & right[:, None], axis=0)
    return pack_bits(found[:n]), found[n], unique


def _one_each(rest: Array, places: Array, design: Subsampling, offsets: Offsets, law: Law) -> Array:
    """For which of m combinations all bins (C, m, P) at these places hold one coefficient."""
    groups, count, numbers = rest.shape
    flat = rest.reshape(-1, numbers)
    k, value, signs = read(flat, offsets)
    at_home = jnp.stack(
        [design.bin_of(each)[c] for c, each in enumerate(k.reshape(groups, count, -1))]
    )
    lone = holds_one(flat, value, signs, law).reshape(groups, count)
    return jnp.all(lone & (at_home == places), axis=0)
