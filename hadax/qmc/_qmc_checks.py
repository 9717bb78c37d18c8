"""Error texts of low-discrepancy points; the house's other texts are in `hadax._checks`."""

import math
from pathlib import Path
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _bits, _checks
from hadax._typing import Array

Order: TypeAlias = Literal["natural", "gray", "linear"]
NetOrder: TypeAlias = Literal["natural", "gray"]


def stream(n: object, start: object, capacity: int) -> tuple[int, int]:
    """How many points from which on, within those that a sequence has."""
    count = _checks.integer("n", n, minimum=1)
    first = _checks.integer("start", start, minimum=0)
    if first + count > capacity:
        raise ValueError(
            f"Argument `n` must leave start + n <= {capacity}, the points of this sequence, but "
            f"start + n is {first + count}."
        )
    return count, first


def whole_block(order: str, n: int, start: int) -> None:
    """Refuse a linear order of anything but all points of a lattice."""
    if order == "linear" and (start or not _bits.is_power_of_two(n)):
        raise ValueError(
            "Argument `order` may be 'linear' for all n = 2^m points of a lattice only, but "
            f"start={start} and n={n}. Take order='natural', in which points can be added."
        )


def power_of_two(name: str, value: object, *, minimum: int = 1) -> int:
    """`value` as a power of two."""
    n = _checks.integer(name, value, minimum=minimum)
    if not _bits.is_power_of_two(n):
        raise ValueError(f"Argument `{name}` must be a power of two, but is {n}.")
    return n


def generating_vector(value: object) -> np.ndarray:
    """`value` as the odd or even integers of a lattice."""
    vector = np.asarray(value)
    if vector.ndim != 1 or not vector.size or not np.issubdtype(vector.dtype, np.integer):
        raise ValueError(
            "Argument `vector` must hold an integer for each dimension, but is an array of "
            f"{vector.dtype} and shape {vector.shape}."
        )
    if vector.min() < 0:
        raise ValueError(f"Argument `vector` must not be negative, but holds {vector.min()}.")
    return vector


def weights(value: object, dimensions: int) -> np.ndarray:
    """`value` as a positive weight a dimension; by default 1 / j^2."""
    if value is None:
        return 1.0 / np.arange(1, dimensions + 1) ** 2
    found = np.asarray(value, np.float64)
    if found.shape not in ((), (dimensions,)) or not np.all((found > 0) & np.isfinite(found)):
        raise ValueError(
            f"Argument `weights` must be positive, one for each of {dimensions} dimensions or one "
            f"for all, but is {found!r}."
        )
    return np.broadcast_to(found, (dimensions,))


def dimensions(value: object, most: int) -> int:
    """`value` as a number of dimensions for which there are numbers."""
    count = _checks.integer("dimensions", value, minimum=1)
    if count > most:
        raise ValueError(
            f"Argument `dimensions` must be at most {most}, as far as the table goes, but is "
            f"{count}."
        )
    return count


def float_dtype(dtype: object) -> jnp.dtype:
    """`dtype` as that of points; by default JAX's own for Python floats."""
    return _checks.wide_float("dtype", dtype)  # type: ignore[arg-type]


def columns(value: object, bits: object, most: int) -> tuple[np.ndarray, int]:
    """`value` as matrices of columns that have no more than so many bits."""
    found = np.asarray(value)
    if found.ndim != 2 or not found.size or not np.issubdtype(found.dtype, np.integer):
        raise ValueError(
            "Argument `columns` must hold integers (dimensions, columns), but is an array of "
            f"{found.dtype} and shape {found.shape}."
        )
    length = _checks.integer("bits", bits, minimum=1)
    if length > most:
        raise ValueError(
            f"Argument `bits` must be at most {most}, but is {length}. Under "
            "jax.enable_x64(True) it may be 64."
        )
    if found.min() < 0 or int(found.max()) >> length:
        raise ValueError(
            f"Argument `columns` must hold integers from 0 to 2^{length} - 1, but has one of "
            f"{found.min()} and one of {found.max()}."
        )
    return found, length


def sequence(points: object, kind: type) -> None:
    """Refuse points that are randomised in another way."""
    if not isinstance(points, kind):
        raise TypeError(
            f"Argument `points` must be a {kind.__name__}, but is a {type(points).__name__}. "
            "random_shift is for lattices, permute_digits for Halton's sequence; digital_shift, "
            "linear_scramble, nested_scramble and interlace are for nets."
        )


def single(leaf: Array) -> None:
    """Refuse an ensemble, one of whose leaves has an axis more."""
    if leaf.ndim != 1:
        raise ValueError(
            f"These points are an ensemble {leaf.shape[:-1]}, as jax.vmap makes, and are called "
            "one by one: jax.vmap(lambda points: points(n))(ensemble)."
        )


def not_nested(seeds: object) -> None:
    """Refuse a net that scrambles its points."""
    if seeds is not None:
        raise ValueError(
            "Argument `points` must not be scrambled point by point, but is. Scramble the net that "
            "it was made of."
        )


def not_interlaced(count: int) -> None:
    """Refuse a net that is interlaced, which is to be scrambled or interlaced."""
    if count != 1:
        raise ValueError("Argument `points` must not be interlaced, but is. Scramble first.")


def interlaceable(dimensions: int, order: int, interlaced: int) -> None:
    """Refuse coordinates that cannot be grouped."""
    not_interlaced(interlaced)
    if dimensions % order:
        raise ValueError(
            f"Argument `points` must have a multiple of order={order} dimensions, but has "
            f"{dimensions}."
        )


def at_most_points(n_min: int, n: int) -> None:
    """Refuse a range of numbers of points that is empty."""
    if n_min > n:
        raise ValueError(f"Argument `n_min` must be at most n={n}, but is {n_min}.")


def bases(value: object) -> tuple[int, ...]:
    """`value` as pairwise coprime bases: the first primes for a number of them."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return _primes(_checks.integer("bases", value, minimum=1))
    found = tuple(_checks.integer("bases", base, minimum=2) for base in np.atleast_1d(value))  # type: ignore[arg-type]
    if not found or math.lcm(*found) != math.prod(found):
        raise ValueError(
            "Argument `bases` must hold one or more integers of which no two have a common "
            f"divisor, but is {found}."
        )
    return found


def _primes(count: int) -> tuple[int, ...]:
    """The first primes."""
    found: list[int] = []
    candidate = 2
    while len(found) < count:
        if all(candidate % prime for prime in found if prime * prime <= candidate):
            found.append(candidate)
        candidate += 1
    return tuple(found)


def orders(value: object, dimensions: int, most: int) -> tuple[int, ...]:
    """`value` as an order of smoothness a dimension."""
    listed = value if isinstance(value, tuple) else (value,) * dimensions
    found = tuple(_checks.integer("orders", order, minimum=1) for order in listed)
    if len(found) != dimensions:
        raise ValueError(
            f"Argument `orders` must be one integer or {dimensions}, one a dimension, but has "
            f"{len(found)}."
        )
    _checks.at_most("orders", max(found), most, what="largest order of this kernel")
    return found


def positive(name: str, value: Array, dimensions: int | None) -> None:
    """Refuse numbers that are not positive, or not one or one a dimension; traced ones pass."""
    shapes = ((),) if dimensions is None else ((), (dimensions,))
    if value.shape not in shapes:
        raise ValueError(
            f"Argument `{name}` must have the shape {' or '.join(map(str, shapes))}, but has "
            f"{value.shape}."
        )
    if not isinstance(value, core.Tracer) and not bool((value > 0).all()):
        raise ValueError(f"Argument `{name}` must be positive, but is {value}.")


def same_dimensions(kernel: int, points: int) -> None:
    """Refuse a kernel of points of another length."""
    if kernel != points:
        raise ValueError(
            f"Argument `kernel` must have the {points} dimensions of the points, but has {kernel}."
        )


def structured(seeds: object) -> None:
    """Refuse a net that scrambles its points one by one."""
    if seeds is not None:
        raise ValueError(
            "Argument `points` must not be scrambled point by point (nested_scramble): no fast "
            "transform diagonalises their kernel matrix. linear_scramble leaves the structure; "
            "points.words(n) may be taken as an array, with the cost of a dense matrix."
        )


def between_zero_and_one(name: str, value: float) -> None:
    """Refuse a probability that leaves nothing open."""
    if not 0 < value < 1:
        raise ValueError(f"Argument `{name}` must be between 0 and 1, but is {value!r}.")


def vector_file(path: Path, *, limit: int = 1 << 24) -> np.ndarray:
    """The components that a text file of dimensions, points and components holds."""
    if path.stat().st_size > limit:
        raise ValueError(f"File {path.name} must have at most {limit} bytes, as vectors do.")
    lines = [line.partition("#")[0].split() for line in path.read_text("utf-8").splitlines()]
    words = [word for line in lines for word in line]
    if words and not words[0].isdecimal():
        words = words[1:]
    if len(words) < 3 or not all(word.isdecimal() and len(word) < 20 for word in words):
        raise ValueError(
            f"File {path.name} must hold the number of dimensions, the number of points and the "
            "components, all integers of at most 19 digits, but holds something else."
        )
    dimensions, _, *components = map(int, words)
    if len(components) != dimensions or max(components) >= 1 << 63:
        raise ValueError(
            f"File {path.name} must hold as many components as it says, {dimensions}, all below "
            f"2^63, but holds {len(components)}."
        )
    return np.array(components)
