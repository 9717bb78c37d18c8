"""Writing an invertible map of a hidden vector into the kernels around it, function preserved.

A vector h between two linears may be replaced by y = T h, if who writes h writes T h, and who reads
h reads T^{-1} y. Kernels are W[..., in, out], used as h @ W: a writer's last axis is h, a reader's
second to last. What an RMSNorm with gain reads or writes is no such vector until the gain is folded
into the readers; after that any orthogonal T passes through the norm.
"""

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.operators.base import LinearOperator, inverse
from hadax.quantization import _quantization_checks


def fold_into_writer(op: LinearOperator, kernel: ArrayLike) -> Array:
    r"""The kernel that writes op(h) where the given one writes h.

    $h W \mapsto T h W$ for every input: each row of W is mapped, $W' = W T^\top$.

    Args:
        op: operator of shape (m, n).
        kernel: array (..., in, n); an embedding table (vocabulary, n) is a writer too.

    Returns:
        Array (..., in, m).

    Raises:
        ValueError: the last axis of `kernel` has not length n.
        TypeError: `op` is no operator.

    Cost:
        One application of `op` a row.

    Example:
        >>> import jax, jax.numpy as jnp, hadax
        >>> from hadax.quantization import fold_into_reader, fold_into_writer
        >>> op = hadax.randomized_hadamard(jax.random.key(0), 4)
        >>> x, write, read = jnp.ones((1, 2)), jnp.ones((2, 4)), jnp.ones((4, 3))
        >>> rotated = x @ fold_into_writer(op, write) @ fold_into_reader(op, read)
        >>> bool(jnp.allclose(rotated, x @ write @ read, atol=1e-5))
        True

    See Also:
        `fold_into_reader`, its other half.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    w = _quantization_checks.folded(op, kernel)
    _quantization_checks.kernel_axis(w, -1, op.shape[1])
    return op(w)


def fold_into_reader(op: LinearOperator, kernel: ArrayLike) -> Array:
    r"""The kernel that makes of op(h) what the given one makes of h.

    $W' = T^{-\top} W$; for an orthogonal T, $W' = T W$.

    Args:
        op: operator of shape (n, n) with a known inverse.
        kernel: array (..., n, out).

    Returns:
        Array (..., n, out).

    Raises:
        ValueError: the second to last axis of `kernel` has not length n.
        TypeError: `op` is no operator, or no inverse of it is known in closed form.

    Cost:
        One application of the inverse a column.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax import operators
        >>> from hadax.quantization import fold_into_reader
        >>> fold_into_reader(operators.diagonal(jnp.array([2.0, 4.0])), jnp.ones((2, 1)))
        Array([[0.5 ],
               [0.25]], dtype=float32)

    See Also:
        `fold_into_writer`, its other half.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    w = _quantization_checks.folded(op, kernel)
    inverted = inverse(op)
    _quantization_checks.kernel_axis(w, -2, op.shape[1])
    return inverted.T(w.mT).mT


def fold_gain(gain: ArrayLike, kernel: ArrayLike) -> Array:
    r"""The kernel that reads h as the given one reads gain * h.

    $W' = \operatorname{diag}(g) W$: the norm's gain moves into the linear after it.

    Args:
        gain: array (..., n); for norms that multiply by 1 + g, that sum.
        kernel: array (..., n, out).

    Returns:
        Array (..., n, out).

    Raises:
        ValueError: the shapes do not fit.
        TypeError: `kernel` is not floating point, or `gain` complex and `kernel` real.

    Cost:
        One multiplication an entry.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import fold_gain
        >>> fold_gain(jnp.array([2.0, 3.0]), jnp.ones((2, 1)))
        Array([[2.],
               [3.]], dtype=float32)

    See Also:
        `fold_into_reader`.
    """
    g, w = _checks.array("gain", gain), _checks.array("kernel", kernel)
    _quantization_checks.gains("gain", g.shape, w.shape)
    _quantization_checks.gain_kinds(g, w)
    return g[..., :, None].astype(w.dtype) * w
