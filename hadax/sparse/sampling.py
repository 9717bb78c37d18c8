"""Values of an expensive function at the points of a design, in batches that are kept."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import jax
import numpy as np

from hadax import _checks
from hadax._typing import ArrayLike
from hadax.sparse import _sparse_checks
from hadax.sparse.bits import unpack_bits
from hadax.sparse.query_points import Queries

Progress: TypeAlias = Callable[[Iterable[int]], Iterable[int]]


def sample(
    f: Callable[[np.ndarray], ArrayLike],
    queries: Queries,
    folder: str | Path | None = None,
    *,
    packed: bool = False,
    tag: str = "",
    batch_size: int = 2**14,
    progress: Progress = iter,
) -> np.ndarray:
    r"""Ask an expensive function for its values, keeping each batch, so that a stop loses little.

    Batch i holds the values at points i q, ..., (i + 1) q - 1 of `queries.points()`, in its order.

    Args:
        f: function from points (q, n), int32 zeros and ones (or digits) of NumPy, to values (q,).
            It is not traced, and may do anything.
        queries: the points, of `queries`.
        folder: where batches are kept; what is there already is not asked for again. It must be of
            the same queries, tag and batch size. None keeps them in memory only.
        packed: whether f takes points as words (q, ceil(n / 32)) of `pack_bits` instead; at base 2
            only.
        tag: what the function is, in a word: a folder of another one is refused. Points alone do
            not tell functions apart.
        batch_size: the number q of points that f is asked for at once.
        progress: what shows how far it is: it is given the batches. For example `tqdm.tqdm`.

    Returns:
        NumPy array of shape `queries.shape`, in JAX's own float, for `recover`.

    Raises:
        ValueError: f returns another shape or values that are not finite, or the folder is of other
            queries.
        TypeError: f does not return real numbers, or complex ones of digits of another base than 2.

    Cost:
        queries.count values of f.

    Example:
        >>> import jax
        >>> from hadax import sparse
        >>> asked = sparse.queries(40, 1, jax.random.key(0))
        >>> values = sparse.sample(lambda x: 2.0 - 4.0 * x[:, 7], asked)
        >>> {k: round(value, 5) for k, value in sparse.recover(asked, values).to_dict().items()}
        {128: 2.0}

    See Also:
        `sparse_fwht`, for functions that cost little.
    """
    _checks.flag("packed", packed)
    _sparse_checks.unpacked(packed, queries.base)
    size = _checks.integer("batch_size", batch_size, minimum=1)
    points = np.asarray(queries.points()).reshape(queries.count, -1)
    dtype = jax.dtypes.canonicalize_dtype(float)
    as_they_are = packed or queries.base != 2
    kept = _Kept(folder, points, f"{tag!r} {size}", size)
    found = []
    for i in progress(range(-(-len(points) // size))):
        values = kept.get(i, dtype, queries.base)
        if values is None:
            words = points[i * size : (i + 1) * size]
            x = words if as_they_are else np.asarray(unpack_bits(words, queries.n))
            x = x if packed else x.astype(np.int32)
            values = _sparse_checks.host_values(f(x), len(words), dtype, queries.base)
            _sparse_checks.finite_values(values, i * size)
            kept.put(i, values)
        found.append(values)
    return np.concatenate(found).reshape(queries.shape)


class _Kept:
    """Batches of values in a folder, if there is one, each in a file that is whole or not there."""

    def __init__(self, folder: str | Path | None, points: np.ndarray, settings: str, size: int):
        self._folder = None if folder is None else Path(folder)
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        said = f"{settings} {hashlib.sha256(points.tobytes()).hexdigest()}\n"
        known = self._folder / "queries.txt"
        if not known.exists():
            _sparse_checks.empty_folder(self._folder)
            _replaced(known, said.encode())
        _sparse_checks.same_queries(self._folder, known.read_text(), said)
        self._lengths = [len(points[i : i + size]) for i in range(0, len(points), size)]

    def get(self, i: int, dtype: np.dtype, base: int) -> np.ndarray | None:
        """The values of batch i; None where they are not known yet."""
        if self._folder is None or not (path := self._path(i)).exists():
            return None
        return _sparse_checks.kept_values(path, self._lengths[i], dtype, base)

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
