"""How many coefficients noise may hide that are like the weakest one that was found."""

import jax.numpy as jnp
import numpy as np

from hadax._typing import Array
from hadax.sparse._bins import Law, full, squares
from hadax.sparse._contracts import Offsets

# Bins with the weakest coefficient and noise, drawn once, that are read.
_DRAWS = 64


def share_hidden(
    support: Array, coefficients: Array, count: Array, offsets: Offsets, law: Law, groups: int
) -> Array:
    """The share of coefficients as weak as the weakest of `count`, alone in their bins, that no
    group shows.

    A group shows one if the decoder reads its index, or its bin is left with more energy than noise
    has. How often it does is measured, on bins that are made here: so it is right of any decoder.
    """
    used = jnp.arange(len(coefficients), dtype=jnp.int32) < count
    at = jnp.argmin(jnp.where(used, squares(coefficients), jnp.inf))
    index = support[at][None]
    dtype = coefficients.dtype
    rng, shape = np.random.default_rng(0), (_DRAWS, offsets.count)
    noise = rng.standard_normal(shape)
    if jnp.iscomplexobj(coefficients):
        noise = (noise + 1j * rng.standard_normal(shape)) / 2**0.5
    clean = coefficients[at] * offsets.signs(index, dtype)
    bins = clean + jnp.sqrt(law.variance).astype(dtype) * jnp.asarray(noise, dtype)
    read = jnp.all(offsets.decode(bins) == index, axis=-1)
    unseen = jnp.mean(~(read | full(bins, law)), dtype=law.variance.dtype)
    return unseen**groups
