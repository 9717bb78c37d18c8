"""Error texts of Gaussian processes of several tasks."""

import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike
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


def covariance(tasks: ArrayLike, count: int, dtype: jnp.dtype) -> Array:
    """A covariance of so many tasks: symmetric and positive; traced ones pass."""
    found = jnp.asarray(tasks, dtype)
    if found.shape != (count, count):
        raise ValueError(
            f"Argument `tasks` must have the shape {(count, count)}, a row and a column for each "
            f"entry of `points`, but has {found.shape}. `task_covariance` makes one."
        )
    if isinstance(found, core.Tracer):
        return found
    matrix = np.asarray(found, np.float64)
    noise = count * float(jnp.finfo(dtype).eps) * np.abs(matrix).max()
    if not np.abs(matrix - matrix.T).max() <= noise:
        raise ValueError(f"Argument `tasks` must be symmetric, but is {matrix.tolist()}.")
    least = np.linalg.eigvalsh(matrix)[0]
    if least < -noise:
        raise ValueError(
            "Argument `tasks` must have no negative eigenvalue, as covariances have none, but has "
            f"{least:.3g}. `task_covariance` makes one that has not."
        )
    return found


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


def rows(name: str, value: ArrayLike, count: int, dtype: jnp.dtype) -> Array:
    """A matrix with a row for each task."""
    found = _checks.shaped(name, jnp.asarray(value, dtype), ndim=2)
    if len(found) != count:
        raise ValueError(
            f"Argument `{name}` must have a row for each of {count} tasks, but has the shape "
            f"{found.shape}."
        )
    return found


def means(value: ArrayLike, count: int, dtype: jnp.dtype) -> Array:
    """A prior mean for each task, or one for all."""
    found = jnp.asarray(value, dtype)
    if found.shape not in ((), (count,)):
        raise ValueError(
            f"Argument `prior_means` must have the shape () or {(count,)}, but has {found.shape}."
        )
    return jnp.broadcast_to(found, (count,))


def known(name: str, task: object, count: int) -> int:
    """The number of a task that there is."""
    found = _checks.integer(name, task)
    if not 0 <= found < count:
        raise ValueError(f"Argument `{name}` must be from 0 to {count - 1}, but is {found}.")
    return found


def as_many_more(y: object, sizes: tuple[int, ...]) -> None:
    """Refuse values that neither double a task's points nor leave them."""
    seen = [None if one is None else np.shape(one) for one in y]  # type: ignore[attr-defined]
    if len(seen) != len(sizes) or any(
        shape not in (None, (n,)) for shape, n in zip(seen, sizes, strict=True)
    ):
        raise ValueError(
            f"Argument `y` must have for each task as many values as it has, {list(sizes)}, or "
            f"None, but has the shapes {seen}."
        )
