"""Quantization simulated in floating point: rounded to a grid, and back."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, TypeAlias, get_args

import jax

from hadax import _checks
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.quantization import _format_checks, _grid, _quantization_checks, _rounding
from hadax.quantization.formats import Format, IntFormat
from hadax.quantization.scales import ScaleSpec

Gradient: TypeAlias = Literal["identity", "clamp"]


def simulate(
    x: ArrayLike,
    format: Format,
    spec: ScaleSpec = ScaleSpec(),
    *,
    clip: ArrayLike | tuple[ArrayLike, ArrayLike] = 1.0,
    key: KeyArray | None = None,
    gradient: Gradient = "identity",
) -> Array:
    r"""Round to the numbers of a format, scaled, and return to floating point.

    With the scale s of each entry's block, the result is $s \operatorname{round}(x / s)$: what
    `quantize(x, ...).dequantize()` gives, bit for bit. For a symmetric format of unit "peak",
    $s = c \max|x| / \ell$ with its largest number $\ell$; for one of unit "rms",
    $s = c \sqrt{\operatorname{mean} x^2}$. An asymmetric format of b bits has
    $s = (c_1 \max(x, 0) - c_0 \min(x, 0)) / (2^b - 1)$, and its zero point is moved to
    $\operatorname{round}(-c_0 \min(x, 0) / s)$. Where all of a block is zero, s = 1.

    Args:
        x: array (...), real.
        format: the numbers.
        spec: what shares a scale, and the dtype of scales; by default one a vector of the last
            axis.
        clip: share c of the range that the grid reaches, above 0 and at most 1, or a pair of them
            for its lower and its upper end; arrays of them must broadcast to the shape of the
            scales. Under `jax.jit` the range of a traced one is not checked.
        key: a new-style key, to round stochastically; None rounds to the nearest.
        gradient: "identity" passes the derivative by x and none by clip, as if nothing was
            rounded. "clamp" passes none of what is clipped, and that by clip, for learned
            clipping: only rounding itself is passed straight through.

    Returns:
        Array of the shape and dtype of x. Half-precision inputs are computed in float32. A block
        that holds NaN or infinity becomes NaN.

    Raises:
        TypeError: x or clip is not real floating point, or format, spec or key of another kind.
        ValueError: a clip outside its range or of another shape, an unknown gradient, or a block
            that does not divide its axis for a format whose zeros count (`Format.ignores_zeros`).

    Cost:
        O(size of x); two passes.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import FloatFormat, ScaleSpec, simulate
        >>> x = jnp.array([6.0, 2.4, -0.9, 60.0, 2.4, -90.0])
        >>> simulate(x, FloatFormat("e2m1"), ScaleSpec(block=3))
        Array([  6.,   2.,  -1.,  60.,   0., -90.], dtype=float32)

    See Also:
        `quantize`, which keeps codes and scales; `fake_quantize`, its short form for integers;
        `best_clip` and `learned_clip`, to choose clip.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    x = _checks.real_float("x", x)
    _format_checks.format("format", format, Format)
    _format_checks.spec("spec", spec, ScaleSpec)
    _checks.choice("gradient", gradient, get_args(Gradient))
    key = None if key is None else _checks.key(key)
    blocks, shares = _grid.prepare(x, format, spec, clip)
    round_off = _identity if gradient == "identity" else _clamped
    rounded = round_off(blocks, shares, key, format, spec)
    return _grid.whole(rounded, x.shape).astype(x.dtype)


def fake_quantize(
    x: ArrayLike, *, bits: int, axis: int | Sequence[int] | None = -1, clip: ArrayLike = 1.0
) -> Array:
    r"""Round to the nearest point of a b-bit grid and return to floating point.

    $s = c \max|x| / (2^{b-1} - 1)$ over `axis`; the result is $s q$ with
    $q = \operatorname{round}(x / s)$ clamped to $[-2^{b-1}, 2^{b-1} - 1]$. Where all of x is zero,
    s = 1; else s is at least the smallest normal number. The derivative is straight-through: that
    of the identity.

    Args:
        x: array (..., n), real.
        bits: width b of the grid's integers, 2 to 16.
        axis: axis or axes whose entries share one scale; None shares it among all. For kernels
            W[in, out], -2 gives a scale an output channel; for activations, -1 a scale a token.
        clip: share c of the largest magnitude that the grid reaches, above 0 and at most 1; an
            array of them must broadcast to the shape of x with `axis` reduced to length 1. Under
            `jax.jit` the range of a traced one is not checked.

    Returns:
        Array of the shape and dtype of `x`. Half-precision inputs are computed in float32.

    Raises:
        TypeError: x or clip is not real floating point, or bits or axis no integer.
        ValueError: bits, axis or clip outside its range, an axis without points, or a clip of
            another shape.

    Cost:
        O(size of x); two passes.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import fake_quantize
        >>> fake_quantize(jnp.array([-7.0, 0.4, 0.6, 2.2]), bits=4)
        Array([-7.,  0.,  1.,  2.], dtype=float32)

    See Also:
        `simulate`, of which this is a case, for other formats, groups and roundings; `best_clip`,
        to choose clip; `qwix.quantize`, which returns integers and scales.

    References:
        Ashkboos et al. (2024), key `ashkboos2024`.
    """
    x = _checks.real_float("x", x)
    return simulate(x, IntFormat(bits), ScaleSpec(_quantization_checks.axes(x, axis)), clip=clip)


def _clamped(
    x: Array, clip: tuple[Array, Array], key: KeyArray | None, format: Format, spec: ScaleSpec
) -> Array:
    """The quantizer proper, of blocks; only rounding is passed straight through."""
    scales, zeros = _grid.scales_and_zeros(x, format, spec, clip)
    return scales * _rounding.through(x / scales, format, zeros, key)


@partial(jax.custom_jvp, nondiff_argnums=(3, 4))
def _identity(
    x: Array, clip: tuple[Array, Array], key: KeyArray | None, format: Format, spec: ScaleSpec
) -> Array:
    """The same, all of it passed straight through."""
    return _clamped(x, clip, key, format, spec)


@_identity.defjvp
def _identity_jvp(format, spec, primals, tangents):
    """The derivative of the identity."""
    return _identity(*primals, format, spec), tangents[0]
