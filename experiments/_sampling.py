"""Independent draws in chunks that fit into memory."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

CHUNK = 1 << 18  # values of one chunk: 1 MB in float32, which stays in the cache


def sample(function: Callable[[jax.Array], Any], key: jax.Array, samples: int, *, size: int) -> Any:
    """Return ``function(keys)`` for `samples` keys as numpy arrays, in chunks of equal shape.

    ``function`` maps a vector of keys to arrays with that leading axis and is compiled once; `size`
    is how many values it holds for one key. (Chunks are calls, not the steps of a `lax.map`: XLA
    runs the body of a loop on one thread.)
    """
    chunk = max(1, min(samples, CHUNK // size))
    chunks = -(-samples // chunk)
    keys = jax.random.split(key, (chunks, chunk))
    parts = [jax.device_get(function(row)) for row in keys]
    return jax.tree.map(lambda *arrays: np.concatenate(arrays)[:samples], *parts)
