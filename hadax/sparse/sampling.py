"""Values of a function at the points of a design, in batches."""

import dataclasses
import functools
import hashlib
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.operators.base import static
from hadax.sparse import _sparse_checks
from hadax.sparse.bits import unpack_bits
from hadax.sparse.queries import Queries

Progress: TypeAlias = Callable[[Iterable[int]], Iterable[int]]


def sample(
    f: Callable[[np.ndarray], ArrayLike],
    queries: Queries,
    folder: str | Path | None = None,
    *,
    packed: bool = False,
    batch_size: int = 2**14,
    progress: Progress = iter,
) -> np.ndarray:
    r"""Ask an expensive function for its values, keeping each batch, so that a stop loses little.

    Batch i holds the values at points i q, ..., (i + 1) q - 1 of `queries.points()`, in its order.

    Args:
        f: function from points (q, n), int8 zeros and ones of NumPy, to values (q,). It is not
            traced, and may do anything.
        queries: the points, of `queries`.
        folder: where batches are kept; what is there already is not asked for again. It must be of
            the same queries and batch size. None keeps them in memory only.
        packed: whether f takes points as words (q, ceil(n / 32)) of `pack_bits` instead.
        batch_size: the number q of points that f is asked for at once.
        progress: what shows how far it is: it is given the batches. For example `tqdm.tqdm`.

    Returns:
        NumPy array of shape `queries.shape`, in JAX's own float, for `recover`.

    Raises:
        ValueError: f returns another shape or values that are not finite, or the folder is of other
            queries.
        TypeError: f does not return real numbers.

    Cost:
        queries.count values of f.

    Example:
        >>> import jax
        >>> from hadax import sparse
        >>> asked = sparse.queries(40, 1, jax.random.key(0))
        >>> values = sparse.sample(lambda x: 2.0 - 4.0 * x[:, 7], asked)
        >>> sparse.recover(asked, values).to_dict()
        {128: 2.0}

    See Also:
        `sparse_fwht`, for functions that cost little.
    """
    _checks.flag("packed", packed)
    size = _checks.integer("batch_size", batch_size, minimum=1)
    points = np.asarray(queries.points()).reshape(queries.count, -1)
    dtype = jax.dtypes.canonicalize_dtype(float)
    kept = _Kept(folder, points, size)
    found = []
    for i in progress(range(-(-len(points) // size))):
        values = kept.get(i)
        if values is None:
            words = points[i * size : (i + 1) * size]
            x = words if packed else np.asarray(unpack_bits(words, queries.n))
            values = _sparse_checks.host_values(f(x), len(words), dtype)
            _sparse_checks.finite_values(values, i * size)
            kept.put(i, values)
        found.append(values)
    return np.concatenate(found).reshape(queries.shape)


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
        x = words if self.packed else unpack_bits(words, self.n)
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


def values_of(f: Asked, queries: Queries, batch: int) -> Array:
    """Values of a traceable function at all points: of shape `queries.shape`."""
    points, shifts = queries.subsampling.points(), queries.offsets.words()
    groups, numbers, bins = queries.shape
    pairs = groups * numbers
    size = _batch_of(pairs, bins, batch)

    def values(start: Array) -> Array:
        number = start + jnp.arange(size, dtype=jnp.int32)
        pair, at = number // bins, number % bins
        found = f(points[pair // numbers, at] ^ shifts[pair % numbers])
        return _sparse_checks.batch_values(found, size)

    found = lax.map(values, jnp.arange(0, pairs * bins, size, dtype=jnp.int32))
    return found.reshape(queries.shape)


def _batch_of(pairs: int, bins: int, most: int) -> int:
    """The largest convenient divisor of pairs times bins that is at most `most`."""
    if most < bins:
        return 1 << (most.bit_length() - 1)
    return bins * max(d for d in range(1, min(pairs, most // bins) + 1) if pairs % d == 0)


def _entry(table: Array, words: Array) -> Array:
    """Entries of an array at packed points."""
    return table[words[:, 0]]


class _Kept:
    """Batches of values in a folder, if there is one, each in a file that is whole or not there."""

    def __init__(self, folder: str | Path | None, points: np.ndarray, size: int):
        self._folder = None if folder is None else Path(folder)
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        said = f"{size} {hashlib.sha256(points.tobytes()).hexdigest()}\n"
        settings = self._folder / "queries.txt"
        if not settings.exists():
            _sparse_checks.empty_folder(self._folder)
            _replaced(settings, said.encode())
        _sparse_checks.same_queries(self._folder, settings.read_text(), said)
        self._lengths = [len(points[i : i + size]) for i in range(0, len(points), size)]

    def get(self, i: int) -> np.ndarray | None:
        """The values of batch i; None where they are not known yet."""
        if self._folder is None or not (path := self._path(i)).exists():
            return None
        values = np.load(path, allow_pickle=False)
        return _sparse_checks.kept_values(path, values, self._lengths[i])

    def put(self, i: int, values: np.ndarray) -> None:
        """Keep the values of batch i."""
        if self._folder is not None:
            content = io.BytesIO()
            np.save(content, values, allow_pickle=False)
            _replaced(self._path(i), content.getvalue())

    def _path(self, i: int) -> Path:
        """The file of batch i."""
        assert self._folder is not None
        return self._folder / f"values-{i:06d}.npy"


def _replaced(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_suffix(f".{os.getpid()}.part")
    beside.write_bytes(content)
    os.replace(beside, path)
