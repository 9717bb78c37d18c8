"""Quantized tensors: packed codes and their scales, as a pytree."""

import dataclasses

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes, _packing
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.operators.base import static
from hadax.quantization import _format_checks, _grid, _rounding
from hadax.quantization.formats import Format
from hadax.quantization.scales import STORED, ScaleSpec

_LEAST_ROWS = 8


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class QTensor:
    """An array (..., n) in codes of a few bits: what `quantize` makes.

    `codes` (..., ceil(n bits / 8)), uint8: each row's codes without a gap. `scales` has as many
    axes as the array, with one scale a block. `zeros` has the shape of the scales, uint8, or is
    None for symmetric formats. These are the leaves of the pytree; the format, n, the dtype of the
    array, and `padding`, by how many points the last blocks along the last axes are shorter than
    the others, are static. A leading axis of layers is an axis like any other, so `jax.vmap` and
    `jax.lax.scan` make, take and slice them.
    """

    codes: Array
    scales: Array
    zeros: Array | None
    format: Format = static()
    n: int = static()
    dtype: str = static()
    padding: tuple[int, ...] = static(default=())

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array."""
        return (*self.codes.shape[:-1], self.n)

    @property
    def nbytes(self) -> int:
        """Bytes of codes, scales and zero points."""
        return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(self))

    @property
    def bits_per_weight(self) -> float:
        """Bits of codes, scales and zero points, over the entries of the array."""
        return 8 * self.nbytes / (self.codes.size // self.codes.shape[-1] * self.n)

    def dequantize(self) -> Array:
        """The array (..., n) that the codes stand for, in its dtype."""
        blocks, scales = self._values(_dtypes.accumulator(self.dtype))
        return _grid.whole(scales * blocks, self.shape).astype(self.dtype)

    def columns(self, start: int, stop: int) -> "QTensor":
        """Entries `start` to `stop` of the last axis, each of which has scales of its own; where
        they share some, ValueError."""
        _format_checks.own_scales(self.n, self.scales.shape)
        codes = _packing.unpack(self.codes, self.format.bits, self.n)[..., start:stop]
        return dataclasses.replace(
            self,
            codes=_packing.pack(codes, self.format.bits),
            scales=self.scales[..., start:stop],
            zeros=None if self.zeros is None else self.zeros[..., start:stop],
            n=stop - start,
        )

    def _lengths(self) -> tuple[int, ...]:
        """How many neighbours along each axis share a scale; the last ones may be fewer."""
        lacking = _grid.lacking(self.padding, len(self.shape))
        sizes = zip(self.shape, lacking, self.scales.shape, strict=True)
        return tuple((n + lack) // k for n, lack, k in sizes)

    def _values(self, dtype: jnp.dtype) -> tuple[Array, Array]:
        """The numbers of the codes, cut into blocks, and the scales of these."""
        codes = _packing.unpack(self.codes, self.format.bits, self.n)
        blocks = _grid.cut(codes, self.scales.shape, self.padding)
        axes = _grid.entries(blocks)
        zeros = None
        if self.zeros is not None:
            zeros = jnp.expand_dims(self.zeros, axes).astype(dtype)
        values = self.format.decode(blocks, zeros, dtype=dtype)
        return values, jnp.expand_dims(self.scales, axes).astype(dtype)


def quantize(
    x: ArrayLike,
    format: Format,
    spec: ScaleSpec = ScaleSpec(),
    *,
    clip: ArrayLike | tuple[ArrayLike, ArrayLike] = 1.0,
    key: KeyArray | None = None,
) -> QTensor:
    """Round to the numbers of a format, and keep packed codes and scales.

    Of the same grid as `simulate`: the dequantized result is the same bit for bit. No derivative
    passes.

    Args:
        x: array (..., n), real.
        format: the numbers, of at most 8 bits.
        spec: what shares a scale, and the dtype that scales are kept in.
        clip: share of the range that the grid reaches, or a pair, as in `simulate`.
        key: a new-style key, to round stochastically; None rounds to the nearest.

    Returns:
        The `QTensor`.

    Raises:
        TypeError: x or clip is not real floating point, or format, spec or key of another kind.
        ValueError: a format above 8 bits, a block or a clip that `simulate` refuses, or x without
            axes.

    Cost:
        O(size of x); two passes. `bits` bits an entry are kept, and the scales.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, ScaleSpec, quantize
        >>> kernel = jax.random.normal(jax.random.key(0), (64, 16))
        >>> packed = quantize(kernel, IntFormat(3), ScaleSpec(axis=-2, block=32, dtype="float16"))
        >>> packed.codes.shape, packed.scales.shape, packed.bits_per_weight
        ((64, 6), (2, 16), 3.5)
        >>> bool(jnp.abs(packed.dequantize() - kernel).max() < 1)
        True

    See Also:
        `quantized_matmul`, to multiply with it; `simulate`, for training. `qwix.quantize` keeps
        codes in JAX's own small integers, which take a byte each in memory.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    x = jax.lax.stop_gradient(_checks.real_float("x", x))
    _checks.axis(x, -1)
    _format_checks.format("format", format, Format)
    _format_checks.unpackable(format.bits)
    _format_checks.spec("spec", spec, ScaleSpec)
    key = None if key is None else _checks.key(key)
    blocks, shares = _grid.prepare(x, format, spec, clip)
    scales, zeros = _grid.scales_and_zeros(blocks, format, spec, shares)
    codes = _grid.whole(_rounding.codes(blocks / scales, format, zeros, key), x.shape)
    scales, zeros = jax.tree.map(lambda array: array.reshape(_grid.joined(array)), (scales, zeros))
    return packed(codes, scales, zeros, format, spec, x.dtype.name)


def packed(
    codes: Array, scales: Array, zeros: Array | None, format: Format, spec: ScaleSpec, dtype: str
) -> QTensor:
    """Codes (..., n) of an array of that dtype, with their scales and zero points, as all are kept.

    Args:
        codes: integers below 2^bits.
        scales: as many axes as the codes.
        zeros: of the shape of the scales, or None.
        format: the numbers that codes stand for.
        spec: the dtype of scales, if not their own.
        dtype: name of the array's dtype.

    Returns:
        A `QTensor`.

    Cost:
        One pass over the codes.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, ScaleSpec
        >>> from hadax.quantization.qtensor import packed
        >>> codes = jnp.array([[0, 8, 15]], "uint8")
        >>> packed(codes, jnp.ones((1, 1)), None, IntFormat(4), ScaleSpec(), "float32").dequantize()
        Array([[-8.,  0.,  7.]], dtype=float32)

    See Also:
        `quantize`, which finds codes and scales.
    """
    return QTensor(
        _packing.pack(codes, format.bits),
        scales if spec.dtype is None else scales.astype(STORED[spec.dtype]),
        None if zeros is None else zeros.astype(jnp.uint8),
        format,
        codes.shape[-1],
        dtype,
        spec.padding(codes),
    )


def quantized_matmul(x: ArrayLike, kernel: QTensor) -> Array:
    r"""x times a quantized kernel, with as little of the kernel unpacked as the scales allow.

    With scales $s_o$ of output channels, $(x Q)_{to} s_o$; with scales $t_i$ of inputs,
    $\sum_i (x_{ti} t_i) Q_{io}$; with groups of inputs that have a scale an output channel each,
    group by group, so that only one is unpacked at a time. The numbers of the format are multiplied
    as they are, and the scales applied outside of the product.

    Args:
        x: array (..., in), real.
        kernel: quantized array (in, out).

    Returns:
        Array (..., out) of the dtype of x. Half-precision inputs are computed in float32.

    Raises:
        TypeError: x is not real floating point, or kernel no `QTensor`.
        ValueError: the kernel has not two axes, or the last axis of x not length `in`.

    Cost:
        The product, and one pass to unpack. Groups of fewer than 8 inputs are unpacked at once.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, ScaleSpec, quantize, quantized_matmul
        >>> kernel = quantize(jnp.array([[7.0, 3.5], [-3.0, 1.0]]), IntFormat(4), ScaleSpec(-2))
        >>> quantized_matmul(jnp.array([1.0, 2.0]), kernel)
        Array([1. , 5.5], dtype=float32)

    See Also:
        `QTensor.dequantize`. `qwix.dot_general` multiplies integers with integers.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    x = _checks.real_float("x", x)
    _format_checks.matmul(x, kernel, QTensor)
    dtype = _dtypes.accumulator(x.dtype)
    wide = x.astype(dtype)
    groups, columns = kernel.scales.shape
    rows, _ = kernel._lengths()
    if columns == 1:
        values, _ = kernel._values(dtype)
        by_input = jnp.repeat(kernel.scales[:, 0].astype(dtype), rows)[: x.shape[-1]]
        scaled = wide * by_input.reshape(*(1,) * (x.ndim - 1), -1)
        product = scaled @ _grid.whole(values, kernel.shape)
    elif groups == 1 or rows >= _LEAST_ROWS:
        product = _by_groups(wide, kernel)
    else:
        product = wide @ kernel.dequantize().astype(dtype)
    return product.astype(x.dtype)


def _by_groups(x: Array, kernel: QTensor) -> Array:
    """The sum over groups of inputs of the product with each, times the scales of that group."""
    groups, (rows, columns) = len(kernel.scales), kernel._lengths()
    if lack := groups * rows - x.shape[-1]:
        # Inputs that are zero, so that it does not matter what their codes stand for.
        x = jnp.pad(x, [*[(0, 0)] * (x.ndim - 1), (0, lack)])
        codes = jnp.pad(kernel.codes, [(0, lack), (0, 0)])
        kernel = dataclasses.replace(kernel, codes=codes, padding=kernel.padding[1:])
    stacked = jax.tree.map(lambda leaf: leaf.reshape(groups, -1, leaf.shape[-1]), kernel)
    cut = jnp.moveaxis(x.reshape(*x.shape[:-1], groups, -1), -2, 0)

    def add(total: Array, group: tuple[Array, QTensor]) -> tuple[Array, None]:
        part, one = group
        values, _ = one._values(x.dtype)
        by_output = jnp.repeat(one.scales[0].astype(x.dtype), columns)[: one.n]
        product = part @ _grid.whole(values, one.shape)
        return total + product * by_output.reshape(*(1,) * (x.ndim - 1), -1), None

    zero = jnp.zeros((*x.shape[:-1], kernel.n), x.dtype)
    return jax.lax.scan(add, zero, (cut, stacked))[0]
