"""A sparse transform over the devices of a mesh.

Each device asks for the values of its share of the pairs of a group and an offset, and transforms
them by itself. One all_to_all brings the bins to the devices, as many of each group and with all
their offsets to each. In a round of peeling every device looks for lone coefficients in its own
bins; only these, an index and a value for each bin, are sent to all.
"""

import functools

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import PartitionSpec
from jax.tree_util import Partial

from hadax._distributed_checks import MeshAxes
from hadax._typing import Array
from hadax.sparse import _asking
from hadax.sparse._explaining import explained
from hadax.sparse._shares import Share
from hadax.sparse._sharing_checks import Mesh
from hadax.sparse.query_points import Queries
from hadax.sparse.spectrum import SparseSpectrum


def recovered(
    f: _asking.Asked | Partial,
    queries: Queries,
    noise: Array,
    *,
    mesh: Mesh,
    axis_name: MeshAxes,
    **options: int | bool,
) -> SparseSpectrum:
    """The spectrum of a traceable function, whole on every device."""
    local = functools.partial(_on_device, axis_name=axis_name, **options)
    whole = PartitionSpec()
    # All devices put together the same list, from what all have found: types cannot know that.
    program = jax.shard_map(local, mesh=mesh, in_specs=whole, out_specs=whole, check_vma=False)
    return program(f, queries, noise)


def _on_device(
    f: _asking.Asked | Partial,
    queries: Queries,
    noise: Array,
    *,
    axis_name: MeshAxes,
    estimate: bool,
    max_rounds: int,
    batch_size: int,
) -> SparseSpectrum:
    """What one device does."""
    groups, numbers, _ = queries.shape
    pairs = groups * numbers
    each = -(-pairs // lax.axis_size(axis_name))
    first = lax.axis_index(axis_name).astype(jnp.int32) * each
    # Where pairs are no multiple of devices, the last ones ask again for the first.
    mine = (first + jnp.arange(each, dtype=jnp.int32)) % pairs
    values = _asking.values_at(f, queries, mine, batch_size)
    transformed = queries.subsampling.transform(values)
    shared = lax.all_to_all(transformed, axis_name, 1, 0, tiled=True)[:pairs]
    seen = jnp.swapaxes(shared.reshape(groups, numbers, -1), 1, 2)
    parts = 2 if jnp.iscomplexobj(values) else 1
    share = Share(axis_name)
    options = {"estimate": estimate, "max_rounds": max_rounds}
    return explained(queries, seen, noise, parts, share=share, **options)
