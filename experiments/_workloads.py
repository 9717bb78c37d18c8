"""What the contenders of a race are given, and what is right: inputs and references in float64.

A workload is one map that all of its contenders compute:

* "fwht"      the Walsh-Hadamard transform of real numbers;
* "integers"  the same of small integers, whose transform without a scale is exact;
* "length"    the transform of a length that is no power of two, beside that of the nearest one;
* "rotation"  one block of a randomized rotation (signs, then the transform), beside the transform;
* "fftbr"     the Fourier transform of bit-reversed input.

All of them are orthonormal but "integers". This module does without JAX, so that the processes of
other libraries can use it: what needs hadax is imported where it is used.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Workload: TypeAlias = Literal["fwht", "integers", "length", "rotation", "fftbr"]
DType: TypeAlias = Literal["float32", "float64", "bfloat16", "complex64", "complex128"]

CHECKED = 1 << 16  # entries of an output that are compared with the reference


@dataclass(frozen=True)
class Job:
    """One input: its workload, shape, dtype, and the seed of its numbers."""

    workload: Workload
    rows: int
    n: int
    dtype: DType
    seed: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Numbers in the input."""
        return self.rows * self.n

    @property
    def bytes(self) -> int:
        """Bytes of the input."""
        return self.elements * numpy_dtype(self.dtype).itemsize

    def input(self) -> NDArray:
        """The input (rows, n): normal numbers, or integers from -8 to 8."""
        rng = np.random.default_rng(self.seed)
        shape, dtype = (self.rows, self.n), numpy_dtype(self.dtype)
        if self.workload == "integers":
            return rng.integers(-8, 8, shape, endpoint=True).astype(dtype)
        if dtype.kind == "c":
            parts = rng.standard_normal((*shape, 2), dtype=np.float64)
            return parts.view(np.complex128)[..., 0].astype(dtype)
        wide = np.float64 if dtype == np.float64 else np.float32
        return rng.standard_normal(shape, dtype=wide).astype(dtype)

    def at_power_of_two(self) -> "Job":
        """The same with the power of two that is nearest to n."""
        below = 1 << (self.n.bit_length() - 1)
        n = below if self.n - below <= 2 * below - self.n else 2 * below
        return dataclasses.replace(self, n=n)

    def reference(self) -> "Reference":
        """Some entries of the right output."""
        return reference(self)


def numpy_dtype(name: DType) -> np.dtype:
    """The dtype of this name, bfloat16 among them."""
    return np.dtype(getattr(ml_dtypes, name, name))


@dataclass(frozen=True)
class Reference:
    """Some entries of the right output: `values` at `rows` x `columns`."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray

    def error(self, output: NDArray) -> float:
        """Relative error in l2 of an output (rows, n), over the entries that are known."""
        seen = output[self.rows][:, self.columns].astype(self.values.dtype)
        return float(np.linalg.norm(seen - self.values) / np.linalg.norm(self.values))

    def save(self, path: Path) -> None:
        """Write it to a file."""
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Reference":
        """Read it from a file."""
        with np.load(path) as arrays:
            return cls(**arrays)


def reference(job: Job) -> Reference:
    """Compute the output in double precision: of a few rows, and of some entries of long ones."""
    rows = np.unique(np.linspace(0, job.rows - 1, max(1, CHECKED // job.n)).astype(int))
    columns = np.arange(job.n)
    if job.n > CHECKED:
        # Drawn, not evenly spaced: a fault in one half, or at every other stride, is met.
        columns = np.sort(np.random.default_rng(job.seed).choice(job.n, CHECKED, replace=False))
    x = job.input()[rows]
    return Reference(rows, columns, _transform(job, x)[:, columns])


def _transform(job: Job, x: NDArray) -> NDArray:
    """The right output of rows of the input."""
    if job.workload == "fftbr":
        return np.fft.fft(x.astype(complex)[:, bit_reversal(job.n)], norm="ortho")
    y = x.astype(np.float64)
    if job.workload == "rotation":
        y = y * rotation_signs(job.n)
    y = _adds(y) if job.n & (job.n - 1) == 0 else _product(y)
    return y if job.workload == "integers" else y / np.sqrt(job.n)


def rotation_signs(n: int) -> NDArray:
    """The signs of the rotation that is timed."""
    import jax

    import hadax

    return np.asarray(hadax.randomized_hadamard(jax.random.key(0), n, 1).signs[0])


def _adds(y: NDArray) -> NDArray:
    """H y by additions, n a power of two."""
    shape, h = y.shape, 1
    while h < shape[-1]:
        a, b = np.moveaxis(y.reshape(len(y), -1, 2, h), 2, 0)
        y = np.stack([a + b, a - b], axis=2)
        h *= 2
    return y.reshape(shape)


def _product(y: NDArray) -> NDArray:
    """H y by the matrix, a few of its rows at a time."""
    import hadax

    matrix = np.asarray(hadax.hadamard_matrix(y.shape[-1], dtype="int8"))
    parts = np.array_split(matrix, -(-matrix.size // (1 << 24)))
    return np.concatenate([y @ part.T.astype(np.float64) for part in parts], axis=1)


def bit_reversal(n: int) -> NDArray[np.int64]:
    """The permutation that reverses the bits of an index."""
    order = np.zeros(1, np.int64)
    while order.size < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order
