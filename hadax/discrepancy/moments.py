"""Moments of the k-block rotation that are known exactly."""

import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike, Num
from hadax.discrepancy._unit import unit


def fourth_moment(x: Num[ArrayLike, "... d"], *, blocks: int = 2) -> Num[Array, "..."]:
    r"""Mean of the fourth powers' sum, $E\,|y|_4^4$, of the k-block rotation of x.

    With $q_0 = |x|_4^4 / |x|_2^4$ each block maps it by $q \mapsto (3 - 2q)/d$, whose fixed point
    is the value $3/(d+2)$ of a uniform unit vector:
    $q_k - \frac3{d+2} = (-\frac2d)^k (q_0 - \frac3{d+2})$. A coordinate of sqrt(d) y has the fourth
    moment $d\,q_k$. Proof: docs/theory/rotations.md, I5.

    Args:
        x: array (..., d), real floating point, no vector of it zero.
        blocks: the number k of blocks, at least 0.

    Returns:
        Array (...), of the dtype of `x`; NaN where a vector is zero.

    Raises:
        TypeError: x is not real floating point, or `blocks` no integer.
        ValueError: x has no axis, or `blocks` is less than 0.

    Cost:
        O(d) a vector. Differentiable in x.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.discrepancy import fourth_moment
        >>> round(float(256 * fourth_moment(jnp.eye(256)[0])), 4)  # kurtosis of a coordinate
        2.9922

    See Also:
        `kolmogorov_exact`, for the distance of the whole law.

    References:
        Zilca & Mendelson (2026), key `zilca2026`, for the rotation.
    """
    x = _checks.real_float("x", x)
    _checks.axis(x, -1)
    k = _checks.integer("blocks", blocks, minimum=0)
    d = x.shape[-1]
    wide = x.astype(_dtypes.accumulator(x.dtype))
    start = jnp.sum(unit(wide) ** 4, axis=-1)
    uniform = 3 / (d + 2)
    return (uniform + (-2 / d) ** k * (start - uniform)).astype(x.dtype)
