"""AWQ: inputs that are large on average get more of the grid, by a gain that is undone before."""

from functools import partial

import jax
import jax.numpy as jnp

from hadax import _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization.formats import Format
from hadax.quantization.methods import _method_checks
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.simulated import simulate

_RATIOS = 20
_CLIPS = 10


def awq_gains(
    kernel: ArrayLike,
    magnitude: ArrayLike,
    hessian: ArrayLike | None,
    format: Format,
    spec: ScaleSpec = ScaleSpec(axis=-2),
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
        format: the numbers, of at most 8 bits.
        spec: what shares a scale, and the dtype of scales; its axis is -2, the inputs.

    Returns:
        Array (..., in), float32 or wider, above 0.

    Raises:
        TypeError: an array is not real floating point, or format or spec of another kind.
        ValueError: a format above 8 bits, scales along other axes, groups that `simulate`
            refuses, or arrays of other shapes.

    Cost:
        O(20 in^2 out) operations, O(20 in out) without a Hessian; three copies of a kernel.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import IntFormat
        >>> from hadax.quantization.methods import awq_gains
        >>> kernel = jnp.array([[0.3, 0.2], [1.0, -1.0]])
        >>> awq_gains(kernel, jnp.array([10.0, 0.1]), None, IntFormat(2))[0] > 1
        Array(True, dtype=bool)

    See Also:
        `awq_clip`, the second half of the method; `smoothing_gains`, which looks at largest
        magnitudes and at activations that are rounded too.

    References:
        Lin et al. (2024), key `lin2024`.
    """
    w = _method_checks.kernel(kernel)
    a = _method_checks.moments("magnitude", magnitude, w.shape[:-1])
    h = _second_moment(hessian, w.shape) if hessian is not None else jnp.square(a)
    _method_checks.grid(format, spec, w)
    return _gains(w, a, h, format, spec)


def awq_clip(
    kernel: ArrayLike, hessian: ArrayLike, format: Format, spec: ScaleSpec = ScaleSpec(axis=-2)
) -> Array:
    r"""How far the grid of each group and output should reach, for the least error at the output.

    $\arg\min_c d_g^\top H_{gg} d_g$ with $d = w - Q_c(w)$, for $c \in \{1, 0.95, \dots, 0.55\}$, of
    every group of inputs alone. An output whose whole error does not fall by that keeps c = 1.

    Args:
        kernel: array (..., in, out), real, multiplied by its gains.
        hessian: array (..., in, in), any multiple of $\sum x x^\top$ of the inputs that it reads:
            divided by the gains.
        format: the numbers, of at most 8 bits.
        spec: what shares a scale, and the dtype of scales; its axis is -2, the inputs.

    Returns:
        Array (..., groups, out), the `clip` of `rtn`.

    Raises:
        TypeError: an array is not real floating point, or format or spec of another kind.
        ValueError: a format above 8 bits, scales along other axes, groups that `simulate`
            refuses, or a Hessian of another shape.

    Cost:
        O(10 in group out + in^2 out) operations; three copies of a kernel.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import IntFormat
        >>> from hadax.quantization.methods import awq_clip, rtn
        >>> kernel = jnp.array([[0.6], [0.6], [0.6], [1.0]])
        >>> clip = awq_clip(kernel, jnp.eye(4), IntFormat(2))
        >>> rtn(kernel, IntFormat(2), clip=clip).dequantize().ravel().round(2)
        Array([0.7, 0.7, 0.7, 0.7], dtype=float32)

    See Also:
        `rtn`, whose own search looks at the weights alone.

    References:
        Lin et al. (2024), key `lin2024`.
    """
    w = _method_checks.kernel(kernel)
    group = _method_checks.grid(format, spec, w)
    return _clip(w, _second_moment(hessian, w.shape), format, spec, group)


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
def _gains(
    kernel: Array, magnitude: Array, hessian: Array, format: Format, spec: ScaleSpec
) -> Array:
    """The search over the exponent, on every matrix of a stack, one after the other."""
    wide = _dtypes.accumulator(kernel.dtype)
    *leading, inputs, outputs = kernel.shape

    def one(arrays: tuple[Array, Array, Array]) -> Array:
        w, a, h = (array.astype(wide) for array in arrays)

        def error(gains: Array) -> Array:
            rounded = simulate(gains[:, None] * w, format, spec)
            return jnp.sum(_output_error(w - rounded / gains[:, None], h))

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


@partial(jax.jit, static_argnums=(2, 3, 4))
def _clip(kernel: Array, hessian: Array, format: Format, spec: ScaleSpec, group: int) -> Array:
    """The search over shares, on every matrix of a stack, one after the other."""
    wide = _dtypes.accumulator(kernel.dtype)
    *leading, inputs, outputs = kernel.shape
    groups, lack = -(-inputs // group), -inputs % group
    shares = 1 - jnp.arange(_CLIPS, dtype=wide) / (2 * _CLIPS)

    def one(pair: tuple[Array, Array]) -> Array:
        w, h = (array.astype(wide) for array in pair)
        filled = jnp.pad(h, (0, lack))
        own = jnp.einsum("gigj->gij", filled.reshape(groups, group, groups, group))

        def lost(share: Array) -> Array:
            return w - simulate(w, format, spec, clip=share)

        def errors_by_group(share: Array) -> Array:
            errors = jnp.pad(lost(share), [(0, lack), (0, 0)])
            return _output_error(errors.reshape(groups, group, outputs), own)

        best = shares[jnp.argmin(jax.lax.map(errors_by_group, shares), axis=0)]
        plain = jnp.ones_like(best)
        is_better = _output_error(lost(best), h) < _output_error(lost(plain), h)
        return jnp.where(is_better, best, plain)

    flat = kernel.reshape(-1, inputs, outputs), hessian.reshape(-1, inputs, inputs)
    return jax.lax.map(one, flat).reshape(*leading, groups, outputs)
