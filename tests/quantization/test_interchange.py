"""Quantized tensors as those of qwix: the same numbers, by its own account where there is one."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import (
    FloatFormat,
    IntFormat,
    ScaleSpec,
    from_qwix,
    lloyd_max,
    nf4,
    qwix_fields,
)
from hadax.quantization import quantize as quantize_eagerly

quantize = jax.jit(quantize_eagerly, static_argnums=(1, 2))
KERNEL = jax.random.normal(jax.random.key(0), (16, 6))
SPEC = ScaleSpec(axis=-2, block=8)
FORMATS = [
    *(IntFormat(bits, bits % 2 == 0) for bits in (2, 3, 4, 7, 8)),
    *map(FloatFormat, ("e2m1", "e4m3", "e5m2")),
    nf4(),
]


@pytest.mark.optimized  # has small floats
@pytest.mark.parametrize("format", FORMATS, ids=repr)
def test_there_and_back(format):
    packed = quantize(KERNEL, format, SPEC)
    fields = qwix_fields(packed)
    back = from_qwix(types.SimpleNamespace(**fields))
    assert jax.tree.structure(back) == jax.tree.structure(packed)
    for a, b in zip(jax.tree.leaves(back), jax.tree.leaves(packed), strict=True):
        np.testing.assert_array_equal(a, b)
    if isinstance(format, IntFormat):  # qwix: (qvalue - zero_point) * scale
        zero = 0 if fields["zero_point"] is None else np.asarray(fields["zero_point"], np.float32)
        zero = np.repeat(zero, 8, axis=0) if np.ndim(zero) else zero
        numbers = (np.asarray(fields["qvalue"], np.float32) - zero) * np.repeat(
            fields["scale"], 8, 0
        )
        np.testing.assert_array_equal(numbers, packed.dequantize())


@pytest.mark.parametrize("format", FORMATS, ids=repr)
def test_qwix_dequantizes_to_the_same(format):
    qarray = pytest.importorskip("qwix").QArray
    dequantize = pytest.importorskip("qwix").dequantize
    packed = quantize(KERNEL, format, SPEC)
    found = dequantize(qarray(**qwix_fields(packed)))
    np.testing.assert_allclose(found, packed.dequantize(), rtol=1e-6)


@pytest.mark.parametrize(
    ("qtype", "method"),
    [
        *((qtype, "absmax") for qtype in ("int3", "int4", "int8", "nf4", "float8_e4m3fn")),
        *((qtype, "minmax") for qtype in ("int4", "int8")),
    ],
)
def test_what_qwix_quantized_comes_over(qtype, method):
    qwix = pytest.importorskip("qwix")
    array = qwix.quantize(
        KERNEL, qtype, channelwise_axes=[1], tiled_axes={0: 8}, calibration_method=method
    )
    found = from_qwix(array)
    np.testing.assert_allclose(found.dequantize(), qwix.dequantize(array), rtol=1e-6)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    packed = quantize(KERNEL, nf4(), SPEC)
    fields = qwix_fields(packed)
    with pytest.raises(TypeError, match="`tensor` must be a QTensor, but is a"):
        qwix_fields(KERNEL)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"`tensor` must hold one of int2, .*, but has the format"):
        qwix_fields(quantize(KERNEL, lloyd_max(4), SPEC))
    with pytest.raises(ValueError, match=r"blocks of one length, but its last ones lack 4 points"):
        qwix_fields(quantize(KERNEL, nf4(), ScaleSpec(axis=-2, block=10)))
    with pytest.raises(TypeError, match=r"`array` must be a QArray, but is a .* without qvalue"):
        from_qwix(KERNEL)
    for wrong, message in [
        ({"qtype": "mxfp4"}, "`array` must hold one of int2, .*, but has qtype 'mxfp4'"),
        ({"zero_point": jnp.ones((2, 6), jnp.int4)}, "integers only, but has one for nf4"),
    ]:
        with pytest.raises(ValueError, match=message):
            from_qwix(types.SimpleNamespace(**(fields | wrong)))


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zero_point": jnp.array([[0.5]])}, "from -8 to 7, but it holds 0.5"),
        ({"qvalue": jnp.array([[1, 100]])}, "a qvalue of integers from -8 to 7, but it holds 100"),
        ({"scale": jnp.ones((2,))}, r"qvalue\.shape=\(1, 2\) and scale\.shape=\(2,\)"),
        ({"scale": jnp.ones((1, 3))}, "whose length divides it"),
    ],
)  # fmt: skip
def test_what_no_qarray_holds_is_refused(change, message):
    fields = {"qvalue": jnp.array([[1, -3]], jnp.int8), "scale": jnp.ones((1, 1)),
              "zero_point": None, "qtype": "int4"}  # fmt: skip
    assert from_qwix(types.SimpleNamespace(**fields)).dequantize().tolist() == [[1, -3]]
    with pytest.raises(ValueError, match=message):
        from_qwix(types.SimpleNamespace(**(fields | change)))
