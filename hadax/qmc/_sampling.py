"""Values of an integrand at the points of a lattice or a net."""

from collections.abc import Callable

import jax.numpy as jnp

from hadax import _dtypes
from hadax._typing import Array
from hadax.qmc import _words
from hadax.qmc.gram import Points
from hadax.qmc.lattices import Lattice
from hadax.qmc.periodization import Periodization, periodize


def values(
    f: Callable[[Array], Array],
    points: Points,
    n: int,
    start: int,
    periodization: Periodization | None,
) -> Array:
    """f at points start, ..., start + n - 1: array (q, n) of its q outputs.

    A function may be infinite where a coordinate is 0 or 1; that a coordinate is rounded to one of
    these is no reason to lose an integral, so that f sees what is next to them.
    """
    x = points(n, start=start)
    if isinstance(points, Lattice) and periodization is not None:
        found = periodize(f, periodization)(x)
    else:
        found = f(_words.inside(x))
    found = found.astype(_dtypes.accumulator(found.dtype))
    return jnp.moveaxis(found.reshape(n, -1), 0, 1)
