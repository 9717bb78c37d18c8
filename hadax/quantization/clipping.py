"""How much of a range a grid should reach: what is clipped costs, and so does a coarse grid.

The clip of `simulate` and `quantize` is 1 for the whole range (absmax), a fixed ratio such as the
0.9 that QuaRot takes for activations, the best of a search, or learned.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization import _format_checks, _grid, _quantization_checks
from hadax.quantization.formats import Format
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.simulated import simulate

GPTQ_SHARES = tuple(1 - i / 100 for i in range(80))
"""The clips that the GPTQ family of codes tries."""

LEARNED_START = 4.0
"""Where those codes that learn clips start their logits: 0.982 of the range."""


def best_clip(
    x: ArrayLike,
    format: Format,
    spec: ScaleSpec = ScaleSpec(),
    *,
    exponent: float = 2.4,
    shares: Sequence[float] | np.ndarray = GPTQ_SHARES,
) -> Array:
    r"""The share of the range at which clipping costs least.

    $\arg\min_c \sum |x - Q_c(x)|^p$ over what shares a scale, with $Q_c$ = `simulate`. The exponent
    2.4 and the shares 1, 0.99, ..., 0.21 are those of the codes of GPTQ, QuaRot and FlatQuant; an
    exponent of 2 gives the least squared error.

    Args:
        x: array (...), real; usually weights.
        format: the numbers.
        spec: what shares a scale, and the dtype of scales.
        exponent: p, above 0.
        shares: the clips to try, above 0 and at most 1; of equally good ones the first is taken.

    Returns:
        Array of the shape of the scales: the `clip` of `simulate` and `quantize`. In the dtype
        that x is computed in.

    Raises:
        TypeError: x is not real floating point, or format or spec of another kind.
        ValueError: a block that `simulate` refuses, an exponent or a share outside its
            range, or no share.

    Cost:
        As many times that of `simulate` as there are shares; one copy of x at a time.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, best_clip
        >>> x = jnp.array([[0.6, -0.6, 0.6, 1.0], [1.0, -1.0, 1.0, 1.0]])
        >>> best_clip(x, IntFormat(2), shares=(1.0, 0.75, 0.5))
        Array([[0.75],
               [1.  ]], dtype=float32)

    See Also:
        `learned_clip`, for gradients.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    x = _checks.real_float("x", x)
    _format_checks.format("format", format, Format)
    _format_checks.spec("spec", spec, ScaleSpec)
    _quantization_checks.search(exponent, shares)
    tried = jnp.asarray(shares, _dtypes.accumulator(x.dtype))
    return _best_clip(x, tried, format, spec, exponent)


@partial(jax.jit, static_argnums=(2, 3, 4))
def _best_clip(x: Array, tried: Array, format: Format, spec: ScaleSpec, exponent: float) -> Array:
    """The search proper."""
    blocks, _ = _grid.prepare(x, format, spec, 1.0)
    # Blocks as rows: along another axis the loop below would be several times as slow.
    rows = _grid.rows(blocks)
    by_row = dataclasses.replace(spec, axis=-1, block=None)
    peak = jnp.max(jnp.abs(rows), axis=-1, keepdims=True)
    safe = jnp.where(peak > 0, peak, jnp.ones_like(peak))

    def error(share: Array) -> Array:
        gap = jnp.abs(rows - simulate(rows, format, by_row, clip=share))
        # Over the peak, so that no power overflows. In vectors, which a power itself is not.
        return jnp.sum(jnp.exp2(exponent * jnp.log2(gap / safe)), axis=-1)

    return tried[jnp.argmin(jax.lax.map(error, tried), axis=0)]


def learned_clip(logits: ArrayLike) -> Array:
    r"""The clips $1 / (1 + e^{-a})$ of parameters a, which are the caller's to keep and to train.

    Start them at `LEARNED_START`, one for each scale; a pair of arrays gives FlatQuant's clips of
    the lower and the upper end.

    Args:
        logits: array (...), real, of a shape that broadcasts to that of the scales.

    Returns:
        Array of the same shape, above 0 and at most 1: a `clip` of
        `simulate(..., gradient="clamp")`, which passes the derivative on.

    Raises:
        TypeError: logits are not real floating point.

    Cost:
        One pass.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, learned_clip, simulate
        >>> x = jnp.array([0.1, -0.1, 0.1, 0.6])
        >>> def loss(logit):
        ...     found = simulate(x, IntFormat(2), clip=learned_clip(logit), gradient="clamp")
        ...     return jnp.mean((x - found) ** 2)
        >>> bool(jax.grad(loss)(jnp.array(4.0)) > 0)  # a finer grid would be better
        True

    See Also:
        `best_clip`, a search without gradients.

    References:
        Sun et al. (2025), key `sun2025`.
    """
    return jax.nn.sigmoid(_checks.real_float("logits", logits))
