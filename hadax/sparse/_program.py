"""Sparse transforms: choose points, ask for values, and recover."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import Partial

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.sparse import _asking, _sharded, _sharing_checks, _sparse_checks
from hadax.sparse._sharing_checks import Mesh
from hadax.sparse.query_points import Queries, queries
from hadax.sparse.recovery import recover
from hadax.sparse.spectrum import SparseSpectrum

_OPTIONS = ("base", "decoder", "repetitions", "degree", "chase", "design", "groups", "bins")


def recovered(
    f: _asking.Asked | Partial,
    key: Array,
    noise: ArrayLike | None,
    *,
    n: int,
    sparsity: int,
    max_rounds: int,
    batch_size: int,
    mesh: Mesh | None = None,
    axis_name: tuple[str, ...] = (),
    **options: Any,
) -> SparseSpectrum:
    """The spectrum of a function of points, with options of `queries`.

    In two programs, of which the longer one, to recover, is the same for all functions. Over a mesh
    in one: each device asks for its part of the values.
    """
    rounds = _checks.integer("max_rounds", max_rounds, minimum=1)
    asked = {"n": n, "sparsity": sparsity, "batch_size": batch_size, **options}
    if mesh is not None:
        return _shared(f, key, noise, max_rounds=rounds, mesh=mesh, axis_name=axis_name, **asked)
    points, values = _sampled(f, key, **asked)
    return recover(points, values, noise=noise, max_rounds=rounds)


@functools.partial(jax.jit, static_argnames=("n", "sparsity", "batch_size", *_OPTIONS))
def _sampled(
    f: _asking.Asked | Partial,
    key: Array,
    *,
    n: int,
    sparsity: int,
    batch_size: int,
    **options: Any,
) -> tuple[Queries, Array]:
    """The points, and the values there."""
    points = queries(n, sparsity, key, **options)
    return points, _asking.values_of(f, points, batch_size)


@functools.partial(
    jax.jit,
    static_argnames=(
        *("n", "sparsity", "max_rounds", "batch_size", "mesh", "axis_name"),
        *_OPTIONS,
    ),
)
def _shared(
    f: _asking.Asked | Partial,
    key: Array,
    noise: ArrayLike | None,
    *,
    n: int,
    sparsity: int,
    max_rounds: int,
    batch_size: int,
    mesh: Mesh,
    axis_name: tuple[str, ...],
    **options: Any,
) -> SparseSpectrum:
    """The same, over the devices of a mesh."""
    points = queries(n, sparsity, key, **options)
    _sharing_checks.shared_bins(points.subsampling.bins, mesh, axis_name)
    return _sharded.recovered(
        f,
        points,
        jnp.asarray(_sparse_checks.noise(noise, points.decoder)),
        mesh=mesh,
        axis_name=axis_name,
        estimate=noise is None and points.decoder != "noiseless",
        max_rounds=max_rounds,
        batch_size=batch_size,
    )
