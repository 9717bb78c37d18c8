"""Error texts of steps among matrices with orthonormal rows."""

import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike

RETRACTIONS = ("cayley", "solve", "qr", "polar")


def wide(name: str, value: ArrayLike) -> Array:
    """`value` as a real array (..., p, n) that can have orthonormal rows."""
    x = _checks.real_float(name, value)
    if x.ndim < 2 or x.shape[-2] > x.shape[-1]:
        raise ValueError(
            f"Argument `{name}` must have shape (..., p, n) with p <= n, but has "
            f"{name}.shape={x.shape}. Transpose tall matrices."
        )
    return x


def orthonormal(name: str, x: Array) -> None:
    """Refuse rows that are not orthonormal; of a traced array nothing is seen."""
    products = x @ x.mT
    identity = jnp.broadcast_to(jnp.eye(x.shape[-2], dtype=x.dtype), products.shape)
    drift = jnp.max(jnp.abs(products - identity), initial=0.0)
    limit = 30 * float(jnp.finfo(x.dtype).eps) ** 0.5
    if not isinstance(drift, core.Tracer) and not drift <= limit:
        raise ValueError(
            f"Argument `{name}` must have orthonormal rows, but x @ x.T differs from the identity "
            f"by {float(drift):.2g}. Begin with a rotation, for example hadax.haar_rotation."
        )


def same_shape(x: Array, direction: Array) -> None:
    """Refuse a direction of another shape than the point's."""
    if x.shape != direction.shape:
        raise ValueError(
            f"Argument `direction` must have the shape of x, {x.shape}, but has "
            f"direction.shape={direction.shape}."
        )


def rate(value: ArrayLike) -> None:
    """Refuse to go backwards, where no bound on the step holds; a traced rate goes unseen."""
    if not isinstance(value, core.Tracer) and not np.all(np.asarray(value) >= 0):
        raise ValueError(
            f"Argument `rate` must be at least 0, but is {value}. Negate `direction` instead."
        )


def given(params: object) -> None:
    """Refuse an update without the parameters it starts from."""
    if params is None:
        raise ValueError(
            "Argument `params` must be given, since a step depends on where it starts, but is "
            "None. Call update(updates, state, params)."
        )


def settings(momentum: float, retraction: object, iterations: int) -> None:
    """Refuse settings that no optimizer can have."""
    if not 0 <= momentum < 1:
        raise ValueError(f"Argument `momentum` must be at least 0 and below 1, but is {momentum}.")
    _checks.choice("retraction", retraction, RETRACTIONS)
    _checks.integer("iterations", iterations, minimum=1)
