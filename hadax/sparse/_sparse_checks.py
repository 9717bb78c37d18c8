"""Error texts of sparse transforms; those of what is asked for are in `_query_checks`."""

import contextlib
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import core

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike

# Pairs of a set and a subset: some seconds.
_TERMS = 1 << 22

# Above it a spectrum of 2^n numbers is not written out.
_DENSE_BITS = 26

# Up to it the sum of two digits is an int8.
_LARGEST_BASE = 64


def bit_vectors(value: ArrayLike, name: str = "bits") -> Array:
    """`value` as vectors of bits."""
    found = _checks.array(name, value, bools=True)
    if found.dtype != bool and not jnp.issubdtype(found.dtype, jnp.integer):
        raise TypeError(
            f"Argument `{name}` must hold integers or bools, but has {name}.dtype={found.dtype}."
        )
    if found.ndim == 0 or found.shape[-1] == 0:
        raise ValueError(
            f"Argument `{name}` must be vectors of at least one bit, but has shape {found.shape}."
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


def base(value: object) -> int:
    """`value` as the number of values of a digit."""
    count = _checks.integer("base", value, minimum=2)
    _checks.at_most("base", count, _LARGEST_BASE, what="limit")
    return count


def more_than_bits(base: int) -> None:
    """Refuse digits that are bits."""
    if base == 2:
        raise ValueError("Argument `base` must be at least 3, but is 2. Take sparse_fwht.")


def unpacked(packed: bool, base: int) -> None:
    """Refuse words for points that are no bits."""
    if packed and base != 2:
        raise ValueError(
            f"Argument `packed` must be False at base={base}: points are digits, not bits."
        )


def noise(value: ArrayLike | None, decoder: str) -> Array | np.ndarray:
    """`value` as a standard deviation; zero if it is not given."""
    if value is None:
        return np.zeros((), jnp.result_type(float))
    if decoder == "noiseless":
        raise ValueError(
            f"Argument `noise` must be None with decoder='noiseless', but is {value}. Take "
            "decoder='nso' or 'coded'."
        )
    found = value if isinstance(value, jax.Array) else np.asarray(value)
    if found.shape != () or not jnp.issubdtype(found.dtype, jnp.number):
        raise TypeError(
            f"Argument `noise` must be a number, but has shape {found.shape} and dtype "
            f"{found.dtype}."
        )
    if not isinstance(found, core.Tracer) and not (np.isfinite(found) and found >= 0):
        raise ValueError(
            f"Argument `noise` must be a standard deviation, finite and not negative, but is "
            f"{value}."
        )
    return found.astype(jnp.result_type(float))


def all_values(value: object, n: int, base: int = 2) -> Array:
    """`value` as an array of all values of a function of n digits."""
    found = _numbers("f", value, base)
    writable(n, base)
    if found.shape != (base**n,):
        raise ValueError(
            f"Argument `f` must have all {base}^n={base**n} values, but has f.shape={found.shape}."
        )
    return found


def writable(n: int, base: int = 2) -> None:
    """Refuse to write out an array of q^n numbers that is too large."""
    most = int(_DENSE_BITS / math.log2(base))
    if n > most:
        raise ValueError(
            f"Argument `n` must be at most {most} for an array of all {base}^n numbers, but is "
            f"{n}. Keep the sparse spectrum, and pass f as a function."
        )


@contextlib.contextmanager
def traceable(base: int) -> Iterator[None]:
    """Say what to do where a function turns the points it is traced with into NumPy arrays."""
    try:
        yield
    except jax.errors.TracerArrayConversionError as error:
        raise TypeError(
            "Argument `f` must be traceable, but asks for the values of its points, as NumPy does. "
            f"Write it with jax.numpy, or {_elsewhere(base)}."
        ) from error


def _elsewhere(base: int) -> str:
    """What to do with a function that is not traceable."""
    if base == 2:
        return "pass on_host=True"
    return "ask for its values apart: `queries` with this base, `sample`, `recover`"


def batch_values(found: object, count: int, base: int = 2) -> Array:
    """What a traceable function returned for so many points, in single precision at least."""
    if not isinstance(found, jax.Array) or found.shape != (count,):
        seen = f"shape {found.shape}" if isinstance(found, jax.Array) else type(found).__name__
        raise ValueError(
            f"Argument `f` must return a value for each point, shape ({count},) for {count} of "
            f"them, but returns {seen}. It is traced: write it with jax.numpy, or "
            f"{_elsewhere(base)}."
        )
    if jnp.issubdtype(found.dtype, jnp.integer) or found.dtype == bool:
        return found.astype(float)
    if base == 2 and jnp.iscomplexobj(found):
        raise TypeError(
            f"Argument `f` must return real numbers, but returns {found.dtype}. Its real and its "
            "imaginary part are two functions."
        )
    return found.astype(_dtypes.accumulator(found.dtype))


def host_values(found: object, count: int, dtype: np.dtype, base: int = 2) -> np.ndarray:
    """What a function on the host returned for so many points, as floats."""
    values = np.asarray(found)
    if values.shape != (count,):
        raise ValueError(
            f"Argument `f` must return a value for each point, shape ({count},) for {count} of "
            f"them, but returns shape {values.shape}."
        )
    if values.dtype != bool and not np.issubdtype(values.dtype, np.number):
        raise TypeError(f"Argument `f` must return real numbers, but returns {values.dtype}.")
    if np.iscomplexobj(values) and base != 2:
        return values.astype(np.result_type(dtype, np.complex64))
    if np.iscomplexobj(values):
        raise TypeError(
            f"Argument `f` must return real numbers, but returns {values.dtype}. Its real and its "
            "imaginary part are two functions."
        )
    return values.astype(dtype)


def finite_values(values: np.ndarray, first: int) -> None:
    """Refuse values of a batch that are not finite."""
    if not np.isfinite(values).all():
        at = first + int(np.argmin(np.isfinite(values)))
        raise ValueError(
            f"Argument `f` must return finite values, but that of point {at} is "
            f"{values[at - first]}. What is not known cannot be left out: every bin is a sum."
        )


def empty_folder(folder: Path) -> None:
    """Refuse a folder in which something else is kept."""
    if any(path.suffix != ".part" for path in folder.iterdir()):
        raise ValueError(
            f"Argument `folder` must be empty or have been filled by `sample`, but {folder} has "
            "other files. Take a new one."
        )


def same_queries(folder: Path, seen: str, said: str) -> None:
    """Refuse a folder that was filled for other points or with another batch size."""
    if seen != said:
        raise ValueError(
            f"Argument `folder` must be of the same queries, tag and batch_size, but {folder} is "
            "of others. Take a new one, or the key and the settings that it was filled with."
        )


def kept_values(path: Path, length: int, dtype: np.dtype, base: int) -> np.ndarray:
    """The values of a file that `sample` has written, as `host_values`; any other is refused."""
    try:
        values = np.load(path, allow_pickle=False)
        seen = f"has shape {values.shape} of {values.dtype}"
        kind = np.number if base != 2 else np.floating
        good = values.shape == (length,) and np.issubdtype(values.dtype, kind)
        good = good and bool(np.isfinite(values).all())
    except (ValueError, EOFError, OSError) as error:
        seen, good = f"cannot be read: {error}", False
    if not good:
        raise ValueError(
            f"{path} must hold {length} finite {'' if base != 2 else 'real '}numbers, but {seen}. "
            "Delete it: its values will be asked for again."
        )
    # Whether it was filled with jax.enable_x64 or without.
    return host_values(values, length, dtype, base)


def sampled(value: ArrayLike, shape: tuple[int, ...], base: int) -> Array:
    """`value` as values at all points, of one function or of several."""
    found = _numbers("values", value, base)
    if found.shape[-3:] != shape:
        raise ValueError(
            f"Argument `values` must have the shape of the queries, (..., "
            f"{', '.join(map(str, shape))}), but has {found.shape}."
        )
    dtype = _dtypes.accumulator(found.dtype)
    return found if found.dtype == dtype else found.astype(dtype)


def points(value: ArrayLike, n: int, base: int) -> Array:
    """`value` as points of n zeros and ones, or of n digits."""
    found = bit_vectors(value, "x")
    said = "zeros and ones" if base == 2 else f"digits below {base}"
    if found.ndim != 2 or found.shape[-1] != n:
        raise ValueError(
            f"Argument `x` must be points (q, {n}) of {said}, but has shape {found.shape}."
        )
    if not isinstance(found, core.Tracer) and found.size:
        least, most = int(found.min()), int(found.max())
        if least < 0 or most >= base:
            raise ValueError(f"Argument `x` must hold {said}, but has {least} to {most}.")
    return found


def one_spectrum(count: Array) -> None:
    """Refuse several spectra at once."""
    if count.ndim:
        raise ValueError(
            f"Argument `spectrum` must be a single one, but is {count.size} of them. Take "
            "one out with jax.tree.map(lambda leaf: leaf[i], spectrum)."
        )


def players(value: object, n: int) -> tuple[int, ...]:
    """`value` as a set of players, in rising order."""
    if not isinstance(value, Iterable):
        raise TypeError(
            f"Argument `players` must be several, like (0, 3), but is {value!r}. One is (0,)."
        )
    found = tuple(sorted({_checks.integer("players", one, minimum=0) for one in value}))
    if found and found[-1] >= n:
        raise ValueError(f"Argument `players` must be below n={n}, but has {found[-1]}.")
    return found


def of_bits(base: int) -> None:
    """Refuse what has digits instead of bits."""
    if base != 2:
        raise ValueError(
            f"Argument `spectrum` must be of a function of bits, but has base={base}. Take its "
            "digits."
        )


def few_terms(count: int, largest: int, order: int) -> None:
    """Refuse to write out too many subsets of the sets of a spectrum."""
    if count > _TERMS:
        raise ValueError(
            f"Argument `order` must be less than {order} for a spectrum with sets of up to "
            f"{largest} players: they have {count} subsets of up to {order}, and at most {_TERMS} "
            "are written out. Take order=2, for example."
        )


def _numbers(name: str, value: object, base: int) -> Array:
    """`value` as real floating point, or as complex too if bins are complex anyway."""
    value = value if hasattr(value, "dtype") else _checks.array(name, value)  # type: ignore[arg-type]
    if jnp.issubdtype(jnp.result_type(value), jnp.integer):  # type: ignore[arg-type]
        return jnp.asarray(value, float)
    if base == 2 or not jnp.iscomplexobj(value):
        return _checks.real_float(name, value)  # type: ignore[arg-type]
    return _checks.array(name, value)  # type: ignore[arg-type]
