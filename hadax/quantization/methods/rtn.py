"""Round to nearest: the grid, and nothing else."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from hadax import _dtypes, _packing
from hadax._typing import Array, ArrayLike
from hadax.quantization import _grid as _quantized_grid
from hadax.quantization import _quantization_checks
from hadax.quantization.formats import IntFormat
from hadax.quantization.methods import _grid, _method_checks
from hadax.quantization.qtensor import QTensor


class Rounded(NamedTuple):
    """A kernel on a grid, and the scales of the grid.

    kernel / scale is an integer q with -2^{b-1} <= q < 2^{b-1}, up to round-off, with the scale of
    the entry's group and output.

    Args:
        kernel: array (..., in, out), in the dtype of the kernel that was rounded.
        scales: array (..., groups, out), float32 or wider.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization.methods import rtn
        >>> rounded = rtn(jnp.array([[7.0], [2.4]]), bits=4, clip=1.0)
        >>> (rounded.kernel / rounded.scales).ravel()
        Array([7., 2.], dtype=float32)
    """

    kernel: Array
    scales: Array

    def packed(self, bits: int) -> QTensor:
        """Codes of so many bits, 2 to 8, and the scales: the kernel up to round-off."""
        format = IntFormat(bits)
        blocks = _quantized_grid.cut(self.kernel.astype(self.scales.dtype), self.scales.shape)
        steps = blocks / jnp.expand_dims(self.scales, _quantized_grid.entries(blocks))
        codes = _packing.pack(format.codes(steps).reshape(self.kernel.shape), bits)
        return QTensor(
            codes, self.scales, None, format, self.kernel.shape[-1], self.kernel.dtype.name
        )


def rtn(
    kernel: ArrayLike, *, bits: int, group: int | None = None, clip: ArrayLike | None = None
) -> Rounded:
    r"""Round every weight to the nearest point of its grid.

    $\hat w = s \operatorname{clamp}(\operatorname{round}(w / s), -2^{b-1}, 2^{b-1} - 1)$ with
    $s = c \max|w| / (2^{b-1} - 1)$ over the group of inputs that shares it with an output.

    Args:
        kernel: array (..., in, out), real.
        bits: width b of the grid's integers, 2 to 16.
        group: how many consecutive inputs share a scale; None for all.
        clip: share c of the largest magnitude that the grid reaches, above 0 and at most 1: one, or
            an array that broadcasts to the scales. None takes for each scale the one of 1, 0.99,
            ..., 0.21 with the least $\sum |w - \hat w|^{2.4}$.

    Returns:
        The kernel on the grid, and the scales.

    Raises:
        TypeError: kernel is not real floating point, or bits or group no integer.
        ValueError: bits or clip outside its range, a clip of another shape, or a group that does
            not divide the inputs.

    Cost:
        Two passes over the kernel, 80 more for the search.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization.methods import rtn
        >>> rtn(jnp.array([[7.0], [2.4], [-0.6]]), bits=4, clip=1.0).kernel.ravel()
        Array([ 7.,  2., -1.], dtype=float32)

    See Also:
        `gptq`, which lets later weights make up for the errors of earlier ones;
        `hadax.quantization.fake_quantize`, for activations and along any axis.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    w = _method_checks.kernel(kernel)
    *leading, inputs, outputs = w.shape
    bits, group = _method_checks.grid(bits, group, inputs)
    if clip is not None:
        scales = (*leading, inputs // group, outputs)
        clip = _quantization_checks.clip(clip, scales, _dtypes.accumulator(w.dtype))[..., None, :]
    return _rtn(w, clip, bits, group)


@partial(jax.jit, static_argnums=(2, 3))
def _rtn(w: Array, clip: Array | None, bits: int, group: int) -> Rounded:
    """The method proper."""
    grouped = _grid.split(w.astype(_dtypes.accumulator(w.dtype)), group)
    scale = _grid.scales(grouped, bits, clip)
    rounded = _grid.to_grid(grouped, scale, bits).reshape(w.shape)
    return Rounded(rounded.astype(w.dtype), scale.squeeze(-2))
