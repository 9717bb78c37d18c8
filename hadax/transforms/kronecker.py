"""Transforms that treat every bit of an index in its own way: Kronecker products of 2 x 2 matrices.

Matrix i acts on bit i of the index, counted from the most significant one.
"""

import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Inexact, Norm, Num
from hadax.kernels import _kron2
from hadax.transforms import _transform_checks


def kron2_transform(
    x: Num[ArrayLike, "..."], matrices: Num[ArrayLike, "bits 2 2"], *, axis: int = -1
) -> Num[Array, "..."]:
    r"""Multiply by a Kronecker product of 2 x 2 matrices, one for each bit, along one axis.

    $y = (A_1 \otimes A_2 \otimes \dots \otimes A_k)\, x$: the first matrix acts on the most
    significant bit of the index, the last on the least. The inverse is the same with the inverses
    of the matrices, the transpose with their transposes.

    Args:
        x: array (..., 2^k, ...), real, complex or integer. float16 and bfloat16 are added up in
            float32; integers take matrices of integers, and wrap around as their dtype does.
        matrices: array (k, 2, 2); `jax.vmap` for other matrices with every vector.
        axis: the axis to transform.

    Returns:
        Array of the shape and dtype of x; complex if the matrices are.

    Raises:
        ValueError: the length is no power of two, or the matrices are not one for each bit.
        TypeError: x or the matrices do not hold numbers, or x holds integers and they do not.

    Cost:
        3 k 2^k multiplications and additions a vector, in k passes. The derivative by the matrices
        keeps k copies of x.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> swap, sums = [[0, 1], [1, 0]], [[1, 1], [0, 1]]
        >>> hadax.kron2_transform(jnp.array([1, 2, 3, 4]), jnp.array([swap, sums]))
        Array([7, 4, 3, 2], dtype=int32)

    See Also:
        `fwht`, `zeta` and `moebius`, with the same fixed matrix for each bit, are faster.
        `biased_fwht`. `numpy.kron` forms the product.
    """
    x = _checks.array("x", x)
    number = _checks.axis(x, axis)
    factors = _transform_checks.bit_matrices(matrices, _bits(x, number))
    kind = _dtypes.result_dtype(x.dtype, factors.dtype)
    return _applied(x, factors, number, kind)


def biased_fwht(
    x: Inexact[ArrayLike, "..."], p: ArrayLike, *, axis: int = -1, norm: Norm = "forward"
) -> Inexact[Array, "..."]:
    r"""The p-biased Walsh-Hadamard transform: coefficients of a function of bits that are not fair.

    $c_S = E[f(X) \prod_{i \in S} \varphi_i(X_i)]$ for independent bits $P(X_i = 1) = p_i$, with
    $\varphi_i(0) = \sqrt{p_i / (1 - p_i)}$ and $\varphi_i(1) = -\sqrt{(1 - p_i) / p_i}$, which
    have mean 0 and variance 1. With norm="forward" that is the result, and
    $\sum_S c_S^2 = E[f(X)^2]$; "ortho" is $2^{k/2}$ times, "backward" $2^k$ times as much. For
    p = 1/2 it is `fwht`, whatever the norm.

    Args:
        x: array (..., 2^k, ...), real or complex: the values of f.
        p: the probabilities of a one: a number, or an array (k,), for the most significant bit of
            the index first. Inside of (0, 1).
        axis: the axis to transform.
        norm: "forward", "ortho" or "backward".

    Returns:
        Array of the shape and dtype of x: at the index that has the bits S, $c_S$.

    Raises:
        ValueError: the length is no power of two, probabilities of another number or outside of
            (0, 1), or an unknown norm.
        TypeError: x holds integers, or p is not real floating point.

    Cost:
        That of `kron2_transform`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> x = jnp.array([0.0, 0.0, 0.0, 1.0])  # AND
        >>> hadax.biased_fwht(x, jnp.array([0.5, 0.2])).round(3)
        Array([ 0.1, -0.2, -0.1,  0.2], dtype=float32)

    See Also:
        `biased_ifwht`, the inverse. The peer ewht: its norm "expectation" is "forward", "sqrt" is
        "ortho" and None is "backward"; "stable" divides the first by
        $\sqrt{\varphi_i(0)^2 + \varphi_i(1)^2}$ for each i in S.

    References:
        O'Donnell (2014), section 8.4, key `odonnell2014`.
    """
    x, number, chances = _biased(x, p, axis)
    spread = jnp.sqrt(chances * (1 - chances))
    rows = jnp.array([[1 - chances, chances], [spread, -spread]])
    factors = jnp.moveaxis(rows, -1, 0) * (2 * _dtypes.scale_of(norm, 2))
    return _applied(x, factors, number, x.dtype)


def biased_ifwht(
    x: Inexact[ArrayLike, "..."], p: ArrayLike, *, axis: int = -1, norm: Norm = "forward"
) -> Inexact[Array, "..."]:
    r"""The inverse of `biased_fwht`: the values of a function from its coefficients.

    $f(m) = \sum_S c_S \prod_{i \in S} \varphi_i(m_i)$ with norm="forward".

    Args:
        x: array (..., 2^k, ...), real or complex: the coefficients.
        p: the probabilities, as in `biased_fwht`.
        axis: the axis to transform.
        norm: "forward", "ortho" or "backward": the word that was given to `biased_fwht`.

    Returns:
        Array of the shape and dtype of x.

    Raises:
        ValueError: as `biased_fwht`.
        TypeError: as `biased_fwht`.

    Cost:
        That of `kron2_transform`.

    Example:
        >>> import jax.numpy as jnp, hadax
        >>> p = jnp.array([0.5, 0.2])
        >>> hadax.biased_ifwht(jnp.array([0.1, -0.2, -0.1, 0.2]), p).round(3) + 0.0
        Array([0., 0., 0., 1.], dtype=float32)

    See Also:
        `biased_fwht`.

    References:
        O'Donnell (2014), section 8.4, key `odonnell2014`.
    """
    x, number, chances = _biased(x, p, axis)
    odds = jnp.sqrt(chances / (1 - chances))
    ones = jnp.ones_like(odds)
    rows = jnp.array([[ones, odds], [ones, -1 / odds]])
    factors = jnp.moveaxis(rows, -1, 0) * _dtypes.scale_of(norm, 2, inverse=True)
    return _applied(x, factors, number, x.dtype)


def _biased(x: ArrayLike, p: ArrayLike, axis: int) -> tuple[Array, int, Array]:
    """The array, its axis, and a probability for each bit in the dtype to add up in."""
    x = _checks.array("x", x)
    _checks.not_integer(x.dtype)
    number = _checks.axis(x, axis)
    bits = _bits(x, number)
    chances = _transform_checks.probabilities(p, bits)
    real = jnp.finfo(_dtypes.accumulator(x.dtype)).dtype
    return x, number, jnp.broadcast_to(chances.astype(real), (bits,))


def _bits(x: Array, axis: int) -> int:
    """The bits of an index along an axis."""
    _checks.power_of_two(x.shape[axis], why="a matrix for each bit")
    return x.shape[axis].bit_length() - 1


def _applied(x: Array, factors: Array, axis: int, kind: jnp.dtype) -> Array:
    """The product of `factors` along an axis, as an array of `kind`."""
    wide = _dtypes.accumulator(kind)
    y = _kron2.kron2(jnp.moveaxis(x, axis, -1).astype(wide), factors.astype(wide))
    return jnp.moveaxis(y.astype(kind), -1, axis)
