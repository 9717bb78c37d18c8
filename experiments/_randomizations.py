"""Ways to place points at random in the unit cube, from independent ones to interlaced nets."""

import functools
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import jax
import numpy as np

from hadax import qmc

Method: TypeAlias = Literal[
    "iid", "lattice", "shift", "linear", "nested", "interlaced linear", "interlaced nested"
]
Points: TypeAlias = qmc.Lattice | qmc.DigitalNet

METHODS: tuple[Method, ...] = get_args(Method)
SCRAMBLED: tuple[Method, ...] = ("linear", "nested")
INTERLACED: tuple[Method, ...] = ("interlaced linear", "interlaced nested")
_ORDER = 2  # of interlacing


def plain_points(method: Method, dimensions: int, n: int) -> Points | None:
    """What is randomised, for up to n points; None for points that are independent."""
    if method == "iid":
        return None
    if method == "lattice":
        return qmc.lattice(_vector(dimensions, n))
    return qmc.sobol(dimensions * _ORDER if method in INTERLACED else dimensions)


@functools.cache
def _vector(dimensions: int, n: int) -> np.ndarray:
    """A lattice that is good for every power of two from 16 on."""
    return qmc.cbc(dimensions, n, n_min=min(16, n))


def draw(
    method: Method, key: jax.Array, plain: Points | None, dimensions: int, n: int
) -> jax.Array:
    """The first n points (n, d) of one randomisation."""
    if isinstance(plain, qmc.Lattice):
        return qmc.random_shift(key, plain)(n)
    if isinstance(plain, qmc.DigitalNet):
        return _scrambled(method, key, plain)(n)
    return jax.random.uniform(key, (n, dimensions))


def _scrambled(method: Method, key: jax.Array, net: qmc.DigitalNet) -> qmc.DigitalNet:
    """A net, randomised so that every point is uniform."""
    key_scramble, key_shift = jax.random.split(key)
    if method == "nested":
        return qmc.nested_scramble(key_scramble, net)
    if method == "interlaced nested":
        return qmc.interlace(qmc.nested_scramble(key_scramble, net), _ORDER)
    if method == "linear":
        net = qmc.linear_scramble(key_scramble, net)
    if method == "interlaced linear":
        net = qmc.interlace(qmc.linear_scramble(key_scramble, net), _ORDER)
    return qmc.digital_shift(key_shift, net)


def integrated(
    method: Method, function: Callable[[jax.Array], jax.Array]
) -> Callable[[jax.Array], jax.Array]:
    """The function that the mean is taken of: a lattice has the one that is folded, periodic."""
    return qmc.periodize(function, "baker") if method == "lattice" else function
