"""Error texts of laws and distances; the house's other texts are in `hadax._checks`."""

from numbers import Real
from typing import NoReturn

import jax.numpy as jnp
import numpy as np
from jax import core
from numpy.typing import NDArray

from hadax import _checks


def lattice_vector(name: str, value: object) -> NDArray[np.int64]:
    """`value` as a vector of integers, not all zero, whose sums cannot overflow an int32."""
    x = np.asarray(value)
    if not np.issubdtype(x.dtype, np.integer):
        raise TypeError(
            f"Argument `{name}` must hold integers, but has {name}.dtype={x.dtype}. Scale it: "
            "the distance does not depend on its length."
        )
    if x.ndim != 1 or not x.any():
        seen = f"has {name}.shape={x.shape}" if x.ndim != 1 else "has no other entry than zero"
        raise ValueError(f"Argument `{name}` must be a vector that is not zero, but {seen}.")
    total = np.abs(x.astype(np.float64)).sum()  # exact below 2**53, and never wraps around
    if total >= 2**31:
        raise ValueError(
            f"Argument `{name}` must have absolute values that sum to less than 2**31, "
            f"but they sum to {total:.0f}."
        )
    return x.astype(np.int64)


def direction(name: str, value: object) -> NDArray[np.int64] | NDArray[np.float64]:
    """`value` as a real, finite vector of at least 2 entries, not all zero; integers stay so."""
    x = np.asarray(value)
    found = lattice_vector(name, x) if np.issubdtype(x.dtype, np.integer) else sample(name, x)
    if found.size < 2 or not found.any():
        seen = f"has {name}.shape={x.shape}" if found.size < 2 else "has no other entry than zero"
        raise ValueError(
            f"Argument `{name}` must be a vector of at least 2 entries that is not zero, but "
            f"{seen}."
        )
    return found


def sample(name: str, value: object) -> NDArray[np.float64]:
    """`value` as a non-empty vector of real, finite draws."""
    x = np.asarray(value)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(
            f"Argument `{name}` must be a vector of independent draws, but has "
            f"{name}.shape={x.shape}."
        )
    # JAX's test, which knows bfloat16.
    if not (jnp.issubdtype(x.dtype, jnp.floating) or jnp.issubdtype(x.dtype, jnp.integer)):
        raise TypeError(f"Argument `{name}` must hold real numbers, but has dtype {x.dtype}.")
    bad = np.flatnonzero(~np.isfinite(x))
    if bad.size:
        raise ValueError(
            f"Argument `{name}` must hold finite numbers, but {name}[{bad[0]}] is {x[bad[0]]}."
        )
    return x.astype(np.float64)


def points(name: str, value: object) -> NDArray[np.float64]:
    """`value` in float64, which no traced array can be."""
    if isinstance(value, core.Tracer):
        raise TypeError(
            f"Argument `{name}` must be known, as this is numpy in float64, but is traced. Call it "
            "outside jit, grad and vmap."
        )
    return np.asarray(value, np.float64)


def fraction(name: str, value: float) -> float:
    """`value` strictly between 0 and 1."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(
            f"Argument `{name}` must be a number, but is a {type(value).__name__}: {value!r}."
        )
    if not 0 < value < 1:
        raise ValueError(f"Argument `{name}` must be between 0 and 1, but is {value!r}.")
    return value


def enumerable_blocks(blocks: object) -> None:
    """Refuse a number of blocks whose signs are not enumerated."""
    if _checks.integer("blocks", blocks) not in (1, 2):
        raise ValueError(
            f"Argument `blocks` must be 1 or 2, but is {blocks!r}. Note that k blocks on a unit "
            "vector are k - 1 blocks on a flat one; else simulate and use `ks_band`."
        )


def too_many_signs(nonzeros: int) -> NoReturn:
    """Refuse to enumerate the signs of a vector with many nonzeros."""
    raise ValueError(
        "Argument `x` must be sparse enough to enumerate the signs of the first block, but has "
        f"{nonzeros} nonzeros. Draw them instead: kolmogorov_sampled(key, x)."
    )


def too_fine_a_lattice(name: str, numbers: int, most: int) -> NoReturn:
    """Refuse integers whose sums of signs take too many places."""
    raise ValueError(
        f"Argument `{name}` must be small enough for its lattice of sums to fit in {most} numbers, "
        f"but that takes {numbers}. Divide by their greatest common divisor, or round to a "
        "coarser unit."
    )


def even(name: str, value: object) -> int:
    """`value` as a positive even integer."""
    number = _checks.integer(name, value, minimum=2)
    if number % 2:
        raise ValueError(f"Argument `{name}` must be even, but is {number}.")
    return number


def integers_are_a_lattice() -> NoReturn:
    """Refuse integers where a law must be spread out."""
    raise TypeError(
        "Argument `x` must be real floating point, but holds integers, whose law is on a lattice. "
        "Use kolmogorov_exact(x) or kolmogorov_sampled(key, x)."
    )


def common_unit(units: int) -> NoReturn:
    """Refuse a real vector that is an integer one up to its length."""
    raise ValueError(
        "Argument `x` must have entries without a common unit, but they are multiples of max|x| / "
        f"{units}, so the law is on a lattice. Divide by the unit, cast to integers, and use "
        "kolmogorov_exact(x) or kolmogorov_sampled(key, x)."
    )


def few_values(values: int, d: int) -> NoReturn:
    """Refuse a vector whose weights repeat."""
    raise ValueError(
        f"Argument `x` must be generic, but |H D x| takes only {values} values on {d} coordinates, "
        "so the law has large jumps. Simulate a coordinate and use ks_band."
    )


def no_decay(left: float, cutoff: float, window: float) -> NoReturn:
    """Refuse a law whose characteristic function does not decay."""
    raise ValueError(
        f"Argument `x` must have a law that is spread out, but from {cutoff:g} to {window:g} the "
        f"absolute value of its characteristic function still has the mean {left:.2g}. Use "
        "kolmogorov_exact or kolmogorov_sampled for integers, or simulate and use ks_band."
    )


def one_to_three_blocks(blocks: object) -> NoReturn:
    """Refuse a number of blocks whose last but one is not enumerated."""
    raise ValueError(
        f"Argument `blocks` must be 1, 2 or 3, but is {blocks!r}. Simulate more blocks: "
        "<h, y> of a row h of H is a coordinate after one block less."
    )


def small_dimension(name: str, d: int, there: tuple[int, ...]) -> NoReturn:
    """Refuse a dimension whose signs or subsets are too many, or that is no power of two."""
    raise ValueError(
        f"Argument `{name}` must have a dimension of {there}, but has {d}. Larger ones have too "
        "many signs and subsets to enumerate."
    )
