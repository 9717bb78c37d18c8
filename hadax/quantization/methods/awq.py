"""AWQ: inputs that are large on average get more of the grid, by a gain that is undone before."""

from functools import partial

import jax
import jax.numpy as jnp

from hadax import _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization.methods import _grid, _method_checks

_RATIOS = 20
_CLIPS = 10


def awq_gains(
    kernel: ArrayLike,
    magnitude: ArrayLike,
    hessian: ArrayLike | None = None,
    *,
    bits: int,
    group: int | None = None,
) -> Array:
    r"""The gains of inputs for which rounding to nearest costs least at the output.

    $s = a^r / \sqrt{\max a^r \min a^r}$ with $a_j = E|x_j|$, for the $r \in \{0, 1/20, \dots,
    19/20\}$ with the least $\operatorname{tr} D^\top H D$, where
    $D = W - \operatorname{diag}(s)^{-1} Q(\operatorname{diag}(s) W)$ and Q rounds to nearest. r = 0
    is rounding to nearest as it is.

    The model stays the same function if x is divided by s, and the kernels that read it are
    multiplied: `hadax.quantization.fuse` with `hadax.operators.diagonal(1 / s)`.

    Args:
        kernel: array (..., in, out), real: all kernels that read x, joined along their outputs.
        magnitude: array (..., in), the mean magnitude of x.
        hessian: array (..., in, in), any multiple of $\sum x x^\top$. None takes
            $\operatorname{diag}(a^2)$ in its place, as if inputs were uncorrelated.
        bits: width of the grid's integers, 2 to 16.
        group: how many consecutive inputs share a scale; None for all.

    Returns:
        Array (..., in), float32 or wider, above 0.

    Raises:
        TypeError: an array is not real floating point, or bits or group no integer.
        ValueError: bits outside its range, a group that does not divide the inputs, or arrays of
            other shapes.

    Cost:
        O(20 in^2 out) operations, O(20 in out) without a Hessian; three copies of a kernel.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization.methods import awq_gains
        >>> kernel = jnp.array([[0.3, 0.2], [1.0, -1.0]])
        >>> awq_gains(kernel, jnp.array([10.0, 0.1]), bits=2)[0] > 1
        Array(True, dtype=bool)

    See Also:
        `awq_clip`, the second half of the method; `smoothing_gains`, which looks at largest
        magnitudes and at activations that are rounded too.

    References:
        Lin et al. (2024), key `lin2024`.
    """
    w = _method_checks.kernel(kernel)
    inputs = w.shape[-2]
    a = _method_checks.moments("magnitude", magnitude, w.shape[:-1])
    h = _second_moment(hessian, w.shape) if hessian is not None else jnp.square(a)
    return _gains(w, a, h, *_method_checks.grid(bits, group, inputs))


def awq_clip(
    kernel: ArrayLike, hessian: ArrayLike, *, bits: int, group: int | None = None
) -> Array:
    r"""How far the grid of each group and output should reach, for the least error at the output.

    $\arg\min_c d_g^\top H_{gg} d_g$ with $d = w - Q_c(w)$, for $c \in \{1, 0.95, \dots, 0.55\}$, of
    every group of inputs alone. An output whose whole error does not fall by that keeps c = 1.

    Args:
        kernel: array (..., in, out), real, multiplied by its gains.
        hessian: array (..., in, in), any multiple of $\sum x x^\top$ of the inputs that it reads:
            divided by the gains.
        bits: width of the grid's integers, 2 to 16.
        group: how many consecutive inputs share a scale; None for all.

    Returns:
        Array (..., groups, out), the `clip` of `rtn`.

    Raises:
        TypeError: an array is not real floating point, or bits or group no integer.
        ValueError: bits outside its range, a group that does not divide the inputs, or a Hessian of
            another shape.

    Cost:
        O(10 in group out + in^2 out) operations; three copies of a kernel.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization.methods import awq_clip, rtn
        >>> kernel = jnp.array([[0.6], [0.6], [0.6], [1.0]])
        >>> clip = awq_clip(kernel, jnp.eye(4), bits=2)
        >>> rtn(kernel, bits=2, clip=clip).kernel.ravel().round(2)
        Array([0.7, 0.7, 0.7, 0.7], dtype=float32)

    See Also:
        `rtn`, whose own search looks at the weights alone.

    References:
        Lin et al. (2024), key `lin2024`.
    """
    w = _method_checks.kernel(kernel)
    bits, group = _method_checks.grid(bits, group, w.shape[-2])
    return _clip(w, _second_moment(hessian, w.shape), bits, group)


def _second_moment(hessian: ArrayLike, kernel: tuple[int, ...]) -> Array:
    """A Hessian (..., in, in) that fits the kernel."""
    return _method_checks.moments("hessian", hessian, (*kernel[:-1], kernel[-2]))


def _output_error(difference: Array, hessian: Array) -> Array:
    """d^T H d of every output; a vector stands for a diagonal H."""
    if hessian.ndim < difference.ndim:
        weighted = hessian[..., None] * difference
    else:
        weighted = jnp.matmul(hessian, difference, precision="highest")
    return jnp.sum(difference * weighted, axis=-2)


@partial(jax.jit, static_argnums=(3, 4))
def _gains(kernel: Array, magnitude: Array, hessian: Array, bits: int, group: int) -> Array:
    """The search over the exponent, on every matrix of a stack, one after the other."""
    wide = _dtypes.accumulator(kernel.dtype)
    *leading, inputs, outputs = kernel.shape

    def one(arrays: tuple[Array, Array, Array]) -> Array:
        w, a, h = (array.astype(wide) for array in arrays)

        def error(gains: Array) -> Array:
            grouped = _grid.split(gains[:, None] * w, group)
            rounded = _grid.to_grid(grouped, _grid.scales(grouped, bits, 1.0), bits)
            return jnp.sum(_output_error(w - rounded.reshape(w.shape) / gains[:, None], h))

        candidates = jax.vmap(partial(_power, a))(jnp.arange(_RATIOS, dtype=wide) / _RATIOS)
        return candidates[jnp.argmin(jax.lax.map(error, candidates))]

    flat = (
        kernel.reshape(-1, inputs, outputs),
        magnitude.reshape(-1, inputs),
        hessian.reshape(-1, *hessian.shape[len(leading) :]),
    )
    return jax.lax.map(one, flat).reshape(*leading, inputs)


def _power(magnitude: Array, ratio: Array) -> Array:
    """Gains a^r, with 1 in the middle between the least and the largest."""
    gains = jnp.maximum(magnitude**ratio, 1e-4)
    return gains / jnp.sqrt(jnp.max(gains) * jnp.min(gains))


@partial(jax.jit, static_argnums=(2, 3))
def _clip(kernel: Array, hessian: Array, bits: int, group: int) -> Array:
    """The search over shares, on every matrix of a stack, one after the other."""
    wide = _dtypes.accumulator(kernel.dtype)
    *leading, inputs, outputs = kernel.shape
    shares = 1 - jnp.arange(_CLIPS, dtype=wide) / (2 * _CLIPS)

    def one(pair: tuple[Array, Array]) -> Array:
        w, h = _grid.split(pair[0].astype(wide), group), pair[1].astype(wide)
        blocks = h.reshape(inputs // group, group, inputs // group, group)
        own = jnp.einsum("gigj->gij", blocks)

        def lost(share: Array) -> Array:
            return w - _grid.to_grid(w, _grid.scales(w, bits, share), bits)

        errors = jax.lax.map(lambda share: _output_error(lost(share), own), shares)
        best = shares[jnp.argmin(errors, axis=0)]
        clipped, plain = (
            _output_error(lost(share).reshape(inputs, outputs), h)
            for share in (best[:, None], jnp.ones_like(best[:, None]))
        )
        return jnp.where(clipped < plain, best, jnp.ones_like(best))

    flat = kernel.reshape(-1, inputs, outputs), hessian.reshape(-1, inputs, inputs)
    return jax.lax.map(one, flat).reshape(*leading, inputs // group, outputs)
