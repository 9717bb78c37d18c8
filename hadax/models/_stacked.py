"""What the models of this room do alike: read at places, and be made of arrays."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx

from hadax._typing import Array
from hadax.models import _model_checks
from hadax.models.base import Tap
from hadax.models.online import NOTHING, Online

Built = TypeVar("Built", bound=nnx.Module)


class Reads:
    """What is read in one call of a block: each vector goes through what stands at its place.

    `inputs` is, by site, what the linears were about to read: transformed, but not rounded.
    """

    def __init__(self, online: Mapping[str, Online], tap: Tap):
        self._online, self._tap = online, tap
        self.inputs: dict[str, Array] = {}

    def __call__(self, place: str, x: Array) -> Array:
        """What attention reads at a place."""
        return self._online.get(place, NOTHING)(x)

    def at_site(self, site: str, x: Array) -> Array:
        """What the linears of a site read, after the tap."""
        online = self._online.get(site, NOTHING)
        self.inputs[site] = online.transformed(x)
        return self._tap(site, online.rounded(self.inputs[site]))


def holding(build: Callable[[], Built], params: dict[str, Any]) -> Built:
    """The model that `build` would make, holding the given arrays; none are initialised."""
    graph, state = nnx.split(nnx.eval_shape(build))
    _model_checks.same_shapes("params", params, nnx.to_pure_dict(state))
    nnx.replace_by_pure_dict(state, jax.tree.map(jnp.asarray, params))
    return nnx.merge(graph, state)
