"""Error texts of compression; the house's other texts are in `hadax._checks`."""

from typing import Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.kernels import _hadamard_orders

Scale: TypeAlias = Literal["unbiased", "mmse"]


def scale(value: object) -> None:
    """Refuse an unknown scale."""
    _checks.choice("scale", value, get_args(Scale))


def vector(value: ArrayLike) -> Array:
    """`value` as real vectors along the last axis, with a point each."""
    x = _checks.real_float("x", value)
    _checks.axis(x, -1)
    return x


def rotated_length(x: Array, value: int | None) -> int:
    """The Hadamard length at which x is rotated: its own, or the `n` that it is padded to."""
    length = x.shape[-1]
    if value is None:
        if not _hadamard_orders.is_supported(length):
            _, higher = _hadamard_orders.nearest_supported(length)
            raise ValueError(
                "Argument `x` must have a Hadamard length along axis=-1, but has "
                f"x.shape={x.shape}. Pass n={higher} to pad it."
            )
        return length
    n = _checks.integer("n", value, minimum=1)
    if n < length:
        raise ValueError(
            f"Argument `n` must be at least the length of x, {length}, but is {n}: it pads and "
            "never cuts."
        )
    _hadamard_orders.decompose(n)
    return n


def message(value: object, kind: type) -> None:
    """Refuse anything but a compressed vector."""
    if not isinstance(value, kind):
        raise TypeError(
            f"Argument `message` must be a {kind.__name__}, but is a {type(value).__name__}. "
            "Make one with hadax.compression.eden(key, x)."
        )


def keys(value: object) -> Array:
    """`value` as a vector of new-style keys."""
    dtype = getattr(value, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jax.dtypes.prng_key):
        seen = type(value).__name__ if dtype is None else f"an array of {dtype}"
        raise TypeError(
            f"Argument `keys` must hold new-style keys, but is {seen}. Make them with "
            "jax.random.split(key, clients)."
        )
    if value.ndim != 1 or value.size == 0:  # type: ignore[attr-defined]
        raise ValueError(
            "Argument `keys` must be a vector with a key for each client, but has "
            f"keys.shape={value.shape}."  # type: ignore[attr-defined]
        )
    return value  # type: ignore[return-value]


def one_message_a_key(clients: int, shape: tuple[int, ...]) -> None:
    """Refuse messages that are not as many as the keys."""
    if not shape or shape[0] != clients:
        raise ValueError(
            "Argument `messages` must have a leading axis of clients, as long as `keys` "
            f"({clients}), but its scales have shape {shape}. Make it with jax.vmap over the keys."
        )
