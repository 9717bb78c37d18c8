"""Error texts of groups and their bases; the house's other texts are in `hadax._checks`."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from hadax import _checks
from hadax._typing import Array, ArrayLike, DTypeLike

Table: TypeAlias = Array | NDArray | Sequence[Any]
"""What tables of integers, whose values must be known, are given as: arrays, or lists of rows."""

_EQUAL = 1e-5  # of the largest entry: what single precision may do to a symmetric matrix
_NOTHING = 1e-10  # of the largest eigenvalue: what round-off leaves of one that is zero
_ROUNDED = 1e-2  # of the largest eigenvalue: what 16-bit floats may do to a small one


def instance(name: str, value: object, *kinds: type) -> None:
    """Refuse anything but a group, or another thing that has an average."""
    if not isinstance(value, kinds):
        words = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(
            f"Argument `{name}` must be a {words}, but is a {type(value).__name__}. Make a group "
            "with hadax.groups, for example cyclic(8), or generated(permutations)."
        )


def permutations(name: str, value: Table) -> NDArray[np.int64]:
    """`value` as an array (count, degree) whose rows are permutations."""
    rows = np.asarray(value)
    if not np.issubdtype(rows.dtype, np.integer):
        raise TypeError(f"Argument `{name}` must hold integers, but has {name}.dtype={rows.dtype}.")
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(
            f"Argument `{name}` must have one permutation a row, but has {name}.shape={rows.shape}."
        )
    bad = np.flatnonzero((np.sort(rows, axis=1) != np.arange(rows.shape[1])).any(axis=1))
    if bad.size:
        raise ValueError(
            f"Argument `{name}` must have permutations of 0 ... {rows.shape[1] - 1} as its rows, "
            f"but row {bad[0]} is {rows[bad[0]].tolist()}."
        )
    return rows.astype(np.int64)


def acts_on(name: str, rows: NDArray[np.int64], n: int) -> None:
    """Refuse permutations of another number of points than a matrix has rows."""
    if rows.shape[1] != n:
        raise ValueError(
            f"Argument `{name}` must act on the {n} points of `R`, but has "
            f"{name}.shape={rows.shape}."
        )


def members(name: str, value: ArrayLike, n: int) -> Array:
    """`value` as matrices (k, n, n)."""
    found = _checks.array(name, value)
    if found.ndim != 3 or found.shape[0] == 0:
        raise ValueError(
            f"Argument `{name}` must be permutations (k, {n}) or matrices (k, {n}, {n}), but has "
            f"{name}.shape={found.shape}."
        )
    return matrices(name, found, n)


def real_for_snapshots(dtype: DTypeLike) -> None:
    """Refuse the noise floor of complex vectors, whose law is another one."""
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise TypeError(
            "Argument `snapshots` must be None where R or the dictionary is complex, but there is "
            f"dtype {dtype}: the floor is that of real Gaussian vectors."
        )


def group_table(name: str, value: Table) -> NDArray[np.int64]:
    """`value` as the multiplication table of a group whose element 0 is the identity."""
    table = permutations(name, value)
    n = table.shape[1]
    if table.shape != (n, n):
        raise ValueError(f"Argument `{name}` must be square, but has {name}.shape={table.shape}.")
    identity = np.arange(n)
    if (table[0] != identity).any() or (table[:, 0] != identity).any():
        raise ValueError(
            f"Argument `{name}` must have the identity as element 0, but its first row or column "
            f"is not 0 ... {n - 1}. Number the elements anew."
        )
    # (a b) c = a (b c), one a at a time: n^2 numbers at once.
    for a, row in enumerate(table):
        wrong = np.argwhere(table[row] != row[table])
        if wrong.size:
            b, c = wrong[0]
            raise ValueError(
                f"Argument `{name}` must be associative, but ({a} {b}) {c} is not {a} ({b} {c})."
            )
    return table


def labels(name: str, value: Table) -> NDArray[np.int64]:
    """`value` as a square array of labels 0, 1, ... r - 1, each of them used."""
    found = np.asarray(value)
    if not np.issubdtype(found.dtype, np.integer):
        raise TypeError(f"Argument `{name}` must hold integers, but has dtype {found.dtype}.")
    square(name, found)
    used = np.unique(found)
    if (used != np.arange(used.size)).any():
        raise ValueError(
            f"Argument `{name}` must use every label from 0 on, but the labels are "
            f"{used[:8].tolist()}{' ...' if used.size > 8 else ''}. "
            "Number them with numpy.unique(..., return_inverse=True)."
        )
    return found.astype(np.int64)


def square(name: str, value: Array | NDArray) -> None:
    """Refuse anything but a square matrix."""
    if value.ndim != 2 or value.shape[0] != value.shape[1] or value.shape[0] == 0:
        raise ValueError(
            f"Argument `{name}` must be a square matrix, but has {name}.shape={value.shape}."
        )


def own_transpose(name: str, value: NDArray) -> None:
    """Refuse a matrix that is not symmetric."""
    square(name, value)
    if not _is_symmetric(value):
        raise ValueError(
            f"Argument `{name}` must be symmetric, but differs from its transpose by "
            f"{np.abs(value - value.T).max()}. Pass ({name} + {name}.T) / 2."
        )


def positive_definite(name: str, value: NDArray) -> None:
    """Refuse a symmetric matrix that has no logarithm."""
    least = np.linalg.eigvalsh(value)[0]
    if least <= 0:
        raise ValueError(
            f"Argument `{name}` must be positive definite with log=True, but has the eigenvalue "
            f"{least}. Pass log=False, or estimate it from more snapshots than points."
        )


def anchors(name: str, value: Mapping[int, int], n: int) -> dict[int, int]:
    """`value` as part of a permutation: some points and their images."""
    if not isinstance(value, Mapping):
        raise TypeError(
            f"Argument `{name}` must be a dict of points and their images, but is a "
            f"{type(value).__name__}."
        )
    found = {_checks.integer(name, i): _checks.integer(name, k) for i, k in value.items()}
    outside = [i for pair in found.items() for i in pair if not 0 <= i < n]
    if outside or len(set(found.values())) < len(found):
        raise ValueError(
            f"Argument `{name}` must send some of the points 0 ... {n - 1} to different ones, but "
            f"is {found}."
        )
    return found


def matrices(name: str, value: ArrayLike, n: int | None = None) -> Array:
    """`value` as real or complex matrices (..., n, n), of any size where no n is given."""
    found = _checks.array(name, value)
    if not jnp.issubdtype(found.dtype, jnp.inexact):
        raise TypeError(
            f"Argument `{name}` must be real or complex floating point, but has "
            f"{name}.dtype={found.dtype}. Cast it, for example with {name}.astype('float32')."
        )
    size = found.shape[-1:] * 2 if n is None else (n, n)
    if found.ndim < 2 or found.shape[-2:] != size:
        each = "n" if n is None else n
        raise ValueError(
            f"Argument `{name}` must have the shape (..., {each}, {each}), but has "
            f"{name}.shape={found.shape}."
        )
    return found


def real_matrix(name: str, value: ArrayLike, n: int) -> Array:
    """`value` as one real matrix (n, n)."""
    found = _checks.real_float(name, value)
    if found.shape != (n, n):
        raise ValueError(
            f"Argument `{name}` must have the shape ({n}, {n}), but has "
            f"{name}.shape={found.shape}. Use jax.vmap for several."
        )
    return found


def snapshots(name: str, value: ArrayLike, n: int) -> Array:
    """`value` as at least two vectors of length n, one a row."""
    found = _checks.array(name, value)
    if found.ndim != 2 or found.shape[1] != n or found.shape[0] < 2:
        raise ValueError(
            f"Argument `{name}` must have the shape (L, {n}) with L >= 2, one vector a row, but "
            f"has {name}.shape={found.shape}."
        )
    return found


def finite_values(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """`value` in double precision, whatever the precision of JAX."""
    found = np.asarray(value)
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise TypeError(
            f"Argument `{name}` must be real floating point, but has {name}.dtype={found.dtype}. "
            f"Cast it, for example with {name}.astype('float64')."
        )
    found = found.astype(np.float64)
    if not np.isfinite(found).all():
        raise ValueError(
            f"Argument `{name}` must be finite, but has NaNs or infinities. Drop such rows."
        )
    return found


def not_all_zero(name: str, value: NDArray) -> None:
    """Refuse vectors without any variance."""
    if not value.any():
        raise ValueError(f"Argument `{name}` must be not all zero: it has no covariance.")


def covariance(name: str, value: NDArray) -> None:
    """Refuse anything but a symmetric matrix with a positive trace and no negative eigenvalue."""
    is_square = value.ndim == 2 and value.shape[0] == value.shape[1] > 0
    if not is_square or not _is_symmetric(value) or np.trace(value) <= 0:
        raise ValueError(
            f"Argument `{name}` must be a covariance where `snapshots` is given: a symmetric "
            f"matrix with a positive trace, but has {name}.shape={value.shape}. Leave `snapshots` "
            "out for vectors, one a row."
        )
    values = np.linalg.eigvalsh(value)
    if values[0] < -_ROUNDED * values[-1]:
        raise ValueError(
            f"Argument `{name}` must be a covariance where `snapshots` is given, but has the "
            f"negative eigenvalue {values[0]}."
        )


def no_covariance(name: str, value: NDArray) -> None:
    """Refuse a covariance in the place of vectors: its rows would be taken for some."""
    if value.shape[0] == value.shape[1] > 1 and _is_symmetric(value):
        raise ValueError(
            f"Argument `{name}` must be vectors, one a row, where `snapshots` is not given, but is "
            "a symmetric matrix. Pass snapshots=, how many vectors the covariance is estimated "
            "from; for one that is known a large number, for example 10**6."
        )


def _is_symmetric(value: NDArray) -> bool:
    """Whether a matrix is its own transpose, up to rounding."""
    return bool(np.abs(value - value.T).max() <= _EQUAL * np.abs(value).max())


def not_degenerate(name: str, R: NDArray[np.float64], L: int) -> None:
    """Refuse a covariance that stays singular with more vectors than entries: no model of it that
    fits has a likelihood."""
    values = np.linalg.eigvalsh(R)
    missing = int(np.sum(values <= _NOTHING * values[-1]))
    if missing and len(R) < L:
        raise ValueError(
            f"Argument `{name}` must have a covariance of full rank, but in {missing} of {len(R)} "
            "dimensions there is no variance. Leave out constant entries, or add white noise of "
            "the size of rounding."
        )


def least(name: str, n: int, minimum: int) -> None:
    """Refuse vectors that are too short."""
    if n < minimum:
        raise ValueError(
            f"Argument `{name}` must have at least {minimum} entries a vector, but has {n}."
        )


def nonnegative(name: str, value: object) -> float:
    """`value` as a number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"Argument `{name}` must be a number, but is a {type(value).__name__}.")
    if not value >= 0:
        raise ValueError(f"Argument `{name}` must not be negative, but is {value}.")
    return float(value)


def bits(name: str, n: int) -> int:
    """The number of bits of the indices of n points, which must be a power of two."""
    if n < 4 or n & (n - 1):
        raise ValueError(
            f"Argument `{name}` must have a power of two of entries a vector, at least 4, for this "
            f"group, but has {n}."
        )
    return n.bit_length() - 1


def entries(name: str, n: int, group: str, degree: int) -> None:
    """Refuse a group of another degree than the vectors have entries."""
    if n != degree:
        raise ValueError(
            f"Argument `{name}` must have {degree} entries a vector for {group}, but has {n}. "
            f"Build the groups for {n} points, for example with library({n})."
        )


def same_degree(left: int, right: int) -> None:
    """Refuse two groups that act on different points."""
    if left != right:
        raise ValueError(
            f"Argument `right` must act on the same {left} points as `left`, but acts on {right}."
        )


def same_count(name: str, found: int, degree: int) -> None:
    """Refuse an order of other points than a group's."""
    if found != degree:
        raise ValueError(
            f"Argument `{name}` must number the group's {degree} points, but has {found} numbers."
        )


def too_large(name: str, group: str, limit: int) -> NoReturn:
    """Refuse to list the elements of a large group."""
    raise ValueError(
        f"Argument `{name}` must have at most limit={limit} elements, but {group} has more. Pass a "
        "larger limit; orbitals, rank and reynolds need no list of elements."
    )


def no_eigenbasis(group: str) -> NoReturn:
    """Refuse a group whose invariant matrices do not commute."""
    raise ValueError(
        f"Argument `group` must be multiplicity free to have one eigenbasis for all invariant "
        f"matrices, but {group} is not: only a block structure is common to them. Use "
        "symmetry_adapted(group)."
    )


def no_closed_form(group: str) -> NoReturn:
    """Refuse a group of which only the generators are known."""
    raise NotImplementedError(
        f"Argument `group` must have an eigenbasis in closed form, but none is known for {group}. "
        "Use symmetry_adapted(group), which needs generators only."
    )
