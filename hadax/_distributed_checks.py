"""Error texts of transforms across devices; the house's other texts are in `hadax._checks`."""

import math
from typing import NoReturn

import jax
from jax import lax
from jax.sharding import AbstractMesh, AxisType, Mesh, PartitionSpec

from hadax._bits import is_power_of_two
from hadax._typing import Array

MeshAxes = str | tuple[str, ...]


def bound_axes(axis_name: MeshAxes) -> int:
    """The number of devices along mesh axes that an enclosing shard_map maps over."""
    try:
        return lax.axis_size(axis_name)
    except (NameError, TypeError, ValueError):
        raise ValueError(
            "Argument `axis_name` must name mesh axes of an enclosing jax.shard_map, but is "
            f"{axis_name!r}. For a global array call fwht_sharded instead."
        ) from None


def device_count(devices: int, axis_name: MeshAxes) -> None:
    """Refuse a number of devices that is no power of two."""
    if not is_power_of_two(devices):
        raise ValueError(
            f"Argument `axis_name` must stand for a power of two of devices, but {axis_name!r} has "
            f"{devices}. Spread the transformed axis over fewer devices, or gather it first."
        )


def not_transposed(order: str) -> NoReturn:
    """Refuse a word that only natural order knows."""
    raise ValueError(
        f"Argument `transposed` must be False with order={order!r}, but is True. That order takes "
        "one exchange as it is."
    )


def hadamard_length(n: int, devices: int, lower: int, higher: int) -> NoReturn:
    """Refuse an axis that no construction reaches, over all devices."""
    raise ValueError(
        f"Argument `x` must have a Hadamard length over all {devices} devices, but has length {n}. "
        f"The nearest such lengths are {lower} and {higher}."
    )


def divisible(n: int, multiple: int, devices: int) -> None:
    """Refuse an axis that cannot be cut into as many pieces on each device as there are devices."""
    if n % multiple:
        raise ValueError(
            f"Argument `x` must have a multiple of {multiple} as its length over {devices} "
            f"devices, but has length {n}. Use fewer devices, or gather x first."
        )


def mesh_axes(x: Array, axis: int, mesh: Mesh | AbstractMesh, spec: PartitionSpec) -> MeshAxes:
    """The mesh axes that `spec` spreads the axis of `x` over."""
    if not isinstance(mesh, Mesh | AbstractMesh):
        raise TypeError(f"Argument `mesh` must be a mesh, but is a {type(mesh).__name__}.")
    if not isinstance(spec, PartitionSpec):
        raise TypeError(f"Argument `spec` must be a jax.sharding.PartitionSpec, but is {spec!r}.")
    if len(spec) > x.ndim:
        raise ValueError(f"Argument `spec` must have at most x.ndim={x.ndim} parts, but is {spec}.")
    names = _names(spec, axis)
    if not names:
        raise ValueError(
            f"Argument `spec` must shard axis={axis} of x, but is {spec}. An axis that is whole on "
            "every device is transformed by hadax.fwht."
        )
    for name in (name for part in range(len(spec)) for name in _names(spec, part)):
        if name not in mesh.shape:
            raise ValueError(
                f"Argument `spec` must name axes of the mesh, {tuple(mesh.shape)}, but is {spec}."
            )
    devices = math.prod(mesh.shape[name] for name in names)
    device_count(devices, names)
    divisible(x.shape[axis], devices, devices)
    if AxisType.Explicit in mesh.axis_types:
        _laid_out(x, spec)
    return names


def _laid_out(x: Array, spec: PartitionSpec) -> None:
    """Refuse an array whose type says that it is laid out in another way."""
    found = jax.typeof(x).sharding.spec
    if any(_names(found, axis) != _names(spec, axis) for axis in range(x.ndim)):
        raise ValueError(
            f"Argument `x` must be laid out as spec={spec} on an explicit mesh, but is laid out as "
            f"{found}. Use jax.device_put or jax.sharding.reshard first."
        )


def _names(spec: PartitionSpec, axis: int) -> tuple[str, ...]:
    """The mesh axes that `spec` names for an axis."""
    part = spec[axis] if axis < len(spec) else None
    if part is None:
        return ()
    return part if isinstance(part, tuple) else (part,)
