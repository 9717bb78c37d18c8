"""Values of a function at the points of a design, in one program."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.sparse import _sparse_checks
from hadax.sparse.bits import unpack_bits
from hadax.sparse.query_points import Queries


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """A user's function as one of packed points (q, w)."""

    f: Partial
    n: int = static()
    packed: bool = static()
    on_host: bool = static()

    def __call__(self, words: Array) -> Array:
        """Its values (q,)."""
        # In 32 bits: sums of 8 bits wrap around soon.
        x = words if self.packed else unpack_bits(words, self.n).astype(jnp.int32)
        if not self.on_host:
            return self.f(x)
        dtype = jax.dtypes.canonicalize_dtype(float)
        # As words, which JAX does not cast: a callback may run in another thread, where an
        # `enable_x64` around this one does not hold.
        shape = words.shape[:1] if dtype.itemsize == 4 else (*words.shape[:1], 2)
        call = functools.partial(self._of_numpy, dtype, shape)
        result = jax.ShapeDtypeStruct(shape, jnp.uint32)
        found = jax.pure_callback(call, result, x, vmap_method="sequential")
        return lax.bitcast_convert_type(found, dtype)

    def _of_numpy(self, dtype: np.dtype, shape: tuple[int, ...], x: Array) -> np.ndarray:
        """The values of NumPy's points, as words of 32 bits."""
        values = _sparse_checks.host_values(self.f(np.asarray(x)), len(x), dtype)
        return values.view(np.uint32).reshape(shape)


def asked(f: Callable | ArrayLike, n: int, *, packed: bool, on_host: bool) -> Asked:
    """A function, or an array of all its values, as a function of packed points."""
    if not callable(f):
        table = _sparse_checks.all_values(f, n)
        return Asked(Partial(_entry, table), n, packed=True, on_host=False)
    return Asked(f if isinstance(f, Partial) else Partial(f), n, packed, on_host)


def values_of(f: Asked | Partial, queries: Queries, batch: int) -> Array:
    """Values of a traceable function at all points: of shape `queries.shape`."""
    groups, numbers, _ = queries.shape
    pairs = jnp.arange(groups * numbers, dtype=jnp.int32)
    return values_at(f, queries, pairs, batch).reshape(queries.shape)


def values_at(f: Asked | Partial, queries: Queries, pairs: Array, batch: int) -> Array:
    """Values at the points of some pairs of a group and an offset: (pairs, bins)."""
    points, shifts = queries.subsampling.points(), queries.offsets.words()
    _, numbers, bins = queries.shape
    size = _batch_of(len(pairs), bins, batch)

    def values(start: Array) -> Array:
        number = start + jnp.arange(size, dtype=jnp.int32)
        pair, at = pairs[number // bins], number % bins
        x = queries.subsampling.shifted(points[pair // numbers, at], shifts[pair % numbers])
        with _sparse_checks.traceable(queries.base):
            found = f(x if queries.base == 2 else x.astype(jnp.int32))
        return _sparse_checks.batch_values(found, size, queries.base)

    found = lax.map(values, jnp.arange(0, len(pairs) * bins, size, dtype=jnp.int32))
    return found.reshape(-1, bins)


def _batch_of(pairs: int, bins: int, most: int) -> int:
    """The largest convenient divisor of pairs times bins that is at most `most`."""
    if most < bins:
        return _divisor(bins, most)
    return bins * _divisor(pairs, most // bins)


def _divisor(number: int, most: int) -> int:
    """The largest divisor that is at most `most`."""
    return max(d for d in range(1, min(number, most) + 1) if number % d == 0)


def _entry(table: Array, words: Array) -> Array:
    """Entries of an array at packed points."""
    return table[words[:, 0]]
