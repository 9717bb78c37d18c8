"""How badly a kernel's matrix explains values."""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _kernel_checks, _qmc_checks
from hadax.qmc.dense_gram import DenseGram
from hadax.qmc.structured_gram import Gram

Loss: TypeAlias = Literal["likelihood", "gcv", "cv"]


def loss_of(matrix: Gram | DenseGram, gaps: Array, loss: Loss) -> Array:
    """The loss of values less their mean."""
    if loss == "likelihood":
        constant = matrix.n * jnp.log(2 * jnp.pi)
        return (matrix.quadratic(gaps) + matrix.logdet() + constant) / 2
    diagonal = matrix.inverse_diagonal()
    scales = diagonal if loss == "cv" else jnp.mean(diagonal)
    return jnp.sum(jnp.square(matrix.solve(gaps) / scales))


def values(y: ArrayLike, points: object) -> Array:
    """Values as a vector of as many as there are points."""
    found = _checks.real_float("y", _checks.shaped("y", y, ndim=1))
    if isinstance(points, jax.Array):
        _kernel_checks.as_many_values(len(found), len(points))
    else:
        _qmc_checks.power_of_two("len(y)", len(found))
    return found
