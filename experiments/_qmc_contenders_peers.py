"""The contenders from other libraries, each imported where it is used: none of them is required."""

import importlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import qmc

from experiments._contenders import Prepared
from experiments._qmc_workloads import BITS, NOISE, TOLERANCES, QmcJob, vector, weight

_LARGEST = 20  # the binary logarithm of the largest number of points


def qmcpy_points(job: QmcJob) -> Prepared:
    """A sequence that is called; it keeps no points."""
    qmcpy = importlib.import_module("qmcpy")
    if job.workload == "lattice":
        sequence = _lattice(job, randomize="SHIFT", seed=7)
    elif job.workload == "sobol":
        sequence = qmcpy.DigitalNetB2(job.d, randomize="LMS DS", seed=7)
    else:
        sequence = qmcpy.Halton(job.d, randomize="DP", seed=7)
    return Prepared(_loop(lambda: sequence(job.n)))


def qmcpy_owen(job: QmcJob) -> Prepared:
    """A sequence that is made anew in each call: it keeps the tree of its flips."""
    qmcpy = importlib.import_module("qmcpy")
    return Prepared(_loop(lambda: qmcpy.DigitalNetB2(job.d, randomize="NUS", seed=7)(job.n)))


def scipy_points(job: QmcJob) -> Prepared:
    """A sequence that begins again in each call."""
    make = qmc.Sobol if job.workload == "sobol" else qmc.Halton
    sequence: Any = make(job.d, scramble=True, rng=7)
    return Prepared(_loop(lambda: sequence.reset().random(job.n)))


def qmcpy_column(job: QmcJob) -> Prepared:
    """A kernel that is called with all points and the first one."""
    qmcpy = importlib.import_module("qmcpy")
    if job.is_lattice:
        kernel = qmcpy.KernelShiftInvar(job.d, alpha=2, lengthscales=weight(job.d))
        x = job.points()
    else:
        kernel = qmcpy.KernelDigShiftInvar(job.d, t=BITS, alpha=2, lengthscales=weight(job.d))
        x = (job.points() * 2.0**BITS).astype(np.uint64)
    return Prepared(_loop(lambda: kernel(x, x[0])), lambda: kernel(x, x[0])[None])


def qmcpy_solve(job: QmcJob) -> Prepared:
    """Two of its transforms."""
    qmcpy = importlib.import_module("qmcpy")
    y, eigenvalues = job.right_hand_side(), job.eigenvalues()

    def solve() -> np.ndarray:
        if job.is_lattice:
            return qmcpy.ifftbr(qmcpy.fftbr(y) / eigenvalues).real
        return qmcpy.fwht(qmcpy.fwht(y) / eigenvalues)

    return Prepared(_loop(solve), lambda: solve()[None])


def qmcpy_cubature(job: QmcJob) -> Prepared:
    """A cubature with the usual settings, made anew in each call: it keeps its points."""
    qmcpy = importlib.import_module("qmcpy")
    cubatures = {
        "cubature lattice": qmcpy.CubQMCLatticeG,
        "cubature net": qmcpy.CubQMCNetG,
        "Bayesian lattice": qmcpy.CubQMCBayesLatticeG,
        "Bayesian net": qmcpy.CubQMCBayesNetG,
    }
    make, tolerance = cubatures[job.workload], TOLERANCES[job.workload]

    def integrate() -> float:
        points = (qmcpy.Lattice if job.is_lattice else qmcpy.DigitalNetB2)(job.d, seed=7)
        solution, _ = make(qmcpy.Keister(points), abs_tol=tolerance).integrate()
        return float(np.ravel(solution)[0])

    return Prepared(_loop(integrate), lambda: np.full((1, 1), integrate()))


def fastgps_step(job: QmcJob) -> Prepared:
    """What an iteration of its `fit` does."""
    torch = importlib.import_module("torch")
    qmcpy = importlib.import_module("qmcpy")
    fastgps = importlib.import_module("fastgps")
    torch.set_default_dtype(torch.float64)
    shared: dict[str, Any] = {"torchify": True, "alpha": 2, "lengthscales": weight(job.d)}
    if job.is_lattice:
        kernel = qmcpy.KernelShiftInvar(job.d, **shared)
        process = fastgps.FastGPLattice(kernel, _lattice(job, randomize="FALSE"), noise=NOISE)
    else:
        kernel = qmcpy.KernelDigShiftInvar(job.d, t=BITS, **shared)
        sequence = qmcpy.DigitalNetB2(job.d, randomize="FALSE", t=BITS)
        process = fastgps.FastGPDigitalNetB2(kernel, sequence, noise=NOISE)
    process.get_x_next(job.n)
    process.add_y_next(torch.from_numpy(job.values()))
    optimizer = process.get_default_optimizer(None)
    likelihood = process.get_inv_log_det_cache()

    def step() -> float:
        os.environ["FASTGP_FORCE_RECOMPILE"] = "True"
        loss = likelihood.mll_loss(process, True)
        del os.environ["FASTGP_FORCE_RECOMPILE"]
        process.post_cubature_var()
        value = loss.item()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return value

    first = step()
    return Prepared(_loop(step), lambda: np.full((1, 1), first))


def _lattice(job: QmcJob, **settings: Any) -> Any:
    """Its lattice with our vector."""
    qmcpy = importlib.import_module("qmcpy")
    return qmcpy.Lattice(job.d, generating_vector=vector(job.d)[None], m_max=_LARGEST, **settings)


def _loop(function: Callable[[], object]) -> Callable[[int], None]:
    """Calls, one after the other."""

    def loop(calls: int) -> None:
        for _ in range(calls):
            function()

    return loop
