"""What shares a scale, and how scales are kept."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax.numpy as jnp

from hadax._typing import Array
from hadax.quantization import _format_checks, _quantization_checks

ScaleDtype: TypeAlias = Literal["float32", "bfloat16", "float16", "e4m3", "e8m0"]
ScaleRounding: TypeAlias = Literal["nearest", "up"]

STORED = {
    "float32": jnp.float32,
    "bfloat16": jnp.bfloat16,
    "float16": jnp.float16,
    "e4m3": jnp.float8_e4m3fn,
    "e8m0": jnp.float8_e8m0fnu,
}


@dataclass(frozen=True)
class ScaleSpec:
    """Which entries of an array share a scale, and the dtype in which scales are kept. Static.

    For kernels W[in, out] and activations x[..., n], one scale for each

    * tensor: `ScaleSpec(axis=None)`;
    * output channel: `ScaleSpec(axis=-2)`;
    * token: `ScaleSpec(axis=-1)`;
    * group of 32 inputs of an output channel: `ScaleSpec(axis=-2, block=32)`;
    * tile of 16 x 16: `ScaleSpec(axis=(-2, -1), block=16)`.

    `axis`: the axes along which entries share scales, None for all. `block`: how many neighbours
    share one along each of them, an integer or one an axis; None for all. The last block is shorter
    where that does not divide the length. `dtype`: None for that of the computation, float32 or
    float64; "e8m0" are powers of two. `rounding`: of a scale to that dtype, to "nearest", after
    which the largest entries may be clipped, or "up". A scale beyond its dtype's range goes to the
    end of it.
    """

    axis: int | tuple[int, ...] | None = -1
    block: int | tuple[int, ...] | None = None
    dtype: ScaleDtype | None = None
    rounding: ScaleRounding = "nearest"

    def __post_init__(self):
        _format_checks.scale_spec(self.axis, self.block, self.dtype, tuple(STORED), self.rounding)

    def lengths(self, x: Array) -> tuple[int, ...]:
        """How many neighbours along each axis of x share a scale; the last ones may be fewer."""
        axes = _quantization_checks.axes(x, self.axis)
        blocks = self.block if isinstance(self.block, tuple) else (self.block,) * len(axes)
        _format_checks.one_block_an_axis(blocks, axes)
        lengths = [1] * x.ndim
        for axis, block in zip(axes, blocks, strict=True):
            lengths[axis] = x.shape[axis] if block is None else min(block, x.shape[axis])
        return tuple(lengths)

    def counts(self, x: Array) -> tuple[int, ...]:
        """How many scales x has along each of its axes: the shape of its scales."""
        return tuple(-(-n // length) for n, length in zip(x.shape, self.lengths(x), strict=True))

    def padding(self, x: Array) -> tuple[int, ...]:
        """How many points the last block lacks along the axes from the first on where it is short;
        () where all blocks are whole."""
        lacking = [-n % length for n, length in zip(x.shape, self.lengths(x), strict=True)]
        first = next((axis for axis, lack in enumerate(lacking) if lack), x.ndim)
        return tuple(lacking[first:])
