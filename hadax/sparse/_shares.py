"""Which bins of each group are at hand: all, or those of one device of several."""

import dataclasses

import jax.numpy as jnp
from jax import lax

from hadax._distributed_checks import MeshAxes
from hadax._typing import Array


@dataclasses.dataclass(frozen=True)
class Share:
    """All bins; or, inside shard_map, as many on each device along mesh axes, one after another."""

    axis_name: MeshAxes | None = None

    def everywhere(self, x: Array, axis: int = 0) -> Array:
        """What all devices hold, one after another along an axis."""
        if self.axis_name is None:
            return x
        return lax.all_gather(x, self.axis_name, axis=axis, tiled=True)

    def total(self, x: Array) -> Array:
        """The sum over all devices."""
        return x if self.axis_name is None else lax.psum(x, self.axis_name)

    def largest(self, x: Array) -> Array:
        """The largest of all devices."""
        return x if self.axis_name is None else lax.pmax(x, self.axis_name)

    def place(self, numbers: Array, bins: int) -> Array:
        """Where the bins of these numbers are among the `bins` here; those elsewhere at `bins`."""
        if self.axis_name is None:
            return numbers
        place = numbers - lax.axis_index(self.axis_name).astype(numbers.dtype) * bins
        return jnp.where((place >= 0) & (place < bins), place, bins)


ALL = Share()
