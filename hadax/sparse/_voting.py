"""Whether the sign of a coefficient changes from a base to its steps, by the votes of all bases."""

import jax.numpy as jnp

from hadax._typing import Array


def changes(seen: Array) -> Array:
    """From numbers (..., R, 1 + L) at R bases and L steps of each: L numbers, negative at changes.

    Their sizes say how sure that is.
    """
    first = jnp.sum(seen[..., :1] * seen[..., 1:], axis=-2, keepdims=True)
    # With signs that are mostly right, all steps of a base together know its own sign better than
    # its number does, which is as noisy as each of theirs.
    signs = jnp.where(first < 0, -1, 1).astype(seen.dtype)
    bases = seen[..., :1] + jnp.sum(signs * seen[..., 1:], axis=-1, keepdims=True)
    return jnp.sum(bases * seen[..., 1:], axis=-2)
