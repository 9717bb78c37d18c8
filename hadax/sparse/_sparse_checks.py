"""Error texts of sparse transforms; the house's other texts are in `hadax._checks`."""

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike

# Above it a spectrum of 2^n numbers is not written out.
_DENSE_BITS = 26


def bit_vectors(value: ArrayLike) -> Array:
    """`value` as vectors of bits."""
    found = _checks.array("bits", value, bools=True)
    if found.dtype != bool and not jnp.issubdtype(found.dtype, jnp.integer):
        raise TypeError(
            f"Argument `bits` must hold integers or bools, but has bits.dtype={found.dtype}."
        )
    if found.ndim == 0 or found.shape[-1] == 0:
        raise ValueError(
            f"Argument `bits` must be vectors of at least one bit, but has shape {found.shape}."
        )
    return found


def words(name: str, value: ArrayLike, width: int) -> Array:
    """`value` as packed vectors of so many words."""
    found = jnp.asarray(value)
    if found.dtype != jnp.uint32:
        raise TypeError(
            f"Argument `{name}` must be uint32, but has {name}.dtype={found.dtype}. Pack zeros and "
            "ones with hadax.sparse.pack_bits."
        )
    if found.ndim == 0 or found.shape[-1] != width:
        raise ValueError(
            f"Argument `{name}` must have {width} words a vector, but has "
            f"{name}.shape={found.shape}."
        )
    return found


def sizes(n: object, bits: object, groups: object) -> tuple[int, int, int]:
    """Numbers of bits of an index and of a bin, and of groups, that fit together."""
    length = _checks.integer("n", n, minimum=1)
    inner = _checks.integer("bits", bits, minimum=1)
    if inner > length:
        raise ValueError(
            f"Argument `bits` must be at most n={length}, but is {inner}. With all n of them it is "
            "the dense transform, hadax.fwht."
        )
    return length, inner, _checks.integer("groups", groups, minimum=2)
