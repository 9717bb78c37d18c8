"""What the native kernel computes, against the definition: formats, lengths, threads, rounding."""

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
from hadax.kernels import _dispatch, _native, _reference
from tests.kernels import native_fuzz

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTION_SETS = ("sse2", "avx2", "avx512")
HALVES = (jnp.float16, jnp.bfloat16)

pytestmark = pytest.mark.skipif(
    _native.library().instruction_set is None, reason=f"native: {_native.library().reason}"
)


def native(x, *signs, **words):
    return _dispatch.wht(x, *signs, implementation="native", **words)


def fuzz(cases: int, isa: str, threads: int) -> str:
    """Run random cases in a process of its own; the digest of their results."""
    environment = os.environ | {"HADAX_ISA": isa, "NPROC": str(threads), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "tests.kernels.native_fuzz", str(cases)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    served, agreed, digest = run.stdout.split()
    if served != isa:
        pytest.skip(f"this processor has no {isa}")
    assert int(agreed) == cases
    return digest


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("first", range(1000, 1060, 10))
def test_random_calls_agree_with_the_definition(first):
    for seed in range(first, first + 10):
        native_fuzz.check_case(seed)


@pytest.mark.parametrize("transpose", [None, True])
@pytest.mark.parametrize("shape", [(200, 12), (70, 40), (33, 96), (3, 2028)], ids=str)
def test_blocks_shorter_than_a_vector(shape, transpose):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    h = _reference.hadamard_matrix(shape[-1]).astype(np.float64)
    y = native(jnp.asarray(x), transpose=transpose)
    testing.assert_close(y, x @ (h if transpose else h.T), n=shape[-1])


def test_another_number_of_threads_gives_the_same_bits():
    isa = _native.library().instruction_set
    assert fuzz(20, isa, 1) == fuzz(20, isa, 3)


@pytest.mark.slow
@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
def test_no_instruction_set_and_no_number_of_threads_changes_a_bit(isa):
    assert len({fuzz(150, isa, threads) for threads in (1, 3, 8)}) == 1


@pytest.mark.parametrize("n", [2**16, 12 * 2**13])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_repeated_runs_give_the_same_bits(n, dtype):
    x = jax.random.normal(jax.random.key(0), (2, n)).astype(dtype)
    transform = jax.jit(hadax.fwht)
    first = np.asarray(transform(x)).tobytes()
    assert all(np.asarray(transform(x)).tobytes() == first for _ in range(20))


def flushed(x: np.ndarray) -> np.ndarray:
    """float32 as XLA's threads compute: subnormal numbers are zero."""
    return np.where(np.abs(x) < 2.0**-126, np.copysign(np.float32(0), x), x)


@pytest.mark.parametrize("scale", [1.0, 1 / 3, 2.0**-10, 2.0**6])
@pytest.mark.parametrize("dtype", HALVES)
def test_every_16_bit_number_is_read_and_rounded_as_numpy_does(dtype, scale):
    x = np.arange(1 << 16, dtype=np.uint16).view(dtype)
    with np.errstate(all="ignore"):
        product = flushed(flushed(x.astype(np.float32)) * np.float32(scale))
        right = product.astype(dtype).astype(np.float32)
    alone = np.asarray(native(jnp.asarray(x[:, None]), scale=scale))[:, 0].astype(np.float32)
    np.testing.assert_array_equal(alone, right)
    numbers = ~np.isnan(right)
    np.testing.assert_array_equal(np.signbit(alone)[numbers], np.signbit(right)[numbers])
    # Longer rows are read and written by vectors in other places; an infinity makes no other NaN.
    rows = np.zeros((x.size, 64), dtype)
    rows[:, 0] = x
    spread = np.asarray(native(jnp.asarray(rows), scale=scale)).astype(np.float32)
    np.testing.assert_array_equal(spread, np.broadcast_to(right[:, None], spread.shape))


@pytest.mark.parametrize(
    "shape", [(300, 4), (70, 8), (70, 12), (5, 256), (3, 12 * 16), (1, 2**17)], ids=str
)
@pytest.mark.parametrize("dtype", HALVES)
def test_16_bit_results_are_the_rounded_float32_results(dtype, shape):
    rng = np.random.default_rng(0)
    # From subnormal results to overflow.
    size = 2.0 ** rng.integers(-26, 17, (shape[0], 1))
    with np.errstate(all="ignore"):
        x = (rng.standard_normal(shape) * size).astype(dtype)
        right = np.asarray(native(jnp.asarray(x.astype(np.float32)))).astype(dtype)
    np.testing.assert_array_equal(native(jnp.asarray(x)).astype(jnp.float32), right.astype("f4"))


@pytest.mark.parametrize("side", ["before", "after"])
def test_infinities_and_nan_spread_over_their_own_row_only(side):
    x = np.ones((4, 32), np.float32)
    x[1, 3], x[2, 5] = np.inf, np.nan
    signs = np.random.default_rng(0).choice([-1, 1], 32).astype(np.int8)
    y = np.asarray(native(jnp.asarray(x), jnp.asarray(signs), side=side))
    assert np.isfinite(y[[0, 3]]).all()
    assert np.isinf(y[1]).all()
    assert np.isnan(y[2]).all()


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("dtype", ["int32", "uint32", "int64", "uint64"])
@pytest.mark.parametrize("n", [2, 64, 12, 12 * 16])
def test_integers_wrap_around(dtype, n):
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(0)
    x = rng.integers(limits.min, limits.max, (5, n), dtype=dtype, endpoint=True)
    signs = rng.choice([-1, 1], n).astype(np.int8)
    right = _reference.fwht(x.view(f"u{x.itemsize}") * signs.astype(f"u{x.itemsize}")).view(dtype)
    np.testing.assert_array_equal(native(jnp.asarray(x), jnp.asarray(signs), side="before"), right)


@pytest.mark.parametrize("shape", [(0, 64), (3, 0, 192), (0, 1)], ids=str)
def test_no_rows_give_no_rows(shape):
    y = native(jnp.zeros(shape))
    assert (y.shape, y.dtype) == (shape, jnp.float32)
    signs = jnp.ones(shape[-1], jnp.int8)
    assert native(jnp.zeros(shape), signs, side="after").shape == shape


@pytest.mark.parametrize("order", ["dyadic", "sequency"])
def test_other_orders_permute_its_rows(order):
    x = np.random.default_rng(0).standard_normal((3, 64)).astype(np.float32)
    y = hadax.fwht(x, order=order, norm="backward", implementation="native")
    testing.assert_close(y, x @ _reference.hadamard_matrix(64, order=order).T, n=64)


def test_views_of_an_array_are_transformed_as_arrays():
    x = np.random.default_rng(0).standard_normal((64, 6, 32)).astype(np.float32)
    given = jnp.asarray(x)
    y = jax.jit(lambda v: hadax.fwht(v[:, 1:4].T, implementation="native"))(given)
    testing.assert_close(y, _reference.fwht(x[:, 1:4].T) / 8, n=64)
    y = jax.jit(lambda v: hadax.fwht(v, axis=0, implementation="native"))(given)
    testing.assert_close(y, np.moveaxis(_reference.fwht(np.moveaxis(x, 0, -1)) / 8, -1, 0), n=64)
