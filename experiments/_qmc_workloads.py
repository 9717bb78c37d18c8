"""What the contenders of the races of qmc are given, and what is right: references in float64.

A workload is one step of what users of low-discrepancy points do:

* "lattice", "sobol", "halton"   n points in d dimensions of a sequence randomised before;
* "owen"    n points of a net scrambled point by point, with new randomness in each call;
* "column lattice", "column net"   the first column of a product kernel's matrix on given points;
* "solve lattice", "solve net"     the solution of a kernel matrix whose eigenvalues are given;
* "step lattice", "step net"       one step of a fit of a Gaussian process: the likelihood, its
  gradient by the scale and the weights of the kernel, and a step of Rprop;
* "cubature lattice", "cubature net", "Bayesian lattice", "Bayesian net"   the integral of Keister's
  function to a tolerance, from n points at most.

Points of columns, solutions and steps are not randomised, so that all contenders compute the same
numbers: the lattice is a Korobov one, the net Sobol's. This module does without JAX, like
`_workloads.py`.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from experiments._workloads import DType, Reference, bit_reversal

QmcWorkload: TypeAlias = Literal[
    "lattice", "sobol", "halton", "owen",
    "column lattice", "column net", "solve lattice", "solve net", "step lattice", "step net",
    "cubature lattice", "cubature net", "Bayesian lattice", "Bayesian net",
]  # fmt: skip

NOISE = 0.1
"""Variance of the noise in the fits: large enough for float32."""
TOLERANCES: dict[QmcWorkload, float] = {
    "cubature lattice": 1e-4,
    "cubature net": 1e-4,
    "Bayesian lattice": 1e-4,
    "Bayesian net": 1e-2,
}
"""Absolute tolerances of the integrals."""
BITS = 32
"""Length of a coordinate in the net."""
_MULTIPLIER = 1267  # of Korobov's vectors; any odd number would do for times
_LARGEST = 1 << 20
_FEW = 1 << 16  # entries of a column that are compared


@dataclass(frozen=True)
class QmcJob:
    """One input, in float64: its workload, number of points, dimensions, seed."""

    workload: QmcWorkload
    n: int
    d: int
    seed: tuple[int, ...]

    @property
    def dtype(self) -> DType:
        """The precision of the peers; ours takes part in others as well."""
        return "float64"

    @property
    def bytes(self) -> int:
        """Bytes of the points."""
        return 8 * self.n * self.d

    @property
    def is_lattice(self) -> bool:
        """Whether points are those of a lattice, not of a net."""
        return self.workload.endswith("lattice")

    def points(self) -> NDArray[np.float64]:
        """The points (n, d) that columns and fits are of, in natural order."""
        if self.is_lattice:
            steps = bit_reversal(self.n).astype(np.uint64)[:, None] * vector(self.d)[None]
            return (steps % np.uint64(self.n)).astype(np.float64) / self.n
        gray = np.arange(self.n) ^ (np.arange(self.n) >> 1)
        points = np.empty((self.n, self.d))
        points[gray] = qmc.Sobol(self.d, scramble=False, bits=BITS).random(self.n)
        return points

    def values(self) -> NDArray[np.float64]:
        """What is fitted, (n,): a wave in each coordinate, and noise."""
        noise = np.random.default_rng(self.seed).standard_normal(self.n)
        return np.cos(2 * np.pi * self.points()).sum(axis=1) + np.sqrt(NOISE) * noise

    def eigenvalues(self) -> NDArray[np.float64]:
        """Those of a real matrix of either kind, (n,): from 2 down to nearly 1."""
        frequency = np.arange(self.n)
        return 1 + 1 / (1 + np.minimum(frequency, self.n - frequency))

    def right_hand_side(self) -> NDArray[np.float64]:
        """What is solved for, (n,)."""
        return np.random.default_rng(self.seed).standard_normal(self.n)

    def reference(self) -> Reference | None:
        """The right output (1, n) or (1, 1); None where every contender draws its own."""
        kind = self.workload.partition(" ")[0]
        if kind not in _REFERENCES:
            return None
        values = np.atleast_1d(_REFERENCES[kind](self))[None]
        columns = np.arange(values.shape[1])
        if len(columns) > _FEW:
            columns = np.sort(np.random.default_rng(self.seed).choice(len(columns), _FEW, False))
        return Reference(np.arange(1), columns, values[:, columns])


def vector(d: int) -> NDArray[np.uint64]:
    """A generating vector (d,) for up to 2^20 points."""
    return np.array([pow(_MULTIPLIER, j, _LARGEST) for j in range(d)], np.uint64)


def weight(d: int) -> float:
    """The weight of every coordinate in the kernel: all of them together count as much as one."""
    return 2 ** (1 / d) - 1


def _column(job: QmcJob) -> NDArray[np.float64]:
    """K(x_i, x_0) for the kernels of order 2; x_0 is the origin."""
    x = job.points()
    if job.is_lattice:
        parts = -((2 * np.pi) ** 4) / 24 * (x**4 - 2 * x**3 + x**2 - 1 / 30)
    else:
        # x is in [2^-b, 2^(1-b)); b counts as 0 at 0, and so do powers of 2^-b.
        b = np.where(x > 0, 1 - np.frexp(x)[1], 0).astype(np.float64)
        parts = -b * x + 2.5 * (1 - np.where(x > 0, 2.0**-b, 0)) - 1
    return np.prod(1 + weight(job.d) * parts, axis=1)


def _solution(job: QmcJob) -> NDArray[np.float64]:
    """c with F^* diag(eigenvalues) F c = y."""
    return _back(job, _transformed(job, job.right_hand_side()) / job.eigenvalues())


def _loss(job: QmcJob) -> NDArray[np.float64]:
    """Minus the logarithm of the likelihood of the values, before the step."""
    eigenvalues = np.sqrt(job.n) * np.real(_transformed(job, _column(job))) + NOISE
    values = job.values()
    powers = np.square(np.abs(_transformed(job, values - values.mean())))
    constant = job.n * np.log(2 * np.pi)
    return np.asarray(np.sum(powers / eigenvalues) + np.sum(np.log(eigenvalues)) + constant) / 2


def _integral(job: QmcJob) -> NDArray[np.float64]:
    """That of Keister's function."""
    from experiments._integrands import integrand

    return np.asarray(integrand("keister", job.d).exact)


def _transformed(job: QmcJob, y: NDArray) -> NDArray:
    """F y: the Fourier transform of what is in bit-reversed order, or the Walsh transform."""
    if job.is_lattice:
        return np.fft.fft(y[bit_reversal(job.n)], norm="ortho")
    return _walsh(y)


def _back(job: QmcJob, spectrum: NDArray) -> NDArray[np.float64]:
    """F^* of a spectrum."""
    if job.is_lattice:
        return np.fft.ifft(spectrum, norm="ortho").real[bit_reversal(job.n)]
    return _walsh(spectrum)


def _walsh(y: NDArray) -> NDArray:
    """The Walsh-Hadamard transform, by additions."""
    h = 1
    while h < y.size:
        a, b = y.reshape(-1, 2, h).swapaxes(0, 1)
        y = np.stack([a + b, a - b], axis=1).ravel()
        h *= 2
    return y / np.sqrt(y.size)


_REFERENCES = {
    "column": _column,
    "solve": _solution,
    "step": _loss,
    "cubature": _integral,
    "Bayesian": _integral,
}
