"""What cubatures refuse."""

from collections.abc import Callable
from typing import get_args

import jax
import jax.numpy as jnp
from jax import core

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.qmc import _qmc_checks
from hadax.qmc._refinement import Meaning, Tolerance
from hadax.qmc.gram import Points
from hadax.qmc.lattices import Lattice
from hadax.qmc.nets import DigitalNet
from hadax.qmc.periodization import Periodization


def concrete(*values: object) -> None:
    """Refuse what a transformation of JAX traces: how many points it takes is known at run time."""
    if any(isinstance(leaf, core.Tracer) for leaf in jax.tree.leaves(values)):
        raise TypeError(
            "A cubature to a tolerance must be called outside of jit, vmap and grad, as its number "
            "of points depends on values, but is traced. Run it once for the number of points, "
            "n = found.n, and transform the mean of n points, jnp.mean(f(points(n)), axis=0), on "
            "a lattice of periodize(f, ...); or call it in a Python loop, or with several outputs "
            "of f."
        )


def tolerance(absolute: float, relative: float, meaning: Meaning) -> Tolerance:
    """Tolerances of which at least one can be met."""
    _checks.choice("meaning", meaning, get_args(Meaning))
    for name, value in (("abs_tol", absolute), ("rel_tol", relative)):
        if not 0 <= value < float("inf"):
            raise ValueError(f"Argument `{name}` must be finite and not negative, but is {value}.")
    if relative >= 1:
        raise ValueError(f"Argument `rel_tol` must be below 1, but is {relative}.")
    needed = (max if meaning == "either" else min)(absolute, relative)
    if needed == 0:
        raise ValueError(
            f"Arguments `abs_tol`, `rel_tol` must leave a tolerance, but are {absolute} and "
            f"{relative} with meaning={meaning!r}."
        )
    return Tolerance(float(absolute), float(relative), meaning)


def sizes(points: Points, n_min: int, n_max: int, *, least: int) -> list[int]:
    """The numbers of points to try: n_min, doubled until n_max."""
    if not isinstance(points, (Lattice, DigitalNet)):
        raise TypeError(
            "Argument `points` must be a Lattice or a DigitalNet, whose coefficients a transform "
            f"gives, but is a {type(points).__name__}. Of other points average over several "
            "randomisations."
        )
    if isinstance(points, DigitalNet):
        _qmc_checks.structured(points.seeds)
        _qmc_checks.stream(n_max, 0, 1 << points.columns.shape[-1])
    first = _qmc_checks.power_of_two("n_min", n_min, minimum=least)
    last = _qmc_checks.power_of_two("n_max", n_max, minimum=least)
    if first > last:
        raise ValueError(f"Argument `n_min` must be at most n_max={last}, but is {first}.")
    return [1 << m for m in range(first.bit_length() - 1, last.bit_length())]


def periodization(value: Periodization | None) -> None:
    """Refuse an unknown change of variables."""
    if value is not None:
        _checks.choice("periodization", value, get_args(Periodization))


def output_shape(name: str, f: Callable[[Array], Array], points: Points, n: int) -> tuple[int, ...]:
    """The shape of one value of a function of points, which is first called with n of them."""
    try:
        hash(f)
    except TypeError:
        raise TypeError(
            f"Argument `{name}` must be hashable, as what is compiled for it is kept, but is of "
            f"type {type(f).__name__}, which is not. Define a function that calls it, once: "
            "def g(x): return f(x)."
        ) from None
    d, dtype = points.dimensions, jax.dtypes.canonicalize_dtype(jnp.float64)
    # As many values as outputs, by chance, are not so for twice as many points.
    for count in (n, 2 * n):
        found = jax.eval_shape(f, jax.ShapeDtypeStruct((count, d), dtype))
        shape = getattr(found, "shape", None)
        if shape is None or shape[:1] != (count,):
            seen = type(found).__name__ if shape is None else shape
            raise ValueError(
                f"Argument `{name}` must be a function from points (n, {d}) to an array (n, ...), "
                f"but returns {seen} for n={count}. Sum over axis=-1 of the points, for example, "
                "and not over all of them; stack several outputs along axis=-1."
            )
    if found.size == 0:
        raise ValueError(
            f"Argument `{name}` must return at least one value for each point, but returns "
            f"{found.shape} for n={count}. Check how it takes its outputs apart."
        )
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise TypeError(
            f"Argument `{name}` must return real floating point, but returns {found.dtype}. "
            "Real and imaginary parts are two outputs."
        )
    return found.shape[1:]


def control(
    f: Callable[[Array], Array] | None, integrals: ArrayLike | None, points: Points, n: int
) -> Array | None:
    """The integrals of control variates, of which there must be as many as the function has."""
    if (f is None) != (integrals is None):
        raise ValueError(
            "Arguments `control`, `control_integrals` must come together: functions whose "
            "integrals are known, and these."
        )
    if f is None or integrals is None:
        return None
    shape = output_shape("control", f, points, n)
    known = _checks.real_float("control_integrals", jnp.asarray(integrals) * 1.0)
    if known.shape != shape or len(shape) > 1:
        raise ValueError(
            f"Argument `control_integrals` must have the shape of one value of `control`, {shape}, "
            f"of at most one axis, but has {known.shape}."
        )
    return known.reshape(-1)


def positive(name: str, value: float) -> None:
    """Refuse a factor that is not positive."""
    if not 0 < value < float("inf"):
        raise ValueError(f"Argument `{name}` must be positive, but is {value}.")


def interval(name: str, value: tuple[float, float]) -> tuple[float, float]:
    """Two finite numbers, the smaller one first."""
    low, high = value
    if not -float("inf") < low < high < float("inf"):
        raise ValueError(f"Argument `{name}` must be two finite numbers that rise, but is {value}.")
    return float(low), float(high)


def some(name: str, found: tuple) -> tuple:
    """Refuse an empty tuple."""
    if not found:
        raise ValueError(f"Argument `{name}` must not be an empty tuple. Pass None for the usual.")
    return found
