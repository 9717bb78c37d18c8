"""Half spectra of real input, and transforms of twice as many points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import hadax
from hadax import testing
from hadax.kernels import _reference


def matrix(n):
    """What `rfftbr` of n points is."""
    return _reference.fft_bit_reversed(np.eye(n), inverse=False).T[: n // 2 + 1]


def gaussian(*shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(2).standard_normal(shape), dtype)


@pytest.mark.parametrize("n", [1, 2, 4, 8, 64, 1024])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_half_spectra_are_those_of_the_whole_and_come_back(n, dtype, x64):
    x = gaussian(3, n, dtype=dtype)
    y = hadax.rfftbr(x)
    assert y.dtype == (jnp.complex128 if dtype == "float64" else jnp.complex64)
    testing.assert_close(y, np.asarray(x, np.float64) @ matrix(n).T, n=n, c=4.0)
    back = hadax.irfftbr(y)
    assert back.dtype == jnp.dtype(dtype)
    testing.assert_close(back, x, n=n, c=8.0)


def test_integers_and_short_floats_become_single_precision():
    for dtype in ("int32", "bfloat16", "float16"):
        x = jnp.arange(8).astype(dtype)
        testing.assert_close(hadax.rfftbr(x), matrix(8) @ np.arange(8.0), n=8, c=4.0)
        assert hadax.rfftbr(x).dtype == jnp.complex64


def test_any_axis_vmap_jit_and_an_empty_batch():
    x = gaussian(2, 16, 3)
    right = np.einsum("kn,bnc->bkc", matrix(16), np.asarray(x, np.float64))
    testing.assert_close(hadax.rfftbr(x, axis=1), right, n=16, c=4.0)
    testing.assert_close(hadax.irfftbr(hadax.rfftbr(x, axis=1), axis=1), x, n=16, c=8.0)
    mapped = jax.jit(jax.vmap(hadax.rfftbr, in_axes=2, out_axes=2))(x)
    testing.assert_close(mapped, right, n=16, c=4.0)
    assert hadax.rfftbr(jnp.zeros((0, 16))).shape == (0, 9)
    testing.assert_no_retrace(hadax.rfftbr, gaussian(2, 16))


def test_both_modes_of_differentiation_transposes_and_programs_give_the_matrix():
    x, rows = gaussian(16), matrix(16)
    testing.assert_close(jax.jacfwd(hadax.rfftbr)(x), rows, n=16, c=4.0)
    testing.assert_close(jax.jacrev(lambda v: hadax.rfftbr(v).real)(x), rows.real, n=16, c=4.0)
    testing.assert_close(jax.jacrev(lambda v: hadax.rfftbr(v).imag)(x), rows.imag, n=16, c=4.0)
    y = jax.lax.complex(gaussian(9), 2 * gaussian(9))
    # JAX's transpose of a map from real to complex numbers keeps the real part of M^T y.
    (back,) = jax.linear_transpose(hadax.rfftbr, x)(y)
    testing.assert_close(back, (rows.T @ np.asarray(y)).real, n=16, c=4.0)

    def energy(v):
        return jnp.sum(jnp.square(hadax.irfftbr(hadax.rfftbr(v))))

    testing.assert_close(jax.grad(energy)(x), 2 * x, n=16, c=8.0)
    testing.assert_close(jax.hessian(energy)(x), 2 * np.eye(16), n=16, c=8.0)
    (batch,) = jax.export.symbolic_shape("b")
    exported = jax.export.export(jax.jit(hadax.rfftbr))(
        jax.ShapeDtypeStruct((batch, 16), jnp.float32)
    )
    found = jax.export.deserialize(exported.serialize()).call(x[None])[0]
    testing.assert_close(found, rows @ np.asarray(x, np.float64), n=16, c=4.0)


def test_a_sharded_batch_moves_nothing():
    mesh = jax.make_mesh((4,), ("d",), axis_types=(AxisType.Auto,))
    x = jax.device_put(gaussian(4, 16), NamedSharding(mesh, P("d")))
    compiled = jax.jit(hadax.rfftbr).lower(x).compile()
    y = compiled(x)
    assert y.sharding.is_equivalent_to(x.sharding, x.ndim)
    assert not any(f"{name}(" in compiled.as_text() for name in ("all-gather", "all-to-all"))


@pytest.mark.parametrize("n", [1, 2, 4, 32])
@pytest.mark.parametrize(
    ("transform", "double"),
    [
        (hadax.fwht, hadax.double_fwht),
        (hadax.fftbr, hadax.double_fftbr),
        (hadax.rfftbr, hadax.double_rfftbr),
    ],
    ids=["fwht", "fftbr", "rfftbr"],
)
def test_two_halves_make_the_transform_of_both(n, transform, double, x64):
    x = gaussian(2, 2 * n, dtype="float64")
    found = double(transform(x[:, :n]), transform(x[:, n:]))
    testing.assert_close(found, transform(x), n=2 * n, c=4.0)


def test_what_is_refused():
    with pytest.raises(TypeError, match="Use fftbr"):
        hadax.rfftbr(jnp.ones(4, jnp.complex64))
    with pytest.raises(ValueError, match=r"power.of.two"):
        hadax.rfftbr(jnp.ones(6))
    with pytest.raises(ValueError, match=r"power.of.two"):
        hadax.irfftbr(jnp.ones(4, jnp.complex64))
    with pytest.raises(ValueError, match="axis"):
        hadax.rfftbr(jnp.ones(4), axis=1)
    with pytest.raises(ValueError, match=r"power.of.two"):
        hadax.double_fftbr(jnp.ones(3, jnp.complex64), jnp.ones(3, jnp.complex64))
    with pytest.raises(ValueError, match=r"power.of.two"):
        hadax.double_rfftbr(jnp.ones(4, jnp.complex64), jnp.ones(4, jnp.complex64))
    for double in (hadax.double_fwht, hadax.double_fftbr, hadax.double_rfftbr):
        with pytest.raises(TypeError, match="one real or complex dtype"):
            double(jnp.ones(2), jnp.ones(2, jnp.int32))


@pytest.mark.parametrize("double", [hadax.double_fwht, hadax.double_fftbr, hadax.double_rfftbr])
def test_halves_of_different_shapes_are_refused(double, without_shape_checks):
    with pytest.raises(ValueError, match="one shape"):
        double(jnp.ones(2), jnp.ones(3))
