"""Round to nearest: the grid, and nothing else."""

from hadax._typing import ArrayLike
from hadax.quantization.clipping import best_clip
from hadax.quantization.formats import Format
from hadax.quantization.methods import _method_checks
from hadax.quantization.qtensor import QTensor, quantize
from hadax.quantization.scales import ScaleSpec


def rtn(
    kernel: ArrayLike,
    format: Format,
    spec: ScaleSpec = ScaleSpec(axis=-2),
    *,
    clip: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
) -> QTensor:
    r"""Round every weight to the nearest number of its grid.

    For b-bit symmetric integers,
    $\hat w = s \operatorname{clamp}(\operatorname{round}(w / s), -2^{b-1}, 2^{b-1} - 1)$ with
    $s = c \max|w| / (2^{b-1} - 1)$ over the inputs that share it with an output.

    Args:
        kernel: array (..., in, out), real.
        format: the numbers, of at most 8 bits.
        spec: what shares a scale, and the dtype of scales; its axis is -2, the inputs.
        clip: share c of the range that the grid reaches, above 0 and at most 1: one, an array that
            broadcasts to the scales, or a pair for the lower and the upper end. None takes for each
            scale the one of 1, 0.99, ..., 0.21 with the least $\sum |w - \hat w|^{2.4}$.

    Returns:
        The codes of the kernel and its scales (..., groups, out).

    Raises:
        TypeError: kernel is not real floating point, or format or spec of another kind.
        ValueError: a format above 8 bits, a clip outside its range or of another shape, scales
            along other axes, or groups that `simulate` refuses.

    Cost:
        Two passes over the kernel, 80 more for the search.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import IntFormat
        >>> from hadax.quantization.methods import rtn
        >>> kernel = jnp.array([[7.0], [2.4], [-0.6]])
        >>> rtn(kernel, IntFormat(4), clip=1.0).dequantize().ravel()
        Array([ 7.,  2., -1.], dtype=float32)

    See Also:
        `gptq`, which lets later weights make up for the errors of earlier ones;
        `hadax.quantization.quantize`, for activations and along any axis.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    w = _method_checks.kernel(kernel)
    _method_checks.grid(format, spec, w)
    reach = best_clip(w, format, spec) if clip is None else clip
    return quantize(w, format, spec, clip=reach)
