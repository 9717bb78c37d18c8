"""Random calls of the native kernel: `python -m tests.kernels.native_fuzz CASES`.

As a program of its own it runs with another instruction set (HADAX_ISA) or number of threads
(NPROC) than the test run. It prints the instruction set, how many cases agreed, and a digest of the
bits of all results.
"""

import hashlib
import sys

import jax
import numpy as np

from hadax import testing
from hadax.kernels import _dispatch, _native, _reference

FLOATS = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
INTEGERS = ("int32", "uint32", "int64", "uint64")
LONGEST_MATRIX = 2048
MOST_ELEMENTS = 1 << 18


def check_case(seed: int) -> np.ndarray:
    """Hold one random call to the definition, and return its result; needs 64-bit types."""
    rng = np.random.default_rng(seed)
    dtype = str(rng.choice([*FLOATS, *INTEGERS]))
    n = _length(rng)
    shape = (*_leading_axes(rng, MOST_ELEMENTS // n), n)
    x = _values(rng, shape, dtype)
    signs = rng.choice([-1, 1], n).astype(np.int8)
    side = str(rng.choice(["none", "before", "after"]))
    transpose = n <= LONGEST_MATRIX and bool(rng.integers(2))
    scale = 1.0 if dtype in INTEGERS else float(rng.choice([1.0, n**-0.5, 1 / n]))
    donated = bool(rng.integers(2))
    extra = () if side == "none" else (signs,)

    def transform(v, *s):
        words = {"side": side} if s else {}
        return _dispatch.wht(
            v, *s, implementation="native", scale=scale, transpose=transpose or None, **words
        )

    given = jax.numpy.array(x)  # a copy: x may share its memory with an array that is donated
    y = jax.jit(transform, donate_argnums=0 if donated else ())(given, *extra)
    assert y.dtype == dtype
    right = _definition(x, signs, side, transpose) * (1 if dtype in INTEGERS else scale)
    try:
        testing.assert_close(y, right.astype(dtype) if dtype in INTEGERS else right, n=n)
        if not donated:
            np.testing.assert_array_equal(given, x)
    except AssertionError as error:
        error.add_note(f"{seed=} {dtype} {shape=} {side=} {transpose=} {scale=} {donated=}")
        raise
    return np.asarray(y)


def _length(rng: np.random.Generator) -> int:
    if rng.random() < 0.3:
        return int(rng.choice([12, 20, 28, 36, 44, 68, 92])) << int(rng.integers(0, 8))
    return 1 << int(rng.integers(0, 18 if rng.random() < 0.3 else 12))


def _leading_axes(rng: np.random.Generator, rows: int) -> tuple[int, ...]:
    """Up to three axes with at most `rows` rows, or one of many."""
    if rng.random() < 0.2:
        return (int(rng.integers(1, rows + 1)),)
    axes: list[int] = []
    for _ in range(rng.integers(0, 4)):
        axes.append(int(rng.integers(1, 1 + min(6, rows // int(np.prod(axes))))))
    return tuple(axes)


def _values(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype in INTEGERS:
        return rng.integers(0, 1 << 31, shape).astype(dtype)
    x = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        x = x + 1j * rng.standard_normal(shape)
    return x.astype(jax.numpy.dtype(dtype))


def _definition(x: np.ndarray, signs: np.ndarray, side: str, transpose: bool) -> np.ndarray:
    """after * H (before * x), or with H transposed, in 64 bits; integers below 2^53 are exact."""
    wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    wide = wide * signs if side == "before" else wide
    if transpose:
        right = wide @ _reference.hadamard_matrix(x.shape[-1]).astype(np.float64)
    else:
        right = _reference.butterfly(wide)
    right = right * signs if side == "after" else right
    return right.astype(np.int64) if x.dtype.kind in "iu" else right


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    digest = hashlib.sha256()
    for seed in range(int(sys.argv[1])):
        digest.update(check_case(seed).tobytes())
    print(_native.library().instruction_set, sys.argv[1], digest.hexdigest())
