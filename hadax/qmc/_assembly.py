"""From a kernel and points to their matrix, in two steps: what no leaf changes, and the rest."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import jax

from hadax import _checks
from hadax._typing import Array
from hadax.qmc import _kernel_checks, _qmc_checks
from hadax.qmc.dense_gram import DenseGram
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.lattices import Lattice
from hadax.qmc.nets import DigitalNet
from hadax.qmc.structured_gram import Gram

Points: TypeAlias = Lattice | DigitalNet
Kind: TypeAlias = Literal["lattice", "net", "dense"]


def factors(kernel: ProductKernel, points: Points | Array, n: int | None) -> tuple[Any, Kind]:
    """The kernel's factors, of the first column or for an array of all pairs; and which it is."""
    if isinstance(points, jax.Array):
        found = _checks.shaped("points", points, ndim=2)
        _kernel_checks.point_array(found, n, digital=kernel.is_digital)
        _qmc_checks.same_dimensions(kernel.dimensions, found.shape[1])
        return kernel.factors(found[:, None], found[None]), "dense"
    _kernel_checks.sequence(points, Points)
    count = _qmc_checks.power_of_two("n", n)
    _kernel_checks.fits(kernel, points)
    words = points.words(count)
    return kernel.factors(words, words[:1]), "lattice" if isinstance(points, Lattice) else "net"


def matrix(kernel: ProductKernel, of_points: Any, kind: Kind, noise: Array) -> Gram | DenseGram:
    """The matrix of a kernel with such factors, and noise on its diagonal."""
    minus_one = kernel.minus_one_of(of_points)
    if kind == "dense":
        values = kernel.scale * (1 + minus_one)
        return DenseGram.of_noisy(values, noise)
    return Gram.of_column(kernel.scale, minus_one, noise, is_lattice=kind == "lattice")


def each(function: Callable[[Array], Array], x: Array, values: int) -> Array:
    """A function of one point at all of x, several at once while their rows fit a cache."""
    together = (1 << 12) // values
    return jax.lax.map(function, x, batch_size=together if together > 1 else None)
