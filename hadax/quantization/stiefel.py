"""Steps among matrices with orthonormal rows: how rotations are learned."""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization import _stiefel_checks

Retraction: TypeAlias = Literal["cayley", "solve", "qr", "polar"]


def stiefel_step(
    x: ArrayLike,
    direction: ArrayLike,
    rate: ArrayLike,
    *,
    retraction: Retraction = "cayley",
    iterations: int = 5,
) -> tuple[Array, Array]:
    r"""One step along a direction, back among the matrices with $X X^\top = I$.

    With $M = D^\top$, $\hat W = M X - \frac12 X^\top X M X$ and $W = \hat W - \hat W^\top$ the
    direction tangent to the manifold is $-X W$, and the step $X Q^\top$ for a rotation Q near
    $I + \alpha W$, with $\alpha = \min(\text{rate}, 1 / \|W\|_1)$:

    * "cayley": $(I - \frac\alpha2 W)^{-1} (I + \frac\alpha2 W)$ by fixed-point iteration, and two
      Newton-Schulz steps $X \mapsto \frac32 X - \frac12 X X^\top X$ for what the rows have lost;
    * "solve": the same by a linear solver;
    * "qr", "polar": that factor of $X^\top + \alpha W X^\top$.

    Args:
        x: array (..., p, n), p <= n, with orthonormal rows.
        direction: array of the same shape: minus the gradient of a loss, for example.
        rate: how far to go, at most; a number, at least 0.
        retraction: "cayley", "solve", "qr" or "polar".
        iterations: of the fixed point; only "cayley" has any.

    Returns:
        The new x, and the direction as a tangent at the old one. Half-precision inputs are computed
        in float32.

    Raises:
        TypeError: an array is not real floating point, or iterations no integer.
        ValueError: p > n, a direction of another shape, a rate below 0 (not seen under `jax.jit`),
            an unknown retraction, or iterations below 1.

    Cost:
        2 (iterations + 9) n^2 p operations; O(n^3) for "solve". One matrix (n, n).

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import stiefel_step
        >>> new, _ = stiefel_step(jnp.eye(2), jnp.array([[0.0, 1.0], [0.0, 0.0]]), 0.5)
        >>> bool(jnp.allclose(new @ new.T, jnp.eye(2), atol=1e-6)), bool(new[0, 1] > 0.2)
        (True, True)

    See Also:
        `hadax.optax.stiefel_sgd`, the optimizer made of it.

    References:
        Li, Fuxin and Todorovic (2020), key `li2020`; Liu et al. (2025), key `liu2025`.
    """
    point = _stiefel_checks.wide("x", x)
    given = _stiefel_checks.wide("direction", direction)
    _stiefel_checks.same_shape(point, given)
    _stiefel_checks.rate(rate)
    _checks.choice("retraction", retraction, _stiefel_checks.RETRACTIONS)
    iterations = _checks.integer("iterations", iterations, minimum=1)
    wide = _dtypes.accumulator(point.dtype)
    start, along = point.astype(wide), given.astype(wide)
    w = _generator(start, along)
    # The fixed point converges for a smaller alpha than 2 / ||W||.
    bound = jnp.max(jnp.sum(jnp.abs(w), axis=-2), axis=-1)[..., None, None]
    alpha = jnp.minimum(jnp.asarray(rate, wide), 1 / (bound + jnp.asarray(1e-8, wide)))
    moved = _retracted(start, alpha * w, retraction, iterations)
    tangent = -_matmul(start, w)
    return moved.astype(point.dtype), tangent.astype(point.dtype)


def _matmul(a: Array, b: Array) -> Array:
    """Their product, in full precision on every device."""
    return jnp.matmul(a, b, precision="highest")


def _generator(x: Array, direction: Array) -> Array:
    """The skew W (..., n, n) for which -x W is the direction, made tangent at x."""
    product = _matmul(direction.mT, x)
    half = product - _matmul(x.mT, _matmul(x, product)) / 2
    return half - half.mT


def _retracted(x: Array, w: Array, retraction: Retraction, iterations: int) -> Array:
    """x moved by the rotation that `w` generates, as far as the retraction goes."""
    columns = x.mT
    moved = columns + _matmul(w, columns)
    if retraction == "cayley":

        def step(y: Array, _: None) -> tuple[Array, None]:
            return columns + _matmul(w, columns + y) / 2, None

        y, _ = jax.lax.scan(step, moved, length=iterations)
        # Where n is small, 1 / ||W||_1 is a long step, and the fixed point is a few percent away.
        return _nearer(_nearer(y)).mT
    if retraction == "solve":
        identity = jnp.broadcast_to(jnp.eye(w.shape[-1], dtype=w.dtype), w.shape)
        y = jnp.linalg.solve(identity - w / 2, columns + _matmul(w, columns) / 2)
        return _nearer(y).mT  # else round-off adds up from step to step
    if retraction == "qr":
        q, r = jnp.linalg.qr(moved)
        # Of the factors that differ by signs, the one near x.
        diagonal = jnp.diagonal(r, axis1=-2, axis2=-1)[..., None, :]
        return (q * jnp.where(diagonal < 0, -jnp.ones_like(diagonal), jnp.ones_like(diagonal))).mT
    u, _, v = jnp.linalg.svd(moved, full_matrices=False)
    return _matmul(u, v).mT


def _nearer(y: Array) -> Array:
    """Columns that are nearly orthonormal, one Newton step nearer to it."""
    return 1.5 * y - 0.5 * _matmul(y, _matmul(y.mT, y))
