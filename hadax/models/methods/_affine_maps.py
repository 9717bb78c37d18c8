"""The invertible maps that FlatQuant learns: where they stand, and what they are made of.

A map is a Kronecker product of matrices P = U diag(exp(s)) V^T, with U and V on Cayley's way from
random rotations: it has an inverse in closed form whatever its parameters are.
"""

import functools
from dataclasses import replace
from math import isqrt
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from hadax._typing import Array, DTypeLike, KeyArray
from hadax.models.base import Model
from hadax.models.rotation import rotate
from hadax.operators.base import LinearOperator
from hadax.operators.elementary import Diagonal, Invertible, Kronecker, Scale
from hadax.operators.rotations import haar_rotation
from hadax.quantization.rules import Precision
from hadax.quantization.sites import ModelSites, Site


class Map(NamedTuple):
    """A map and its place: a Kronecker product of matrices of these lengths, of none a diagonal."""

    site: Site
    lengths: tuple[int, ...]


class Factor(NamedTuple):
    """The parameters of one matrix: what turns U and V (2, n, n), below the diagonals, and s."""

    turns: Array
    stretch: Array


Learned: TypeAlias = dict[str, tuple[Factor, ...] | Array]
"""By the name of a map's site its factors, or the logarithms of its diagonal."""
Frames: TypeAlias = dict[str, tuple[Array, ...]]
"""By the name of a map's site, for each factor the rotations (2, n, n) that U and V turn on."""


def placed_maps(sites: ModelSites, precision: Precision) -> tuple[Map, ...]:
    """In front of all linears a Kronecker product and, where it is free, a diagonal; across heads
    and within value heads a matrix, and within keys where they are rounded."""
    layered = [site for site in sites.sites if site.layered]
    across = [site for site in layered if site.stride > 1]
    # Where only orthogonal maps pass there is none of these.
    within = [site for site in layered if site.writers and not site.orthogonal]
    keys = [site for site in layered if site.duals and precision.kv_qtype is not None]
    taken = {place for site in across for place in site.places}
    read = [site for site in sites.inputs if not taken & set(site.places)]
    front = [replace(site, name=f"in front of {site.name}", writers=()) for site in read]
    return (
        *(Map(replace(site, places=()), ()) for site in read if site.writers),
        *(Map(site, near_square(site.width)) for site in front),
        *(Map(site, (site.width // site.stride,)) for site in (*across, *within, *keys)),
    )


def near_square(n: int) -> tuple[int, int]:
    """Fermat's factors of n: a - b and a + b for the least a with n = a^2 - b^2.

    They are both even or both odd, which those of 2, 6, 10, ... cannot be: of these the nearest.
    """
    small = next(
        d for d in range(isqrt(n), 0, -1) if n % d == 0 and (n % 4 == 2 or (d + n // d) % 2 == 0)
    )
    return small, n // small


def random_frames(key: KeyArray, maps: tuple[Map, ...], dtype: DTypeLike) -> Frames:
    """Haar rotations for the maps of one layer."""

    def pair(key: KeyArray, n: int) -> Array:
        halves = jax.random.split(key)
        return jnp.stack([haar_rotation(half, n, dtype=dtype).matrix for half in halves])

    return {
        site.name: tuple(
            pair(jax.random.fold_in(jax.random.fold_in(key, i), j), n)
            for j, n in enumerate(lengths)
        )
        for i, (site, lengths) in enumerate(maps)
    }


def unturned(lengths: tuple[int, ...], dtype: DTypeLike) -> tuple[Factor, ...]:
    """The parameters of a map that is U V^T: a rotation."""
    return tuple(Factor(jnp.zeros((2, n, n), dtype), jnp.zeros(n, dtype)) for n in lengths)


@functools.partial(jax.jit, static_argnums=0)
def operators(maps: tuple[Map, ...], learned: Learned, frames: Frames) -> dict[str, LinearOperator]:
    """The maps of one layer."""
    return {site.name: _operator(site, learned[site.name], frames[site.name]) for site, _ in maps}


def _operator(
    site: Site, learned: tuple[Factor, ...] | Array, frames: tuple[Array, ...]
) -> LinearOperator:
    """One map."""
    if not isinstance(learned, tuple):
        return Diagonal(jnp.exp(learned))
    first, *others = (_matrix(factor, frame) for factor, frame in zip(learned, frames, strict=True))
    op: LinearOperator = first
    for other in others:
        op = Kronecker(op, other)
    if site.stride > 1:
        op = Kronecker(op, Scale(jnp.ones((), first.matrix.dtype), site.stride))
    return op


def _matrix(factor: Factor, frame: Array) -> Invertible:
    """U diag(exp(s)) V^T beside V diag(exp(-s)) U^T."""
    # One after the other, for on CPUs batches of small systems wait for each other's threads, and
    # where there are few threads, for ever (jaxlib 0.10).
    u, v = (_turned(frame[i], factor.turns[i]) for i in range(2))
    stretch = jnp.exp(factor.stretch)[None]
    return Invertible(_matmul(u * stretch, v.T), _matmul(v / stretch, u.T))


def _turned(rotation: Array, below: Array) -> Array:
    """(I - A)^{-1} (I + A) times a rotation, for a skew A."""
    lower = jnp.tril(below, -1) / 2
    skew, identity = lower - lower.T, jnp.eye(len(below), dtype=below.dtype)
    return jnp.linalg.solve(identity - skew, _matmul(identity + skew, rotation))


def _matmul(a: Array, b: Array) -> Array:
    """Their product, in full precision on every device."""
    return jnp.matmul(a, b, precision="highest")


def with_maps(model: Model, maps: tuple[Map, ...], ops: dict[str, LinearOperator]) -> Model:
    """The same function with maps, one a layer: what is learned in 32 bits is inverted in 64."""
    dtype = next(iter(jax.tree.leaves(ops))).dtype
    table = ModelSites(tuple(site for site, _ in maps), norms=())
    with jax.enable_x64(True):
        mapped = rotate(model, table, {name: _exact(op) for name, op in ops.items()})
        online = jax.tree.map(lambda leaf: leaf.astype(dtype), dict(mapped.blocks.online))
    mapped.blocks.online = nnx.data(online)
    return mapped


def _exact(op: LinearOperator) -> LinearOperator:
    """The operator in float64, its inverses computed again."""

    def widened(part: Invertible | Array) -> Invertible | Array:
        if not isinstance(part, Invertible):
            return part.astype(jnp.float64)
        matrix = np.asarray(part.matrix, np.float64)
        return Invertible(jnp.asarray(matrix), jnp.asarray(np.linalg.inv(matrix)))

    return jax.tree.map(widened, op, is_leaf=lambda part: isinstance(part, Invertible))
