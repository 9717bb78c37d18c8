"""The bit-reversed FFT for CPUs, in C++ and in pure JAX, against numpy.fft in double precision."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import testing
from hadax._bits import bit_reversal
from hadax.kernels import _dispatch, _fourier, _native

ROOT = Path(__file__).resolve().parents[2]
MAPS = [(inverse, transpose) for inverse in (False, True) for transpose in (False, True)]
every_map = pytest.mark.parametrize(("inverse", "transpose"), MAPS)
needs_native = pytest.mark.skipif(
    _native.library().instruction_set is None, reason="the native library was not built"
)
# Every instruction set that this processor may have; it serves with the best it has of them.
INSTRUCTION_SETS = ("sse2", "avx2", "avx512")


def gaussian(*shape: int, dtype: str = "complex64") -> np.ndarray:
    rng = np.random.default_rng(shape[-1])
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)


def defined(x: np.ndarray, inverse: bool, transpose: bool) -> np.ndarray:
    """F R x for the forward transform, R F* x for the inverse; transposed R F x and F* R x."""
    fft = np.fft.ifft if inverse else np.fft.fft
    r = bit_reversal(x.shape[-1])
    wide = x.astype(np.complex128)
    if inverse == transpose:
        return fft(wide[..., r], norm="ortho")
    return fft(wide, norm="ortho")[..., r]


def lowered(inverse: bool, transpose: bool, **jit_words):
    """What a CPU runs."""
    words = {"inverse": inverse or None, "transpose": transpose or None}
    return jax.jit(functools.partial(_dispatch.fftbr, **words), **jit_words)


def error(y: jax.Array, right: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(y) - right) / np.linalg.norm(right))


@every_map
@pytest.mark.parametrize("n", [1, 4, 32, 64, 128, 2048])
def test_pure_jax_equals_the_definition(n, inverse, transpose, x64):
    for dtype in ("complex64", "complex128"):
        x = gaussian(2, 3, n, dtype=dtype)
        kernel = functools.partial(
            _fourier.transform, conjugate=inverse, transpose=inverse != transpose
        )
        y = jax.jit(kernel)(x)
        assert y.dtype == dtype
        testing.assert_close(y, defined(x, inverse, transpose), n=n)


def test_pure_jax_goes_row_by_row_through_long_rows_of_a_large_array(monkeypatch):
    monkeypatch.setattr(_native, "library", lambda: _native.Library(None, "as if not built"))

    def program(*shape: int) -> str:
        """What runs, checked."""
        x = jnp.asarray(gaussian(*shape))
        transform = jax.jit(lambda v: hadax.fftbr(v))
        testing.assert_close(transform(x), defined(np.asarray(x), False, False), n=shape[-1])
        return transform.lower(x).as_text()

    assert "stablehlo.while" not in program(3, 2, 1 << 13)
    monkeypatch.setattr(_fourier, "_LARGE_BYTES", 1 << 10)
    assert "stablehlo.while" in program(3, 2, 1 << 13)
    assert "stablehlo.while" not in program(1, 1 << 14)
    assert "stablehlo.fft" in program(3, 1 << 10)


@pytest.mark.parametrize("transform", [hadax.fftbr, hadax.ifftbr], ids=["fftbr", "ifftbr"])
@pytest.mark.parametrize("word", ["xla", pytest.param("native", marks=needs_native)])
def test_the_implementation_asked_for_serves_both_ways(transform, word):
    x = jnp.asarray(gaussian(2, 64))

    def asked(v):
        return transform(v, implementation=word)

    back = jax.linear_transpose(asked, x)
    for function in (asked, back):
        program = jax.jit(function).lower(x).as_text()
        assert ("@hadax_fftbr" in program) == (word == "native")
    inverse = transform is hadax.ifftbr
    testing.assert_close(asked(x), defined(np.asarray(x), inverse, False), n=64)
    testing.assert_close(back(x)[0], defined(np.asarray(x), inverse, True), n=64)


@pytest.mark.parametrize("word", ["triton", "mosaic_gpu", "dense"])
def test_an_implementation_without_a_fourier_transform_is_refused(word):
    with pytest.raises(NotImplementedError, match=f"{word}': it has no Fourier transform"):
        hadax.fftbr(jnp.ones(8), implementation=word)


def test_native_is_refused_where_it_cannot_serve(monkeypatch):
    def native(x):
        return hadax.ifftbr(x, implementation="native")

    shape = jax.ShapeDtypeStruct((3, 64), jnp.float32)
    with pytest.raises(NotImplementedError, match="'native': it does not serve this platform"):
        jax.export.export(jax.jit(native), platforms=["cuda"])(shape)
    monkeypatch.setattr(_native, "library", lambda: _native.Library(None, "as if not built"))
    with pytest.raises(NotImplementedError, match="'native': as if not built"):
        jax.jit(native).lower(shape)


@needs_native
@every_map
@pytest.mark.parametrize("log_n", [*range(14), 16])
def test_native_equals_the_definition(log_n, inverse, transpose, x64):
    n = 1 << log_n
    transform = lowered(inverse, transpose)
    for dtype in ("complex64", "complex128"):
        for rows in (1, 3, 17) if log_n < 12 else (1, 3):
            x = gaussian(rows, n, dtype=dtype)
            assert "hadax_fftbr" in transform.lower(x).as_text()
            y = transform(x)
            assert y.dtype == dtype
            testing.assert_close(y, defined(x, inverse, transpose), n=n)


@needs_native
@every_map
def test_long_rows_and_large_batches_are_shared_by_threads(inverse, transpose):
    for shape in [(1, 1 << 17), (2, 1 << 15), (3, 1 << 18), (300, 1 << 10), (9000, 8)]:
        x = gaussian(*shape)
        y = lowered(inverse, transpose)(x)
        testing.assert_close(y, defined(x, inverse, transpose), n=shape[-1])


@needs_native
@every_map
@pytest.mark.parametrize("shape", [(5, 3), (1, 12), (1, 17)], ids=str)
def test_a_donated_array_is_overwritten_with_the_same_bits(shape, inverse, transpose):
    rows, log_n = shape
    x = gaussian(rows, 1 << log_n)
    fresh = lowered(inverse, transpose)(x)
    given = jnp.array(x)
    address = given.unsafe_buffer_pointer()
    donated = lowered(inverse, transpose, donate_argnums=0)(given)
    assert given.is_deleted()
    assert donated.unsafe_buffer_pointer() == address
    np.testing.assert_array_equal(donated, fresh)
    np.testing.assert_array_equal(lowered(inverse, transpose)(x), fresh)


@needs_native
def test_error_of_a_million_points_is_within_twice_that_of_numpy():
    n = 1 << 20
    x = gaussian(n)
    right = defined(x, False, False)
    numpys = error(np.fft.fft(x[bit_reversal(n)], norm="ortho"), right)
    assert np.fft.fft(x[:2]).dtype == np.complex64
    assert error(jax.jit(hadax.fftbr)(x), right) <= 2 * numpys
    back = jax.jit(lambda v: hadax.ifftbr(hadax.fftbr(v)))(x)
    assert error(back, x) <= 4 * numpys


@needs_native
@pytest.mark.slow
@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_every_instruction_set(name):
    """The set is chosen once for a process, so each has a process of its own."""
    chosen = "native_equals or shared or overwritten or error"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", chosen],
        env=os.environ | {"HADAX_ISA": name},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
