"""The vectors that the rotation's experiments rotate: by name, in any power-of-two dimension.

By the symmetries of a coordinate's law (docs/theory/rotations.md, I6) a set of indices stands for
all its images under affine maps of the indices.
"""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Input: TypeAlias = Literal[
    "e1",  # one entry
    "two",  # two equal entries
    "plane4",  # equal entries on a plane of the indices: 0 1 2 3
    "flat8",  # and on larger subspaces
    "flat16",
    "ind3",  # equal entries on so many independent indices: 1 2 4 ...
    "ind4",
    "ind6",
    "ind8",
    "flat",  # all entries equal
    "power",  # 1/j at index j
    "random",  # uniform on the sphere
]

_SUBSPACES = {"e1": 1, "two": 2, "plane4": 4, "flat8": 8, "flat16": 16}


def integer_vector(name: Input, d: int) -> NDArray[np.int64]:
    """A vector of zeros and ones, for an input that is one up to its length."""
    x = np.zeros(d, np.int64)
    if name.startswith("ind"):
        x[2 ** np.arange(int(name[3:]))] = 1
    else:
        x[: d if name == "flat" else _SUBSPACES[name]] = 1
    return x


def unit_vector(name: Input, d: int, key: jax.Array) -> jax.Array:
    """The input as a float32 unit vector; only "random" asks the key."""
    if name == "random":
        x = jax.random.normal(key, (d,), "float32")
    elif name == "power":
        x = 1 / jnp.arange(1, d + 1, dtype="float32")
    else:
        x = jnp.asarray(integer_vector(name, d), "float32")
    return x / jnp.linalg.norm(x)
