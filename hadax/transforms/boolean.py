"""Transforms of functions on subsets: zeta, Moebius, and Reed-Muller over GF(2).

Index i of an axis of length 2^k stands for the subset of {0, ..., k-1} whose members are the set
bits of i.
"""

import jax.numpy as jnp

from hadax import _checks
from hadax._typing import Array, ArrayLike, Num, Shaped
from hadax.kernels import _dispatch, _reed_muller
from hadax.kernels._xla import Base

_ZETA: Base = ((1, 0), (1, 1))
_MOEBIUS: Base = ((1, 0), (-1, 1))


def zeta(x: Num[ArrayLike, "..."], *, axis: int = -1, subset: bool = True) -> Num[Array, "..."]:
    r"""Sum over subsets (or supersets) along one axis.

    $y_S = \sum_{T \subseteq S} x_T$, or $\sum_{T \supseteq S} x_T$ with subset=False.

    Args:
        x: array (..., 2^k, ...), real, complex or integer; integers are exact and wrap around as
            their dtype does.
        axis: the axis to transform.
        subset: sum over subsets; False sums over supersets.

    Returns:
        Array of the shape and dtype of x.

    Raises:
        ValueError: the length is no power of two; the axis does not exist or is empty.
        TypeError: x does not hold numbers.

    Cost:
        O(n log n) operations for n = 2^k.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.zeta(jnp.array([1, 2, 3, 4]))
        Array([ 1,  3,  4, 10], dtype=int32)

    See Also:
        `moebius`, its inverse. `sympy.mobius_transform` is this function; sympy's
        `inverse_mobius_transform` is `moebius`.

    References:
        Bjoerklund, Husfeldt, Kaski & Koivisto (2007), key `bjorklund2007`.
    """
    return _kron2(x, axis, _ZETA, subset)


def moebius(x: Num[ArrayLike, "..."], *, axis: int = -1, subset: bool = True) -> Num[Array, "..."]:
    r"""Moebius inversion over subsets (or supersets): the arithmetic transform.

    $y_S = \sum_{T \subseteq S} (-1)^{|S| - |T|} x_T$: the coefficients of the multilinear
    polynomial $x_S = \sum_{T \subseteq S} y_T$.

    Args:
        x: array (..., 2^k, ...), real, complex or integer; unsigned integers wrap around.
        axis: the axis to transform.
        subset: invert the sum over subsets; False inverts the sum over supersets.

    Returns:
        Array of the shape and dtype of x.

    Raises:
        ValueError: the length is no power of two; the axis does not exist or is empty.
        TypeError: x does not hold numbers.

    Cost:
        O(n log n) operations for n = 2^k.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.moebius(jnp.array([0, 1, 1, 1]))  # OR = a + b - a b
        Array([ 0,  1,  1, -1], dtype=int32)

    See Also:
        `imoebius`, `zeta`. Mind the names: `sympy.inverse_mobius_transform` is this function.

    References:
        Bjoerklund, Husfeldt, Kaski & Koivisto (2007), key `bjorklund2007`.
    """
    return _kron2(x, axis, _MOEBIUS, subset)


def imoebius(x: Num[ArrayLike, "..."], *, axis: int = -1, subset: bool = True) -> Num[Array, "..."]:
    r"""Inverse of `moebius`: the values of a multilinear polynomial from its coefficients.

    $x_S = \sum_{T \subseteq S} y_T$, which is `zeta` under the name of what it undoes.

    Args:
        x: array (..., 2^k, ...), real, complex or integer.
        axis: the axis to transform.
        subset: as in `moebius`.

    Returns:
        Array of the shape and dtype of x.

    Raises:
        ValueError: the length is no power of two; the axis does not exist or is empty.
        TypeError: x does not hold numbers.

    Cost:
        O(n log n) operations for n = 2^k.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.imoebius(jnp.array([0, 1, 1, -1]))
        Array([0, 1, 1, 1], dtype=int32)

    See Also:
        `moebius`, `zeta`.

    References:
        Bjoerklund, Husfeldt, Kaski & Koivisto (2007), key `bjorklund2007`.
    """
    return _kron2(x, axis, _ZETA, subset)


def reed_muller(x: Shaped[ArrayLike, "..."], *, axis: int = -1) -> Shaped[Array, "..."]:
    r"""Reed-Muller transform: truth table to algebraic normal form over GF(2), and back.

    $a_S = \bigoplus_{T \subseteq S} x_T$, where $x = \bigoplus_S a_S \prod_{i \in S} v_i$. It is
    its own inverse, and linear over GF(2), not over the reals: it has no derivative.

    Args:
        x: array (..., 2^k, ...) of bools or integers; of an integer only the parity counts.
        axis: the axis to transform.

    Returns:
        Array of the shape and dtype of x with values 0 and 1.

    Raises:
        ValueError: the length is no power of two; the axis does not exist or is empty.
        TypeError: x holds neither bools nor integers.

    Cost:
        O(n log n) bit operations for n = 2^k, 32 at once.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.reed_muller(jnp.array([0, 1, 1, 1]))  # OR = a + b + a b over GF(2)
        Array([0, 1, 1, 1], dtype=int32)

    See Also:
        `zeta`, of which this is the parity; `sympy.logic.boolalg.anf_coeffs`.

    References:
        Muller (1954) and Reed (1954), keys `muller1954`, `reed1954`.
    """
    table = _checks.array("x", x, bools=True)
    _checks.truth_table(table)
    axis = _checks.axis(table, axis)
    _checks.power_of_two(table.shape[axis], why="a transform over subsets")
    bits = jnp.moveaxis(table, axis, -1).astype(jnp.uint32) & jnp.uint32(1)
    found = _reed_muller.reed_muller(bits)
    return jnp.moveaxis(found, -1, axis).astype(table.dtype)


def _kron2(x: ArrayLike, axis: int, base: Base, subset: bool) -> Array:
    """The Kronecker power of `base` (of its transpose, for supersets) along one axis."""
    x = _checks.array("x", x)
    axis = _checks.axis(x, axis)
    _checks.flag("subset", subset)
    _checks.power_of_two(x.shape[axis], why="a transform over subsets")
    (a, b), (c, d) = base
    matrix = base if subset else ((a, c), (b, d))
    return jnp.moveaxis(_dispatch.kron2(jnp.moveaxis(x, axis, -1), base=matrix), -1, axis)
