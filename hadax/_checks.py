"""Error texts of hadax: what was expected, what was seen, what to do.

ValueError for values, TypeError for kinds, NotImplementedError for "this backend cannot". A check
returns the thing it checked where that saves the caller a line. What only one application says is
in a file of that application, named after it.
"""

from collections.abc import Sequence
from operator import index
from typing import Any, NoReturn, get_args

import jax
import jax.numpy as jnp
import numpy as np

from hadax._bits import is_power_of_two
from hadax._typing import Array, ArrayLike, DTypeLike, Implementation, KeyArray, Norm, Order

# --- choices -------------------------------------------------------------------------------------


def choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Refuse a word that is not one of `choices`."""
    if not (isinstance(value, str) and value in choices):
        words = ", ".join(repr(c) for c in choices)
        raise ValueError(f"Argument `{name}` must be one of {words}, but is {value!r}.")


def norm(value: object) -> None:
    """Refuse an unknown norm."""
    choice("norm", value, get_args(Norm))


def order(value: object) -> None:
    """Refuse an unknown order."""
    choice("order", value, get_args(Order))


def implementation(value: object) -> None:
    """Refuse an unknown implementation."""
    if value is not None:
        choice("implementation", value, get_args(Implementation))


# --- numbers -------------------------------------------------------------------------------------


def integer(name: str, value: object, *, minimum: int | None = None) -> int:
    """`value` as an int, of at least `minimum`."""
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"Argument `{name}` must be an integer, but is a {type(value).__name__}: {value!r}."
        ) from None
    if isinstance(value, bool):
        raise TypeError(f"Argument `{name}` must be an integer, but is a bool: {value!r}.")
    if minimum is not None and number < minimum:
        raise ValueError(f"Argument `{name}` must be at least {minimum}, but is {number}.")
    return number


def key(value: object) -> KeyArray:
    """`value` as one new-style PRNG key."""
    dtype = getattr(value, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jax.dtypes.prng_key):
        seen = type(value).__name__ if dtype is None else f"an array {dtype}{list(value.shape)}"  # type: ignore[attr-defined]
        raise TypeError(
            "Argument `key` must be a new-style key, but is "
            f"{seen}. Make one with jax.random.key(seed), or wrap an old one with "
            "jax.random.wrap_key_data."
        )
    if value.shape != ():  # type: ignore[attr-defined]
        raise ValueError(
            f"Argument `key` must be a single key, but has key.shape={value.shape}. "  # type: ignore[attr-defined]
            "For an ensemble, jax.vmap the factory over the keys."
        )
    return value  # type: ignore[return-value]


# --- arrays --------------------------------------------------------------------------------------


def array(name: str, value: ArrayLike, *, bools: bool = False) -> Array:
    """`value` as a JAX array of numbers, or also of bools."""
    try:
        x = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Argument `{name}` must be an array of numbers, but is a "
            f"{type(value).__name__}: {error}"
        ) from None
    if not jnp.issubdtype(x.dtype, jnp.number) and not (bools and x.dtype == bool):
        advice = " Cast it, for example with x.astype(int)." if x.dtype == bool else ""
        raise TypeError(
            f"Argument `{name}` must hold numbers, but has {name}.dtype={x.dtype}.{advice}"
        )
    if jnp.issubdtype(x.dtype, jnp.floating) and jnp.finfo(x.dtype).bits < 16:
        raise TypeError(
            f"Argument `{name}` must have a float of at least 16 bits, but has "
            f"{name}.dtype={x.dtype}. Cast it to bfloat16 first."
        )
    if jnp.issubdtype(x.dtype, jnp.integer) and jnp.iinfo(x.dtype).bits < 8:
        raise TypeError(
            f"Argument `{name}` must have an integer of at least 8 bits, but has "
            f"{name}.dtype={x.dtype}. Cast it to int8 first."
        )
    return x


def axis(x: Array, value: object, *, name: str = "axis") -> int:
    """`value` as a non-negative axis of `x` that has at least one point."""
    number = integer(name, value)
    if not -x.ndim <= number < x.ndim:
        raise ValueError(
            f"Argument `{name}` must be an axis of x, but is {number} and x.shape={x.shape}."
        )
    if not isinstance(x.shape[number], int):
        raise ValueError(
            f"Argument `x` must have a known length along axis={number}, but has "
            f"x.shape={x.shape}. Only the other axes may be symbolic."
        )
    if x.shape[number] == 0:
        raise ValueError(
            f"Argument `x` must have at least one point along axis={number}, "
            f"but has x.shape={x.shape}."
        )
    return number % x.ndim


def _several(name: str, value: object) -> list[int]:
    """An integer or a sequence of them as a list."""
    items = value if isinstance(value, Sequence | np.ndarray) and np.ndim(value) else [value]
    return [integer(name, item) for item in items]  # type: ignore[union-attr]


def distinct_axes(x: Array, value: object, *, name: str) -> list[int]:
    """An axis or several of them as non-negative axes of `x`, none of them twice."""
    given = _several(name, value)
    found = [axis(x, number, name=name) for number in given]
    if len(set(found)) != len(found):
        raise ValueError(f"Argument `{name}` must not repeat an axis, but is {tuple(given)}.")
    return found


def axes(x: Array, value: object, sizes: object) -> list[tuple[int, int | None]]:
    """The distinct, non-negative axes that an n-dimensional transform works on, each with the
    length it is to have."""
    lengths = None if sizes is None else _several("s", sizes)
    if value is None:
        count = x.ndim if lengths is None else len(lengths)
        if count > x.ndim:
            raise ValueError(
                f"Argument `s` must have at most x.ndim={x.ndim} lengths, but has {count}."
            )
        value = range(x.ndim - count, x.ndim)
    found = distinct_axes(x, value, name="axes")
    if lengths is not None and len(lengths) != len(found):
        raise ValueError(
            f"Argument `s` must have one length an axis, but has {len(lengths)} for "
            f"{len(found)} axes."
        )
    return list(zip(found, lengths or [None] * len(found), strict=True))


def unscaled_if_integer(x: Array, scale: float, *, norm: str, exact: str) -> None:
    """Refuse integers under a norm that divides them; `exact` is the norm that does not."""
    if scale != 1.0 and jnp.issubdtype(x.dtype, jnp.integer):
        raise TypeError(
            f"Argument `x` must be real or complex with norm={norm!r}, but has "
            f"x.dtype={x.dtype}. Integers stay exact with norm={exact!r}; else cast x to a float."
        )


def not_integer(dtype: DTypeLike) -> None:
    """Refuse integers as input of an operator whose entries are not integers."""
    if jnp.issubdtype(dtype, jnp.integer):
        raise TypeError(
            f"Argument `x` must be real or complex for this operator, but has x.dtype={dtype}: "
            "its entries are no integers. Cast x to a float first."
        )


def flag(name: str, value: object) -> None:
    """Refuse anything but True and False."""
    if not isinstance(value, bool):
        raise TypeError(f"Argument `{name}` must be True or False, but is {value!r}.")


def truth_table(x: Array) -> None:
    """Refuse anything but bools and integers as the values of a Boolean function."""
    if x.dtype != bool and not jnp.issubdtype(x.dtype, jnp.integer):
        raise TypeError(
            "Argument `x` must be a truth table of bools or integers 0 and 1, but has "
            f"x.dtype={x.dtype}."
        )


def _known_dtype(name: str, value: DTypeLike) -> jnp.dtype:
    """`value` as a dtype."""
    try:
        return jnp.dtype(value)
    except TypeError:
        raise TypeError(f"Argument `{name}` must be a dtype, but is {value!r}.") from None


def dtype(name: str, value: DTypeLike | None, default: type, kind: type) -> jnp.dtype:
    """`value`, or JAX's own dtype for the Python type `default`, as a dtype of the given kind."""
    found = jnp.asarray(default(0)).dtype if value is None else _known_dtype(name, value)
    if not jnp.issubdtype(found, kind):
        raise TypeError(f"Argument `{name}` must be a {kind.__name__} dtype, but is {found}.")
    return jax.dtypes.canonicalize_dtype(found)


def wide_float(name: str, value: DTypeLike | None) -> jnp.dtype:
    """`value` as a real dtype of at least 32 bits: what random matrices are drawn in."""
    found = dtype(name, value, float, jnp.floating)
    if jnp.finfo(found).bits < 32:
        raise TypeError(
            f"Argument `{name}` must be float32 or float64, but is {found}. Operators act on "
            "16-bit inputs too: only the operator itself is kept in float32."
        )
    return found


def shaped(name: str, value: ArrayLike, *, ndim: int) -> Array:
    """`value` as an array of numbers with `ndim` axes."""
    x = array(name, value)
    if x.ndim != ndim:
        raise ValueError(
            f"Argument `{name}` must have {ndim} axes, but has {name}.shape={x.shape}."
        )
    return x


def integers(name: str, x: Array) -> None:
    """Refuse an array that does not hold integers."""
    if not jnp.issubdtype(x.dtype, jnp.integer):
        raise TypeError(f"Argument `{name}` must hold integers, but has {name}.dtype={x.dtype}.")


def is_permutation(indices: np.ndarray) -> None:
    """Refuse indices that do not hold each of 0 ... n-1 once."""
    missing = np.setdiff1d(np.arange(len(indices)), indices)
    if len(missing):
        raise ValueError(
            f"Argument `indices` must hold each of 0 ... {len(indices) - 1} once, "
            f"but lacks {missing[0]}."
        )


# --- lengths -------------------------------------------------------------------------------------


def power_of_two(n: int, *, why: str) -> None:
    """Refuse a length that is not a power of two."""
    if not is_power_of_two(n):
        higher = 1 << max(0, n).bit_length()
        raise ValueError(
            f"Argument `x` must have a power-of-two length for {why}, but has length {n}. "
            f"The next powers of two are {higher >> 1} and {higher}."
        )


def dense_length(n: int, limit: int) -> None:
    """Refuse a length whose whole matrix is too large to be written out."""
    if n > limit:
        raise NotImplementedError(
            f"Argument `implementation` must not be 'dense' above length {limit}, but the length "
            f"is {n}. Pass implementation=None."
        )


def at_most(name: str, value: int, limit: int, *, what: str) -> None:
    """Refuse a count above its limit."""
    if value > limit:
        raise ValueError(f"Argument `{name}` must be at most {what}={limit}, but is {value}.")


def unsharded_axis(spec: object, n: int) -> NoReturn:
    """Refuse to transform an axis that is spread over devices."""
    raise ValueError(
        "Argument `x` must not be sharded along the transformed axis, but that axis of length "
        f"{n} is sharded: {spec}. Reshard it first, for example with jax.sharding.reshard."
    )


def backend_cannot(implementation: str, reason: str) -> NoReturn:
    """Refuse an implementation that cannot compute this."""
    raise NotImplementedError(
        f"Argument `implementation` must be able to compute this, but is {implementation!r}: "
        f"{reason}. Pass implementation=None; hadax.backends() lists what serves."
    )


# --- Hadamard orders -----------------------------------------------------------------------------


def hadamard_order(n: int, lower: int, higher: int) -> NoReturn:
    """Refuse an order that no construction reaches."""
    raise ValueError(
        "Argument `n` must be the order of a Hadamard matrix that can be constructed here, "
        f"but is {n}. The nearest such orders are {lower} and {higher}."
    )


def hadamard_length(shape: Sequence[Any], axis: int, lower: int, higher: int) -> NoReturn:
    """Refuse an array whose length along `axis` no construction reaches."""
    raise ValueError(
        f"Argument `x` must have a Hadamard length along axis={axis}, but has x.shape={shape}. "
        f"Pass n={higher} to pad, or n={lower} to truncate."
    )


def base_order(m: int, base: int) -> NoReturn:
    """Refuse an order whose matrix is a Kronecker product of a smaller one."""
    raise ValueError(f"Argument `m` must be a base order, but is {m}, whose base order is {base}.")


def signed(name: str, dtype: DTypeLike) -> None:
    """Refuse a dtype that cannot hold -1."""
    kind = _known_dtype(name, dtype)
    if not (jnp.issubdtype(kind, jnp.number) and np.array(-1).astype(kind) == -1):
        raise TypeError(f"Argument `{name}` must be a type that holds -1, but is {kind.name}.")


# --- quantization --------------------------------------------------------------------------------


def real_float(name: str, x: ArrayLike) -> Array:
    """`x` as an array of real floating-point numbers."""
    found = array(name, x)
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise TypeError(
            f"Argument `{name}` must be real floating point, but has {name}.dtype={found.dtype}. "
            f"Cast it, for example with {name}.astype('float32')."
        )
    return found
