"""Error texts of sparse transforms over the devices of a mesh."""

import math
from typing import TypeAlias

import jax

from hadax._distributed_checks import MeshAxes

Mesh: TypeAlias = jax.sharding.Mesh | jax.sharding.AbstractMesh


def mesh_axes(mesh: object, axis_name: MeshAxes | None, *, on_host: bool) -> tuple[str, ...]:
    """The mesh axes to spread over: all of them, unless some are named."""
    if mesh is None:
        if axis_name is not None:
            raise ValueError(
                f"Argument `axis_name` must come with a mesh, but is {axis_name!r}. Pass mesh=."
            )
        return ()
    if not isinstance(mesh, Mesh):
        raise TypeError(f"Argument `mesh` must be a mesh, but is a {type(mesh).__name__}.")
    if on_host:
        raise ValueError(
            "Argument `on_host` must be False with a mesh, but is True. Ask the function by "
            "hadax.sparse.sample instead."
        )
    if axis_name is None:
        return tuple(mesh.axis_names)
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    if not names or any(name not in mesh.shape for name in names):
        raise ValueError(
            f"Argument `axis_name` must name axes of the mesh, {tuple(mesh.shape)}, but is "
            f"{axis_name!r}."
        )
    return names


def shared_bins(bins: int, mesh: Mesh, names: tuple[str, ...]) -> None:
    """Refuse a number of devices that cannot have as many bins each."""
    devices = math.prod(mesh.shape[name] for name in names)
    if bins % devices:
        raise ValueError(
            f"Argument `mesh` must have a number of devices that divides the {bins} bins of a "
            f"group, but has {devices} along {names}. Take another number of devices, or of bins."
        )
