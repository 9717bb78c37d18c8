"""What `hadax.distributed` does: local transforms and exchanges, and their program over a mesh."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import AbstractMesh, Mesh, PartitionSpec

from hadax import _checks, _distributed_checks, _dtypes
from hadax._distributed_checks import MeshAxes
from hadax._typing import Array, ArrayLike, Implementation, Norm, Order
from hadax.kernels import _hadamard_orders, _xla
from hadax.transforms import walsh


class Words(NamedTuple):
    """The options of a transform, in the words of `hadax.fwht`, and `transposed`."""

    order: Order
    norm: Norm
    implementation: Implementation | None
    transposed: bool

    def check(self) -> None:
        """Refuse unknown words."""
        _checks.order(self.order)
        _checks.norm(self.norm)
        _checks.implementation(self.implementation)
        _checks.flag("transposed", self.transposed)
        if self.transposed and self.order != "natural":
            _distributed_checks.not_transposed(self.order)

    def stage(self, transform: Callable[..., Array]) -> Callable[..., Array]:
        """A local transform with these options."""
        return functools.partial(
            transform, order=self.order, norm=self.norm, implementation=self.implementation
        )

    def across(self, x: Array, devices: int, places: int, *, inverse: bool = False) -> Array:
        """The transform across the pieces of each row, as products with their matrix.

        Backends that want contiguous vectors would have to move them first, and back.
        """
        scale = _dtypes.scale_of(self.norm, devices, inverse=inverse)
        return _xla.walsh_at_stride(x, devices, places, scale=scale)


def forward(x: ArrayLike, axis_name: MeshAxes, axis: int, words: Words) -> Array:
    """The transform of what all devices along `axis_name` hold: this device's part."""
    x, axis, (rows, devices, places) = _prepare(x, axis_name, axis, words)
    stage = words.stage(walsh.fwht)
    if devices == 1:
        return stage(x, axis=axis)
    y = jnp.moveaxis(x, axis, -1)
    *batch, _ = block = y.shape
    if words.order == "natural":
        y = words.across(y, devices, places).reshape(*batch, 1, rows, devices, places)
        y = stage(_exchange(y, axis_name, -2, -4).reshape(block))
        if not words.transposed:
            y = _exchange(y.reshape(*batch, devices, rows, 1, places), axis_name, -4, -2)
    else:
        y = stage(y.reshape(*batch, 1, rows * places, devices))
        y = stage(_exchange(y, axis_name, -1, -3).reshape(block))
        y = _reflect(y, axis_name, words.order)
    return jnp.moveaxis(y.reshape(block), -1, axis)


def backward(x: ArrayLike, axis_name: MeshAxes, axis: int, words: Words) -> Array:
    """The inverse of `forward`: its steps from the last to the first."""
    x, axis, (rows, devices, places) = _prepare(x, axis_name, axis, words)
    stage = words.stage(walsh.ifwht)
    if devices == 1:
        return stage(x, axis=axis)
    y = jnp.moveaxis(x, axis, -1)
    *batch, _ = block = y.shape
    if words.order == "natural":
        if not words.transposed:
            y = _exchange(y.reshape(*batch, 1, rows, devices, places), axis_name, -2, -4)
        y = stage(y.reshape(block)).reshape(*batch, devices, rows, 1, places)
        y = _exchange(y, axis_name, -4, -2).reshape(block)
        y = words.across(y, devices, places, inverse=True)
    else:
        y = stage(_reflect(y, axis_name, words.order))
        y = y.reshape(*batch, devices, rows * places, 1)
        y = stage(_exchange(y, axis_name, -3, -1))
    return jnp.moveaxis(y.reshape(block), -1, axis)


def over_mesh(
    transform: Callable[..., Array],
    x: ArrayLike,
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    axis: int,
    words: Words,
) -> Array:
    """`forward` or `backward` of a global array, under shard_map."""
    words.check()
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    names = _distributed_checks.mesh_axes(x, axis, mesh, spec)
    return _compiled(transform, mesh, spec, names, axis, words)(x)


@functools.lru_cache(maxsize=4096)
def _compiled(
    transform: Callable[..., Array],
    mesh: Mesh | AbstractMesh,
    spec: PartitionSpec,
    names: MeshAxes,
    axis: int,
    words: Words,
) -> Callable[[Array], Array]:
    """One program for all devices, so that also a call outside of jit is one."""
    local = functools.partial(transform, axis_name=names, axis=axis, words=words)
    return jax.jit(jax.shard_map(local, mesh=mesh, in_specs=spec, out_specs=spec))


def _prepare(
    x: ArrayLike, axis_name: MeshAxes, axis: int, words: Words
) -> tuple[Array, int, tuple[int, int, int]]:
    """x, its axis, and how a device cuts its block: into rows, p pieces a row, places a piece.

    With n = m 2^k and r = m 2^s the first multiple of p, a device holds r/p rows of a matrix
    (r, n/r) on which H_n acts as H_r on the columns and Sylvester's on the rows.
    """
    words.check()
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    devices = _distributed_checks.bound_axes(axis_name)
    _distributed_checks.device_count(devices, axis_name)
    n = devices * x.shape[axis]
    if words.order != "natural":
        _checks.power_of_two(n, why=f"order={words.order!r}")
    if not _hadamard_orders.is_supported(n):
        _distributed_checks.hadamard_length(n, devices, *_hadamard_orders.nearest_supported(n))
    slow = math.lcm(_hadamard_orders.decompose(n)[0], devices)
    _distributed_checks.divisible(n, slow * devices, devices)
    return x, axis, (slow // devices, devices, n // (slow * devices))


def _exchange(x: Array, axis_name: MeshAxes, piece: int, device: int) -> Array:
    """Piece e goes to device e: from the axis `piece`, of length p, to the axis `device`, of 1."""
    return lax.all_to_all(x, axis_name, x.ndim + piece, x.ndim + device, tiled=True)


def _reflect(x: Array, axis_name: MeshAxes, order: Order) -> Array:
    """The block backwards on odd devices: the Gray code is reflected from one to the next."""
    if order != "sequency":
        return x
    return jnp.where(lax.axis_index(axis_name) % 2 == 1, jnp.flip(x, -1), x)
