"""Values of a function at the points of a design, in batches."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from hadax._typing import Array
from hadax.sparse import _sparse_checks
from hadax.sparse.bits import unpack_bits, width
from hadax.sparse.designs import RepeatedOffsets, Subsampling


@dataclasses.dataclass(frozen=True)
class Asked:
    """A user's function as one of packed points (q, w)."""

    f: Callable
    n: int
    packed: bool
    on_host: bool

    def __call__(self, words: Array) -> Array:
        """Its values (q,)."""
        x = words if self.packed else unpack_bits(words, self.n)
        if not self.on_host:
            return self.f(x)
        dtype = jax.dtypes.canonicalize_dtype(float)
        # As words, which JAX does not cast: a callback may run in another thread, where an
        # `enable_x64` around this one does not hold.
        shape = words.shape[:1] if dtype.itemsize == 4 else (*words.shape[:1], 2)
        call = functools.partial(self._on_host, dtype, shape)
        result = jax.ShapeDtypeStruct(shape, jnp.uint32)
        found = jax.pure_callback(call, result, x, vmap_method="sequential")
        return lax.bitcast_convert_type(found, dtype)

    def _on_host(self, dtype: np.dtype, shape: tuple[int, ...], x: Array) -> np.ndarray:
        """The values of NumPy's points, as words of 32 bits."""
        values = _sparse_checks.host_values(self.f(np.asarray(x)), len(x), dtype)
        return values.view(np.uint32).reshape(shape)


def asked(f: object, n: int, *, packed: bool, on_host: bool) -> Partial:
    """A function or an array of all its values, as a function of packed points."""
    if not callable(f):
        return Partial(_entry, _sparse_checks.all_values(f, n))
    found = Asked(f, n, packed, on_host)
    point = jax.ShapeDtypeStruct((2, width(n)), jnp.uint32)
    _sparse_checks.batch_values(jax.eval_shape(found, point), 2)
    return Partial(found)


def samples(f: Partial, design: Subsampling, offsets: RepeatedOffsets, batch: int) -> Array:
    """Values at the points of every group and offset: (C, P, bins)."""
    points, shifts = design.points(), offsets.words()
    groups, bins, _ = points.shape
    pairs = groups * offsets.count
    size = _batch_of(pairs, bins, batch)

    def values(start: Array) -> Array:
        number = start + jnp.arange(size, dtype=jnp.int32)
        pair, at = number // bins, number % bins
        return f(points[pair // offsets.count, at] ^ shifts[pair % offsets.count])

    found = lax.map(values, jnp.arange(0, pairs * bins, size, dtype=jnp.int32))
    return found.reshape(groups, offsets.count, bins)


def _batch_of(pairs: int, bins: int, most: int) -> int:
    """The largest convenient divisor of pairs times bins that is at most `most`."""
    if most < bins:
        return 1 << (most.bit_length() - 1)
    return bins * max(d for d in range(1, min(pairs, most // bins) + 1) if pairs % d == 0)


def _entry(table: Array, words: Array) -> Array:
    """Entries of an array at packed points."""
    return table[words[:, 0]]
