"""Random functions with few Walsh coefficients, and how well they are recovered."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hadax import sparse

_POINTS = 2**13  # whose values are worked out at once


def spectra(key: jax.Array, n: int, sparsity: int, runs: int) -> tuple[jax.Array, jax.Array]:
    """Supports (runs, K, w) of distinct uniform indices, packed, and random signs (runs, K)."""
    words = np.ravel(jax.random.key_data(key))
    rng = np.random.default_rng([int(word) for word in words])
    supports = np.stack([rng.choice(1 << n, sparsity, replace=False) for _ in range(runs)])
    low, high = supports & 0xFFFFFFFF, supports >> 32
    both = np.stack([low, high], axis=-1).astype(np.uint32)
    signs = rng.choice(np.array([-1, 1], np.float32), (runs, sparsity))
    return jnp.asarray(both[..., : -(-n // 32)]), jnp.asarray(signs)


def value_at(points: jax.Array, support: jax.Array, values: jax.Array) -> jax.Array:
    """The function with these coefficients (K,) at packed points (..., w)."""

    def at(x: jax.Array) -> jax.Array:
        odd = sparse.parity(x[None], support)
        return jnp.sum(jnp.where(odd == 0, values, -values))

    flat = points.reshape(-1, points.shape[-1])
    return jax.lax.map(at, flat, batch_size=_POINTS).reshape(points.shape[:-1])


def crowded(n: int, sparsity: int, key: jax.Array, *, groups: int, bins: int) -> sparse.Queries:
    """What `sparse.queries` makes, also with fewer bins than it lets through."""
    first, second = jax.random.split(key)
    subsampling = sparse.subsampling(first, n, bins.bit_length() - 1, groups=groups)
    return sparse.Queries(subsampling, sparse.repeated_offsets(second, n), sparsity, "noiseless")


@functools.partial(jax.jit, static_argnames=("n", "known", "max_rounds", "ask", "options"))
def recoveries(
    key: jax.Array,
    supports: jax.Array,
    values: jax.Array,
    deviation: jax.Array,
    *,
    n: int,
    known: bool,
    max_rounds: int,
    ask: Callable[..., sparse.Queries] = sparse.queries,
    options: tuple[tuple[str, Any], ...],
) -> dict[str, jax.Array]:
    """Recover each of some spectra from values with noise: which were, and which said so.

    A spectrum is recovered if its support is.
    """

    def one(run: tuple[jax.Array, jax.Array, jax.Array]) -> dict[str, jax.Array]:
        key, support, value = run
        key_points, key_noise = jax.random.split(key)
        asked = ask(n, len(support), key_points, **dict(options))
        clean = value_at(asked.points(), support, value)
        noisy = clean + deviation * jax.random.normal(key_noise, clean.shape)
        noise = deviation if known else None
        found = sparse.recover(asked, noisy, noise=noise, max_rounds=max_rounds)
        order = jnp.lexsort(tuple(support[:, word] for word in range(support.shape[1])))
        same = jnp.all(found.support[: len(support)] == support[order])
        recovered = same & (found.count == len(support))
        error = found.coefficients[: len(support)] - value[order]
        return {
            "recovered": recovered,
            "claimed": found.success,
            "rounds": found.rounds,
            "error": jnp.sqrt(jnp.mean(jnp.square(error))),
        }

    keys = jax.random.split(key, len(supports))
    return jax.lax.map(one, (keys, supports, values))


def counted(found: dict[str, jax.Array]) -> dict[str, Any]:
    """Counts of runs, for a row."""
    recovered, claimed = np.asarray(found["recovered"]), np.asarray(found["claimed"])
    good = recovered.any()
    return {
        "recovered": int(recovered.sum()),
        "claimed": int(claimed.sum()),
        "claimed_wrongly": int((claimed & ~recovered).sum()),
        "rounds": float(np.median(found["rounds"])),
        "error": float(np.median(np.asarray(found["error"])[recovered])) if good else None,
    }
