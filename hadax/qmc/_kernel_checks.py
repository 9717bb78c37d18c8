"""Error texts of kernels and of what is made of them."""

from typing import NoReturn

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _qmc_checks


def scale_and_weights(
    dimensions: int, weights: ArrayLike | None, scale: ArrayLike
) -> tuple[Array, Array]:
    """Scale and weights of a kernel; by default weights such that prod_j (1 + gamma_j) = 2."""
    size = one_or_each("scale", scale, None)
    usual = 2 ** (1 / dimensions) - 1
    return size, one_or_each("weights", usual if weights is None else weights, dimensions)


def one_or_each(name: str, value: ArrayLike, dimensions: int | None) -> Array:
    """Positive numbers, one a dimension; or a single one for None."""
    found = _checks.real_float(name, jnp.asarray(value) * 1.0)
    _qmc_checks.positive(name, found, dimensions)
    return found if dimensions is None else jnp.broadcast_to(found, (dimensions,))


def no_derivatives(kind: str) -> NoReturn:
    """Refuse to differentiate a kernel that has no closed forms for it."""
    raise TypeError(
        f"Argument `kernel` must be a kernel of integer orders, but is a {kind}, whose functions "
        "have no derivatives."
    )


def derivative_orders(name: str, value: object, dimensions: int) -> tuple[int, ...]:
    """`value` as how often to differentiate in each coordinate."""
    listed = (0,) * dimensions if value is None else value
    if not isinstance(listed, tuple) or len(listed) != dimensions:
        raise ValueError(
            f"Argument `{name}` must be a tuple of {dimensions} integers, one a dimension, but is "
            f"{value!r}."
        )
    return tuple(_checks.integer(name, order, minimum=0) for order in listed)


def derivative_exists(dimension: int, times: int, most: int) -> None:
    """Refuse to differentiate more often than a kernel is smooth."""
    if times > most:
        raise ValueError(
            f"Arguments `x_orders` and `z_orders` must add up to at most {most} in dimension "
            f"{dimension}, as smooth as the kernel is there, but add up to {times}. Take larger "
            "orders of the kernel."
        )


def combinable(kernels: tuple) -> None:
    """Refuse to add kernels of different points."""
    kinds = {(kernel.is_digital, kernel.dimensions) for kernel in kernels}
    if len(kernels) < 2 or len(kinds) > 1:
        listed = ", ".join(f"{type(k).__name__} of {k.dimensions} dimensions" for k in kernels)
        raise ValueError(
            "Arguments `kernels` must be two or more of the same kind of points and as many "
            f"dimensions, but are: {listed}."
        )


def kernel_for(kernel: object, *, digital: bool) -> None:
    """Refuse a kernel of the other kind of points."""
    if getattr(kernel, "is_digital", None) is not digital:
        kind = "nets (digital_kernel)" if digital else "lattices (shift_invariant_kernel)"
        raise TypeError(
            f"Argument `kernel` must be one of {kind} for these points, but is a "
            f"{type(kernel).__name__}."
        )
