"""The contenders from other libraries, each imported where it is used: none of them is required.

Those that transform in place go on from their own output, unscaled, until it overflows: infinities
and NaNs take the processor as long as other numbers do.
"""

import importlib
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from experiments._contenders import Prepared
from experiments._workloads import Job, numpy_dtype

CORES = os.cpu_count() or 1


def numpy_copy(job: Job) -> Prepared:
    """`np.copy`."""
    return Prepared(_fresh(np.copy, job.input()))


def torch_butterfly(job: Job) -> Prepared:
    """The transform as it is written in PyTorch: halves added, subtracted, concatenated."""
    torch = importlib.import_module("torch")

    def fwht(x: Any) -> Any:
        shape, h = x.shape, 1
        while h < shape[-1]:
            pairs = x.view(shape[0], -1, 2, h)
            a, b = pairs[:, :, 0], pairs[:, :, 1]
            x = torch.cat([a + b, a - b], dim=-1)
            h *= 2
        return x.view(shape)

    x = _tensor(job)
    return Prepared(_fresh(fwht, x), lambda: _scaled(fwht(x).double().numpy(), job))


def torch_linear(job: Job) -> Prepared:
    """`F.linear` with the Hadamard matrix: the reference of fast-hadamard-transform."""
    torch = importlib.import_module("torch")

    x = _tensor(job)
    matrix = torch.from_numpy(scipy.linalg.hadamard(job.n)).to(x.dtype)

    def product(x: Any) -> Any:
        return torch.nn.functional.linear(x, matrix)

    return Prepared(_fresh(product, x), lambda: _scaled(product(x).double().numpy(), job))


def _tensor(job: Job) -> Any:
    """The input as a tensor."""
    torch = importlib.import_module("torch")

    x = job.input()
    if job.dtype == "bfloat16":
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)


def fht_cpu(job: Job, *, inplace: bool) -> Prepared:
    """fht-cpu, on all cores; it tells one vector from a batch."""
    fht_cpu = importlib.import_module("fht_cpu")

    x = job.input()
    shaped = x[0] if job.rows == 1 else x

    def fht(x: NDArray) -> NDArray:
        return fht_cpu.fht(x, inplace=inplace)

    return Prepared(_fresh(fht, shaped), _first(fht, shaped.copy(), job))


def ffht(job: Job, *, inplace: bool) -> Prepared:
    """ffht-unofficial, the FFHT library bound to Python, on all cores."""
    library = importlib.import_module("ffht")
    function = library.fht_ if inplace else library.fht
    x = job.input()
    shaped = x[0] if job.rows == 1 else x

    def fht(x: NDArray) -> NDArray:
        return function(x, CORES)

    return Prepared(_fresh(fht, shaped), _first(fht, shaped.copy(), job))


def pyfwht(job: Job, *, backend: str) -> Prepared:
    """pyfwht by a backend that is named: its default wants a GPU. It takes no batch of float32."""
    pyfwht = importlib.import_module("pyfwht")

    x = job.input()
    shaped = x[0] if job.rows == 1 else x

    def fwht(x: NDArray) -> NDArray:
        if x.ndim == 2 and x.dtype == np.float32:
            return np.stack([pyfwht.fwht(row, backend=backend) for row in x])
        return pyfwht.fwht(x, backend=backend)

    return Prepared(_fresh(fwht, shaped), _first(fwht, shaped, job))


def qmcpy_fwht(job: Job) -> Prepared:
    """`qmcpy.fwht`, which scales."""
    qmcpy = importlib.import_module("qmcpy")

    x = job.input()
    unscaled = math.sqrt(job.n) if job.workload == "integers" else 1.0
    return Prepared(_fresh(qmcpy.fwht, x), lambda: qmcpy.fwht(x) * unscaled)


def qmcpy_fftbr(job: Job) -> Prepared:
    """`qmcpy.fftbr`."""
    qmcpy = importlib.import_module("qmcpy")

    x = job.input()
    return Prepared(_fresh(qmcpy.fftbr, x), lambda: qmcpy.fftbr(x))


def scipy_dense(job: Job) -> Prepared:
    """The matrix of `scipy.linalg.hadamard`."""

    x = job.input()
    matrix = scipy.linalg.hadamard(job.n).astype(numpy_dtype(job.dtype))

    def product(x: NDArray) -> NDArray:
        return x @ matrix

    return Prepared(_fresh(product, x), _first(product, x, job))


def _fresh(function: Callable[[Any], object], x: Any) -> Callable[[int], None]:
    """A loop of calls on the same array."""

    def loop(calls: int) -> None:
        for _ in range(calls):
            function(x)

    return loop


def _first(function: Callable[[NDArray], NDArray], x: NDArray, job: Job) -> Callable[[], NDArray]:
    """The output of an unscaled transform, computed when it is asked for."""
    return lambda: _scaled(function(x).reshape(job.rows, job.n), job)


def _scaled(output: NDArray, job: Job) -> NDArray:
    """The output of an unscaled transform as the workload wants it."""
    return output if job.workload == "integers" else output / math.sqrt(job.n)
