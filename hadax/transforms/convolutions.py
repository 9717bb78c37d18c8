"""Convolutions of functions on subsets: by a symmetric difference, a union, an intersection, and a
union of disjoint sets.

Index i of an axis of length 2^n stands for the subset of {0, ..., n-1} whose members are the set
bits of i.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hadax import _dtypes
from hadax._typing import Array, ArrayLike, Num
from hadax.transforms import _transform_checks
from hadax.transforms.boolean import moebius, zeta
from hadax.transforms.walsh import fwht


def xor_convolution(
    x: Num[ArrayLike, "..."], y: Num[ArrayLike, "..."], *, axis: int = -1
) -> Num[Array, "..."]:
    r"""Convolution over the group of bits: the law of the XOR of independent indices.

    $c_S = \sum_T x_T\, y_{S \oplus T}$, by $H c = (H x)(H y)$.

    Args:
        x: array (..., 2^n, ...), real, complex or integer. Integers are exact as long as $2^n c_S$
            fits into their dtype, with its sign; those of 8 and 16 bits as long as it fits into
            int32, and wrap around as their dtype does.
        y: array of the same shape and dtype.
        axis: the axis of the subsets.

    Returns:
        Array of the shape and dtype of both.

    Raises:
        ValueError: the shapes or dtypes differ; the length is no power of two; the axis does not
            exist or is empty.
        TypeError: x or y does not hold numbers.

    Cost:
        Three `fwht`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.xor_convolution(jnp.array([1, 2, 0, 0]), jnp.array([0, 1, 0, 3]))
        Array([2, 1, 6, 3], dtype=int32)

    See Also:
        `sympy.discrete.convolutions.convolution_fwht`.
    """

    def backward(product: Array) -> Array:
        sums = fwht(product, norm="backward")
        n = product.shape[-1]
        return sums // n if jnp.issubdtype(sums.dtype, jnp.integer) else sums * (1 / n)

    return _multiplied(x, y, axis, lambda x: fwht(x, norm="backward"), backward)


def or_convolution(
    x: Num[ArrayLike, "..."], y: Num[ArrayLike, "..."], *, axis: int = -1
) -> Num[Array, "..."]:
    r"""Convolution by the union of subsets.

    $c_S = \sum_{A \cup B = S} x_A\, y_B$: sums over subsets, multiplied, and inverted.

    Args:
        x: array (..., 2^n, ...), real, complex or integer. Integers are exact, and wrap around as
            their dtype does.
        y: array of the same shape and dtype.
        axis: the axis of the subsets.

    Returns:
        Array of the shape and dtype of both.

    Raises:
        ValueError: the shapes or dtypes differ; the length is no power of two; the axis does not
            exist or is empty.
        TypeError: x or y does not hold numbers.

    Cost:
        Two `zeta` and one `moebius`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.or_convolution(jnp.array([1, 2, 0, 0]), jnp.array([0, 1, 0, 3]))
        Array([0, 3, 0, 9], dtype=int32)

    See Also:
        `and_convolution`; `subset_convolution`, of disjoint sets only. sympy calls this
        `covering_product`.

    References:
        Bjoerklund, Husfeldt, Kaski & Koivisto (2007), key `bjorklund2007`.
    """
    return _multiplied(x, y, axis, zeta, moebius)


def and_convolution(
    x: Num[ArrayLike, "..."], y: Num[ArrayLike, "..."], *, axis: int = -1
) -> Num[Array, "..."]:
    r"""Convolution by the intersection of subsets.

    $c_S = \sum_{A \cap B = S} x_A\, y_B$: sums over supersets, multiplied, and inverted.

    Args:
        x: array (..., 2^n, ...), real, complex or integer. Integers are exact, and wrap around as
            their dtype does.
        y: array of the same shape and dtype.
        axis: the axis of the subsets.

    Returns:
        Array of the shape and dtype of both.

    Raises:
        ValueError: the shapes or dtypes differ; the length is no power of two; the axis does not
            exist or is empty.
        TypeError: x or y does not hold numbers.

    Cost:
        Two `zeta` and one `moebius`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.and_convolution(jnp.array([1, 2, 0, 0]), jnp.array([0, 1, 0, 3]))
        Array([4, 8, 0, 0], dtype=int32)

    See Also:
        `or_convolution`. sympy calls this `intersecting_product`.

    References:
        Bjoerklund, Husfeldt, Kaski & Koivisto (2007), key `bjorklund2007`.
    """
    return _multiplied(
        x, y, axis, lambda x: zeta(x, subset=False), lambda x: moebius(x, subset=False)
    )


def subset_convolution(
    x: Num[ArrayLike, "..."], y: Num[ArrayLike, "..."], *, axis: int = -1
) -> Num[Array, "..."]:
    r"""Convolution by the union of disjoint subsets: the sum over all ways to split a set in two.

    $c_S = \sum_{T \subseteq S} x_T\, y_{S \setminus T}$. Sets of one size at a time are summed over
    subsets; of the products only those are kept whose sizes add up to that of their union.

    Args:
        x: array (..., 2^n, ...), real, complex or integer. Integers are exact, and wrap around as
            their dtype does; floats lose digits to sums that cancel.
        y: array of the same shape and dtype.
        axis: the axis of the subsets.

    Returns:
        Array of the shape and dtype of both.

    Raises:
        ValueError: the shapes or dtypes differ; the length is no power of two; the axis does not
            exist or is empty.
        TypeError: x or y does not hold numbers.

    Cost:
        O(n^2 2^n) operations and 3 n 2^n numbers a pair of vectors, where the definition takes 3^n.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> hadax.subset_convolution(jnp.array([1, 2, 0, 0]), jnp.array([0, 1, 0, 3]))
        Array([0, 1, 0, 3], dtype=int32)

    See Also:
        `or_convolution`, where the sets may overlap.

    References:
        Bjoerklund, Husfeldt, Kaski & Koivisto (2007), key `bjorklund2007`.
    """
    first, second, number = _transform_checks.tables(x, y, axis)
    wide = _dtypes.accumulator(first.dtype)
    sums = _ranked(first.astype(wide), second.astype(wide))
    return jnp.moveaxis(sums.astype(first.dtype), -1, number)


def _multiplied(
    x: ArrayLike,
    y: ArrayLike,
    axis: int,
    forward: Callable[[Array], Array],
    backward: Callable[[Array], Array],
) -> Array:
    """backward(forward(a) * forward(b)) along an axis, rounded to the dtype of both at the end."""
    first, second, number = _transform_checks.tables(x, y, axis)
    wide = _dtypes.accumulator(first.dtype)
    if jnp.issubdtype(wide, jnp.integer) and wide.itemsize < 4:
        wide = jnp.dtype(jnp.int32)  # that 2^n sums are divided again
    sums = backward(forward(first.astype(wide)) * forward(second.astype(wide)))
    return jnp.moveaxis(sums.astype(first.dtype), -1, number)


@jax.jit
def _ranked(a: Array, b: Array) -> Array:
    """The subset convolution along the last axis."""
    n = a.shape[-1]
    bits = n.bit_length() - 1
    sizes = np.bitwise_count(np.arange(n)).astype(np.int32).reshape(*(1,) * (a.ndim - 1), n)

    def by_size(x: Array) -> Array:
        ranks = jnp.arange(bits + 1, dtype=jnp.int32).reshape(-1, *(1,) * x.ndim)
        return zeta(jnp.where(ranks == sizes[None], x[None], 0))

    left = by_size(a)
    # Entry i of a window that starts at bits - k is the part of b that has size k - i.
    right = by_size(b)[::-1]
    right = jnp.concatenate([right, jnp.zeros_like(right[1:])])

    def of_size(total: Array, k: Array) -> tuple[Array, None]:
        partner = lax.dynamic_slice_in_dim(right, bits - k, bits + 1)
        product = moebius(jnp.sum(left * partner, axis=0, dtype=left.dtype))
        return total + jnp.where(k == sizes, product, 0), None

    return lax.scan(of_size, jnp.zeros_like(a), jnp.arange(bits + 1, dtype=jnp.int32))[0]
