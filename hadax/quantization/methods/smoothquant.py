"""SmoothQuant: what is hard to round moves from activations into weights, input by input."""

import jax
import jax.numpy as jnp

from hadax import _dtypes
from hadax._typing import Array, ArrayLike
from hadax.operators.factories import diagonal
from hadax.quantization import _params
from hadax.quantization._params import Params
from hadax.quantization.methods import _method_checks
from hadax.quantization.sites import Site, fuse

_LEAST = 1e-5


def smoothing_gains(kernel: ArrayLike, peak: ArrayLike, *, alpha: float = 0.5) -> Array:
    r"""What activations are divided by, and weights multiplied by, to be equally hard to round.

    $s_j = (\max|x_j|)^\alpha / (\max_k|W_{jk}|)^{1 - \alpha}$, at least 1e-5; 1 for an input that
    is always zero or has no weights. With $\alpha = 1/2$, $x / s$ and
    $\operatorname{diag}(s) W$ have the same largest magnitudes.

    Args:
        kernel: array (..., in, out), real: all kernels that read x, joined along their outputs.
        peak: array (..., in), the largest magnitude of x seen.
        alpha: how much of it goes to the weights, 0 to 1.

    Returns:
        Array (..., in), float32 or wider, above 0.

    Raises:
        TypeError: an array is not real floating point.
        ValueError: `peak` of another shape, or alpha outside its range.

    Cost:
        One pass over the kernel.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization.methods import smoothing_gains
        >>> smoothing_gains(jnp.array([[1.0, -2.0], [1.0, 0.5]]), jnp.array([8.0, 1.0]))
        Array([2., 1.], dtype=float32)

    See Also:
        `smoothquant`, which moves them into a model; `awq_gains`, for rounded weights alone.

    References:
        Xiao et al. (2023), key `xiao2023`.
    """
    w = _method_checks.kernel(kernel)
    seen = _method_checks.moments("peak", peak, w.shape[:-1])
    _method_checks.fraction("alpha", alpha)
    wide = _dtypes.accumulator(w.dtype)
    return _gains(jnp.max(jnp.abs(w), axis=-1).astype(wide), seen.astype(wide), alpha)


def smoothquant(params: Params, site: Site, peak: ArrayLike, *, alpha: float = 0.5) -> Params:
    """The same function with a hidden vector that is easier to round.

    The vector is divided by `smoothing_gains` in its writers, a norm's gain for example, and
    multiplied in its readers: `hadax.quantization.fuse` with a diagonal operator.

    Args:
        params: nested dict of arrays.
        site: the hidden vector; of an online one, the model itself has to divide it.
        peak: array (width,), the largest magnitude of its entries; (layers, width) for a layered
            site.
        alpha: how much of it goes to the weights, 0 to 1.

    Returns:
        A new nested dict.

    Raises:
        KeyError: a path of the site names nothing.
        TypeError: `peak` is not real floating point.
        ValueError: `peak` or the kernels do not fit the site, or alpha is outside its range.

    Cost:
        One pass over the writers and two over the readers.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import Site
        >>> from hadax.quantization.methods import smoothquant
        >>> params = {"norm": {"scale": jnp.ones(2)}, "up": {"kernel": jnp.ones((2, 3))}}
        >>> site = Site("normed", 2, writers=("norm.scale",), readers=("up.kernel",))
        >>> smoothquant(params, site, jnp.array([16.0, 1.0]))["norm"]["scale"]
        Array([0.25, 1.  ], dtype=float32)

    See Also:
        `hadax.models.llama_sites`, the `inputs` of which it is meant for.

    References:
        Xiao et al. (2023), key `xiao2023`.
    """
    kernels = [_method_checks.kernel(_params.at(params, path)) for path in site.readers]
    leading = kernels[0].shape[:-2]
    wide = _dtypes.accumulator(kernels[0].dtype)
    seen = _method_checks.moments("peak", peak, (*leading, site.width)).astype(wide)
    _method_checks.fraction("alpha", alpha)
    rows = [jnp.max(jnp.abs(kernel), axis=-1).astype(wide) for kernel in kernels]
    pieces = jnp.stack([row.reshape(*leading, site.read, site.width) for row in rows])
    gains = _gains(jnp.max(pieces, axis=(0, -2)), seen, alpha)
    make = jax.vmap(diagonal) if site.layered else diagonal
    return fuse(params, site, make(1 / gains))


def _gains(weights: Array, activations: Array, alpha: float) -> Array:
    """Gains from the largest magnitudes of the weights and of the activations of each input."""
    both = (weights > 0) & (activations > 0)
    one = jnp.ones_like(weights)
    a, w = jnp.where(both, activations, one), jnp.where(both, weights, one)
    return jnp.maximum(a**alpha / w ** (1 - alpha), _LEAST)
