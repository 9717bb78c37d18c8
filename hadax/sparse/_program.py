"""Sparse transforms as one program each: choose points, ask for values, and recover."""

import functools
from typing import Any

import jax
from jax.tree_util import Partial

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.sparse import _asking, _sharded, _sharing_checks, _sparse_checks
from hadax.sparse._sharing_checks import Mesh
from hadax.sparse.query_points import queries
from hadax.sparse.recovery import recover
from hadax.sparse.spectrum import SparseSpectrum


@functools.partial(
    jax.jit,
    static_argnames=(
        "n",
        "sparsity",
        "base",
        "decoder",
        "repetitions",
        "degree",
        "chase",
        "design",
        "groups",
        "bins",
        "max_rounds",
        "batch_size",
        "mesh",
        "axis_name",
    ),
)
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
    """The spectrum of a function of points, with options of `queries`."""
    points = queries(n, sparsity, key, **options)
    rounds = _checks.integer("max_rounds", max_rounds, minimum=1)
    if mesh is not None:
        _sharing_checks.shared_bins(points.subsampling.bins, mesh, axis_name)
        return _sharded.recovered(
            f,
            points,
            _sparse_checks.noise(noise, points.decoder),
            mesh=mesh,
            axis_name=axis_name,
            estimate=noise is None and points.decoder != "noiseless",
            max_rounds=rounds,
            batch_size=batch_size,
        )
    values = _asking.values_of(f, points, batch_size)
    return recover(points, values, noise=noise, max_rounds=rounds)
