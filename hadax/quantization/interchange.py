"""Quantized tensors as those of qwix, and back; qwix itself is not needed here."""

from typing import Any

import jax.numpy as jnp

from hadax import _dtypes, _packing
from hadax._typing import Array
from hadax.quantization import _format_checks
from hadax.quantization.formats import FloatFormat, Format, IntFormat, nf4
from hadax.quantization.qtensor import QTensor

_NAMES: dict[str, Format] = {
    **{f"int{bits}": IntFormat(bits) for bits in range(2, 9)},
    "float4_e2m1fn": FloatFormat("e2m1"),
    "float8_e4m3fn": FloatFormat("e4m3"),
    "float8_e5m2": FloatFormat("e5m2"),
    "nf4": nf4(),
}


def qwix_fields(tensor: QTensor) -> dict[str, Any]:
    """The fields of the `QArray` of qwix that stands for the same numbers.

    `QArray(**qwix_fields(tensor))` holds each code in an array type of JAX, integers from
    -2^(bits-1); its scales have the dtype it dequantizes to.

    Args:
        tensor: of integers, floats, or `nf4`.

    Returns:
        The dict of qvalue, scale, zero_point and qtype.

    Raises:
        TypeError: tensor is no `QTensor`.
        ValueError: another codebook than `nf4`, or a last block that is shorter than the others.

    Cost:
        One pass; a code takes at least 4 bits, above 4 a byte.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.quantization import IntFormat, quantize, qwix_fields
        >>> fields = qwix_fields(quantize(jnp.array([7.0, -3.2, 0.4, 1.0]), IntFormat(4)))
        >>> fields["qvalue"].astype(int), fields["scale"], fields["qtype"]
        (Array([ 7, -3,  0,  1], dtype=int32), Array([1.], dtype=float32), 'int4')

    See Also:
        `from_qwix`, the way back.
    """
    _format_checks.quantized("tensor", tensor, QTensor)
    _format_checks.whole_blocks(tensor.padding)
    zeros = tensor.zeros
    format = tensor.format if zeros is None else IntFormat(tensor.format.bits)
    qtype = next((name for name, known in _NAMES.items() if known == format), None)
    if qtype is None:
        _format_checks.foreign("tensor", f"the format {format}", tuple(_NAMES))
    codes = _packing.unpack(tensor.codes, format.bits, tensor.n)
    return {
        "qvalue": _to_native(codes, format),
        "scale": tensor.scales.astype(_dtypes.accumulator(tensor.dtype)),
        "zero_point": None if zeros is None else _to_native(zeros, format),
        "qtype": qtype,
    }


def from_qwix(array: Any) -> QTensor:
    """The quantized tensor that stands for the same numbers as a `QArray` of qwix.

    Args:
        array: a `QArray`, or anything with its fields qvalue, scale, zero_point and qtype; qtype
            one of int2 to int8, nf4, float4_e2m1fn, float8_e4m3fn, float8_e5m2.

    Returns:
        The `QTensor`, of the dtype of the scales.

    Raises:
        TypeError: array has not these fields.
        ValueError: another qtype, a zero point beside other numbers than integers or with a
            fraction, integers beyond its bits, or scales that do not cut the array into blocks.

    Cost:
        One pass.

    Example:
        >>> import jax, types
        >>> from hadax.quantization import from_qwix, nf4, quantize, qwix_fields
        >>> packed = quantize(jax.random.normal(jax.random.key(0), (4, 8)), nf4())
        >>> back = from_qwix(types.SimpleNamespace(**qwix_fields(packed)))
        >>> bool((back.codes == packed.codes).all()), back.format == nf4()
        (True, True)

    See Also:
        `qwix_fields`, the other way.
    """
    _format_checks.qarray(array)
    qtype = array.qtype if isinstance(array.qtype, str) else jnp.dtype(array.qtype).name
    format = _NAMES.get(qtype)
    if format is None:
        _format_checks.foreign("array", f"qtype {qtype!r}", tuple(_NAMES))
    zeros = None
    if array.zero_point is not None:
        _format_checks.integer_zeros(format, IntFormat, qtype)
        _format_checks.native_integers("zero_point", array.zero_point, format.bits)
        zeros = jnp.broadcast_to(_to_codes(array.zero_point, format), array.scale.shape)
        format = IntFormat(format.bits, symmetric=False)
    if isinstance(format, IntFormat):
        _format_checks.native_integers("qvalue", array.qvalue, format.bits)
    _format_checks.cut_into_blocks(array.qvalue.shape, array.scale.shape)
    packed = _packing.pack(_to_codes(array.qvalue, format), format.bits)
    return QTensor(
        packed, array.scale, zeros, format, array.qvalue.shape[-1], array.scale.dtype.name
    )


def _to_native(codes: Array, format: Format) -> Array:
    """Codes as JAX's own small integers, signed, or floats; those of a codebook as they are."""
    if isinstance(format, FloatFormat):
        return format.bit_cast(codes)
    if isinstance(format, IntFormat):
        signed = codes.astype(jnp.int16) - 2 ** (format.bits - 1)
        return signed.astype(jnp.int4 if format.bits <= 4 else jnp.int8)
    return codes.astype(jnp.uint4)


def _to_codes(values: Array, format: Format) -> Array:
    """The codes of what `_to_native` makes."""
    if isinstance(format, FloatFormat):
        return format.codes(values.astype(jnp.float32))
    if isinstance(format, IntFormat):
        return (values.astype(jnp.int16) + 2 ** (format.bits - 1)).astype(jnp.uint8)
    return values.astype(jnp.uint8)
