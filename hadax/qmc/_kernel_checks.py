"""Error texts of kernels and of what is made of them."""

import warnings
from typing import Any, NoReturn

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _qmc_checks
from hadax.qmc.lattices import Lattice
from hadax.qmc.nets import DigitalNet


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


def fits(kernel: Any, points: Lattice | DigitalNet) -> None:
    """Refuse a kernel and points whose matrix no transform diagonalises."""
    kernel_for(kernel, digital=isinstance(points, DigitalNet))
    _qmc_checks.same_dimensions(kernel.dimensions, points.dimensions)
    if isinstance(points, DigitalNet):
        _qmc_checks.structured(points.seeds)


def sequence(points: object, kinds: Any) -> None:
    """Refuse points that are no lattice or net."""
    if not isinstance(points, kinds):
        raise TypeError(
            "Argument `points` must be a Lattice, a DigitalNet or a JAX array (n, d), but is a "
            f"{type(points).__name__}. Of other sequences pass the array that a call returns, or "
            "for a digital kernel the words."
        )


def kernel_points(name: str, points: ArrayLike, dimensions: int, *, digital: bool) -> Array:
    """Points (..., d) as a kernel takes them."""
    found = _checks.array(name, points)
    of_kind(name, found, digital=digital)
    if found.ndim < 1 or found.shape[-1] != dimensions:
        raise ValueError(
            f"Argument `{name}` must have points of {dimensions} dimensions on its last axis, but "
            f"has {name}.shape={found.shape}."
        )
    return found


def point_array(points: Array, n: object, *, digital: bool) -> None:
    """Refuse points that a kernel does not take, and a number of them."""
    if n is not None:
        raise ValueError(f"Argument `n` must be left out for an array of points, but is {n!r}.")
    of_kind("points", points, digital=digital)


def of_kind(name: str, points: Array, *, digital: bool) -> None:
    """Refuse points that are not what a kernel takes."""
    words = jnp.issubdtype(points.dtype, jnp.unsignedinteger)
    if not words and (digital or not jnp.issubdtype(points.dtype, jnp.floating)):
        wanted = "words (unsigned integers)" if digital else "floats or words"
        raise TypeError(
            f"Argument `{name}` must hold {wanted} for this kernel, but has dtype {points.dtype}."
        )


def as_many_values(values: int, points: int) -> None:
    """Refuse values that are not one a point."""
    if values != points:
        raise ValueError(
            f"Argument `y` must have a value for each of {points} points, but has {values}."
        )


def has_more_points(points: object) -> None:
    """Refuse to go on with points that are an array."""
    if not hasattr(points, "words"):
        raise TypeError(
            "Argument `n` must be left out for an array of points, which does not go on. Condition "
            "on a Lattice or a DigitalNet."
        )


def not_extensible() -> NoReturn:
    """Refuse to extend a process on an array of points."""
    raise TypeError(
        "A Posterior must be one of a Lattice or a DigitalNet to be extended, but has an array of "
        "points. Condition on all points and values at once."
    )


def as_many_more(values: int, known: int) -> None:
    """Refuse values that do not double the number of points."""
    if values != known:
        raise ValueError(
            f"Argument `y` must have the values at the next {known} points, as many as there are, "
            f"but has {values}."
        )


def optimizer(value: object) -> None:
    """Refuse what is no optimizer."""
    if not (callable(getattr(value, "init", None)) and callable(getattr(value, "update", None))):
        raise TypeError(
            "Argument `optimizer` must have functions `init` and `update`, as optax.adam(0.1) has, "
            f"but is a {type(value).__name__}."
        )


def warn_if_broken(broken: bool) -> None:
    """Say that a search met what is not finite."""
    if broken:
        warnings.warn(
            "The search for a kernel ended at a loss or a slope that is not finite; returned is "
            "the best kernel before. Start from more noise, take smaller steps, or compute under "
            "jax.enable_x64(True).",
            RuntimeWarning,
            stacklevel=4,
        )
