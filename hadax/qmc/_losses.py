"""How badly a kernel's matrix explains values."""

import dataclasses
from collections.abc import Sequence
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike
from hadax.qmc import _kernel_checks, _qmc_checks
from hadax.qmc._assembly import Points
from hadax.qmc.composed_kernels import CombinedKernel
from hadax.qmc.dense_gram import DenseGram
from hadax.qmc.kernels import ProductKernel
from hadax.qmc.structured_gram import Gram
from hadax.qmc.task_matrices import TaskGram

Loss: TypeAlias = Literal["likelihood", "gcv", "cv"]


def loss_of(
    matrix: Gram | DenseGram | TaskGram, gaps: Array | tuple[Array, ...], loss: Loss
) -> Array:
    """The loss of values less their mean, which for several tasks are a tuple."""
    if loss == "likelihood":
        constant = matrix.n * jnp.log(2 * jnp.pi)
        return (matrix.quadratic(gaps) + matrix.logdet() + constant) / 2  # type: ignore[arg-type]
    diagonal = _joined(matrix.inverse_diagonal())
    scales = diagonal if loss == "cv" else jnp.mean(diagonal)
    return jnp.sum(jnp.square(_joined(matrix.solve(gaps)) / scales))  # type: ignore[arg-type]


def likeliest_factor(matrix: Gram | DenseGram | TaskGram, gaps: Array | tuple[Array, ...]) -> Array:
    """By what kernel and noise together are multiplied where values are likeliest: y^T K^-1 y / n.

    1 where that is no positive number, as of values that are all the same.
    """
    factor = matrix.quadratic(gaps) / matrix.n  # type: ignore[arg-type]
    return jnp.where((factor > 0) & jnp.isfinite(factor), factor, 1)


def unit(gaps: Array | tuple[Array, ...]) -> Array:
    """The largest size among values, in which their squares neither under- nor overflow."""
    largest = jnp.max(jnp.abs(_joined(gaps)))
    return jnp.where(largest > 0, largest, 1)


def variance_factor(variance: Array, gaps: Array | tuple[Array, ...]) -> Array:
    """By what a kernel of such a variance is multiplied to have that of the values."""
    spread = jnp.mean(jnp.square(_joined(gaps)))
    return jnp.where(spread > 0, spread, 1) / variance


def last_factor(
    matrix: Gram | DenseGram | TaskGram,
    gaps: Array | tuple[Array, ...],
    noise: Array,
    loss: Loss,
    *,
    learn_noise: bool,
) -> Array:
    """By what the best kernel and its noise are multiplied: losses but the likelihood see ratios
    only, and of what has the best one the likeliest is taken."""
    if loss == "likelihood":
        return jnp.ones((), noise.dtype)
    factor = likeliest_factor(matrix, gaps)
    return factor if learn_noise else jnp.where(jnp.all(noise == 0), factor, 1)


def in_units(
    kernel: ProductKernel,
    losses: tuple[Array, Array],
    gaps: Array | tuple[Array, ...],
    unit: Array,
    loss: Loss,
) -> tuple[ProductKernel, Array, Array]:
    """A kernel and losses of values, from those of the values over a unit."""
    if loss == "likelihood":
        best, every = (value + _joined(gaps).size * jnp.log(unit) for value in losses)
    else:
        best, every = (value * unit * unit for value in losses)
    return scaled(scaled(kernel, unit), unit), best, every


def scaled(kernel: ProductKernel, factor: Array) -> ProductKernel:
    """A kernel times a factor, of which kernels whose scales multiply take equal parts."""
    if isinstance(kernel, CombinedKernel):
        part = factor ** (1 / len(kernel.kernels))
        return CombinedKernel(tuple(scaled(one, part) for one in kernel.kernels))
    return dataclasses.replace(kernel, scale=kernel.scale * factor)  # type: ignore[type-var]


def measured(
    matrix: Gram | DenseGram | TaskGram, gaps: Array | tuple[Array, ...], loss: Loss
) -> tuple[Array, Array]:
    """What equal steps make smaller by equal parts, of a density or of errors; and the loss."""
    value = loss_of(matrix, gaps, loss)
    return (value if loss == "likelihood" else jnp.log(value)), value


def _joined(vectors: Array | tuple[Array, ...]) -> Array:
    """One vector, of one a task or one alone."""
    return jnp.concatenate(vectors) if isinstance(vectors, tuple) else vectors


def values(y: ArrayLike, points: object) -> Array:
    """Values as a vector of as many as there are points."""
    found = _vector(y)
    if isinstance(points, jax.Array):
        _kernel_checks.as_many_values(len(found), len(points))
    else:
        _qmc_checks.power_of_two("len(y)", len(found))
    return found


def task_values(y: Sequence[ArrayLike]) -> tuple[Array, ...]:
    """Values as one vector a task, all of the widest dtype among them."""
    found = [_vector(one) for one in y]
    widest = max((one.dtype for one in found), key=lambda dtype: dtype.itemsize, default=None)
    return tuple(one.astype(widest) for one in found)


def kernel_in(dtype: DTypeLike, kernel: ProductKernel) -> ProductKernel:
    """A kernel whose leaves have the dtype of the values that it is to explain."""
    if not isinstance(kernel, ProductKernel):
        return kernel  # What is asked of points says that it is none.
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), kernel)


def points_in(dtype: DTypeLike, points: Points | Array) -> Points | Array:
    """Points that are floats with the dtype of their values; words and sequences as they are."""
    if isinstance(points, jax.Array) and jnp.issubdtype(points.dtype, jnp.floating):
        return points.astype(dtype)
    return points


def _vector(y: ArrayLike) -> Array:
    """Values as a vector of at least 32 bits."""
    found = _checks.real_float("y", _checks.shaped("y", y, ndim=1))
    return found.astype(jnp.float32) if jnp.finfo(found.dtype).bits < 32 else found
