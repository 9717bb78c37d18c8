"""What is asked of a Boolean function: its Walsh spectrum and what cryptography reads from it.

A function of n bits is its truth table of 2^n values; of an integer only the parity counts. Results
are exact integers.
"""

import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, ArrayLike, Integer, Shaped
from hadax.transforms import _transform_checks
from hadax.transforms.boolean import reed_muller
from hadax.transforms.walsh import fwht


def walsh_spectrum(x: Shaped[ArrayLike, "..."], *, axis: int = -1) -> Integer[Array, "..."]:
    r"""Walsh spectrum of a Boolean function.

    $W_a = \sum_v (-1)^{f(v) + \langle a, v\rangle}$, so that $f$ differs from the linear function
    $\langle a, v\rangle$ at $2^{n-1} - W_a / 2$ points.

    Args:
        x: truth table (..., 2^n, ...) of f, of bools or integers.
        axis: the axis of the table.

    Returns:
        Array of the shape of x, int32.

    Raises:
        ValueError: the length is no power of two; the axis does not exist or is empty.
        TypeError: x holds neither bools nor integers.

    Cost:
        One `fwht`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.walsh_spectrum(jnp.array([0, 0, 0, 1]))
        Array([ 2,  2,  2, -2], dtype=int32)

    See Also:
        `nonlinearity`, `autocorrelation`. `fwht` of f itself: the spectrum of zeros and ones.

    References:
        Carlet (2021), key `carlet2021`.
    """
    return jnp.moveaxis(_spectrum(_table(x, axis)), -1, axis)


def nonlinearity(x: Shaped[ArrayLike, "..."], *, axis: int = -1) -> Integer[Array, "..."]:
    r"""How many values of a Boolean function differ from those of the nearest affine function.

    $2^{n-1} - \max_a |W_a| / 2$, which is at most $2^{n-1} - 2^{n/2 - 1}$, with equality for bent
    functions.

    Args:
        x: truth table (..., 2^n, ...) of f, of bools or integers.
        axis: the axis of the table.

    Returns:
        Array of the shape of x without the axis, int32.

    Raises:
        ValueError: the length is no power of two; the axis does not exist or is empty.
        TypeError: x holds neither bools nor integers.

    Cost:
        One `fwht`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.nonlinearity(jnp.array([[0, 1, 1, 0], [0, 0, 0, 1]]))  # XOR is linear, AND bent
        Array([0, 1], dtype=int32)

    See Also:
        `walsh_spectrum`.

    References:
        Carlet (2021), key `carlet2021`.
    """
    spectrum = _spectrum(_table(x, axis))
    return (spectrum.shape[-1] - jnp.max(jnp.abs(spectrum), axis=-1)) // 2


def autocorrelation(x: Shaped[ArrayLike, "..."], *, axis: int = -1) -> Integer[Array, "..."]:
    r"""Autocorrelation of a Boolean function: how it changes when bits are flipped.

    $r_a = \sum_v (-1)^{f(v) + f(v \oplus a)}$: 0 where half of the values change, as everywhere but
    at 0 for a bent function.

    Args:
        x: truth table (..., 2^n, ...) of f, of bools or integers; n at most 15, and
            at most 31 where JAX has integers of 64 bits, to hold the sums of $W_a^2$.
        axis: the axis of the table.

    Returns:
        Array of the shape of x, int32.

    Raises:
        ValueError: the length is no power of two, or too large; the axis does not exist or is
            empty.
        TypeError: x holds neither bools nor integers.

    Cost:
        Two `fwht`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.autocorrelation(jnp.array([0, 1, 1, 0, 0, 1, 1, 1]))
        Array([ 8, -4, -4,  4,  4, -4, -4,  4], dtype=int32)

    See Also:
        `walsh_spectrum`; `xor_convolution` of $(-1)^f$ with itself is the same.

    References:
        Carlet (2021), key `carlet2021`.
    """
    table = _table(x, axis)
    n = table.shape[-1]
    spectrum = _spectrum(table).astype(_transform_checks.squares_dtype(n))
    sums = fwht(spectrum * spectrum, norm="backward") // n
    return jnp.moveaxis(sums.astype(jnp.int32), -1, axis)


def algebraic_degree(x: Shaped[ArrayLike, "..."], *, axis: int = -1) -> Integer[Array, "..."]:
    r"""Degree of a Boolean function as a polynomial over the field of two elements.

    $\max \{|S| : a_S = 1\}$ for the coefficients a of `reed_muller`.

    Args:
        x: truth table (..., 2^n, ...) of f, of bools or integers.
        axis: the axis of the table.

    Returns:
        Array of the shape of x without the axis, int32; -1 for the function that is 0 everywhere.

    Raises:
        ValueError: the length is no power of two; the axis does not exist or is empty.
        TypeError: x holds neither bools nor integers.

    Cost:
        One `reed_muller`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.algebraic_degree(jnp.array([[0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 0]]))
        Array([ 1,  2, -1], dtype=int32)

    See Also:
        `reed_muller`: all coefficients.

    References:
        Carlet (2021), key `carlet2021`.
    """
    coefficients = reed_muller(_table(x, axis))
    n = coefficients.shape[-1]
    sizes = np.bitwise_count(np.arange(n)).astype(np.int32)
    sizes = jnp.asarray(sizes).reshape((1,) * (coefficients.ndim - 1) + (n,))
    return jnp.max(jnp.where(coefficients == 1, sizes, -1), axis=-1)


def _table(x: ArrayLike, axis: int) -> Array:
    """The truth table `x` as int32, with its axis last."""
    table = _checks.array("x", x, bools=True)
    _checks.truth_table(table)
    number = _checks.axis(table, axis)
    _checks.power_of_two(table.shape[number], why="a function of bits")
    return jnp.moveaxis(table, number, -1).astype(jnp.int32)


def _spectrum(table: Array) -> Array:
    """The Walsh spectrum along the last axis."""
    return fwht(1 - 2 * (table & 1), norm="backward")
