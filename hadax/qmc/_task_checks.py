"""Error texts of Gaussian processes of several tasks."""

import jax.numpy as jnp
import numpy as np
from jax import core

from hadax._typing import Array
from hadax.qmc import _kernel_checks, _qmc_checks
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.lattices import Lattice
from hadax.qmc.nets import DigitalNet


def copies(
    kernel: ProductKernel, points: tuple[Lattice | DigitalNet, ...], sizes: tuple[int, ...]
) -> None:
    """Refuse tasks whose points are not shifted copies of one lattice or net."""
    if not points or len(points) != len(sizes):
        raise ValueError(
            "Arguments `points` and `sizes` (or `y`) must have one entry a task, but have "
            f"{len(points)} and {len(sizes)}."
        )
    for n in sizes:
        _qmc_checks.power_of_two("sizes", n)
    first = points[0]
    for one in points:
        _kernel_checks.sequence(one, (Lattice, DigitalNet))
        _kernel_checks.fits(kernel, one)
        _same_generators(_generators(first), _generators(one))


def _generators(points: Lattice | DigitalNet) -> Array:
    """What the points are made of, but for their shift."""
    return points.vector if isinstance(points, Lattice) else points.columns


def _same_generators(first: Array, other: Array) -> None:
    """Refuse other vectors or columns; traced ones pass."""
    if isinstance(first, core.Tracer) or isinstance(other, core.Tracer):
        return
    if not np.array_equal(np.asarray(first), np.asarray(other)):
        raise ValueError(
            "Argument `points` must be shifted copies of one lattice or net, but have different "
            "generators. Shift one by random_shift or digital_shift, after scrambling it once."
        )


def covariance(tasks: Array, count: int) -> Array:
    """A covariance of so many tasks."""
    if tasks.shape != (count, count):
        raise ValueError(
            f"Argument `tasks` must have the shape {(count, count)}, but has {tasks.shape}."
        )
    return tasks


def one_a_task(name: str, value: Array, count: int, *, zero: bool = False) -> Array:
    """Positive numbers, one a task or one for all; with `zero` also zeros."""
    if value.shape not in ((), (count,)):
        raise ValueError(
            f"Argument `{name}` must have the shape () or {(count,)}, but has {value.shape}."
        )
    if not isinstance(value, core.Tracer) and not bool(((value > 0) | (zero & (value == 0))).all()):
        least = "not be negative" if zero else "be positive"
        raise ValueError(f"Argument `{name}` must {least}, but is {value}.")
    return jnp.broadcast_to(value, (count,))


def known(task: int, count: int) -> None:
    """Refuse a task that there is not."""
    if not 0 <= task < count:
        raise ValueError(f"Argument `task` must be from 0 to {count - 1}, but is {task}.")
