"""Who races with low-discrepancy points and fast kernel matrices: ours as JAX programs, and peers.

Like ``_contenders.py``, the table is data and imports none of the libraries. Ours run in float32
with words of 32 bits, and in float64 with words of 64 bits, each in a process of its own.
"""

import functools
from typing import Any

from experiments._contenders import Contender, entry

_PRECISIONS = {"float32": "0", "float64": "1"}  # and JAX_ENABLE_X64
_POINTS = ("lattice", "sobol", "halton")
_COLUMNS = ("column lattice", "column net")
_SOLVES = ("solve lattice", "solve net")
_STEPS = ("step lattice", "step net")
_INTEGRALS = ("cubature lattice", "cubature net", "Bayesian lattice", "Bayesian net")

_peer = functools.partial(entry, "experiments._qmc_contenders_peers")


def _ours(variant: str, function: str, **settings: Any) -> list[Contender]:
    """One of our programs in both precisions."""
    return [
        entry(
            "experiments._qmc_contenders_jax", "hadax", f"{variant}{precision}", function,
            environment={"JAX_ENABLE_X64": switch}, **settings,
        )
        for precision, switch in _PRECISIONS.items()
    ]  # fmt: skip


CONTENDERS: tuple[Contender, ...] = (
    *_ours("", "points", workloads=_POINTS),
    *_ours("threefry, ", "owen", hash="threefry", workloads=("owen",)),
    *_ours("multiply, ", "owen", hash="multiply", workloads=("owen",)),
    *_ours("", "column", workloads=_COLUMNS),
    *_ours("", "solve", workloads=_SOLVES),
    *_ours("", "step", workloads=_STEPS),
    *_ours("", "cubature", workloads=_INTEGRALS),
    _peer("qmcpy", "float64", "qmcpy_points", workloads=_POINTS),
    _peer("qmcpy", "float64", "qmcpy_owen", workloads=("owen",)),
    _peer("qmcpy", "float64", "qmcpy_column", workloads=_COLUMNS),
    _peer("qmcpy", "float64", "qmcpy_solve", workloads=_SOLVES),
    _peer("qmcpy", "float64", "qmcpy_cubature", workloads=_INTEGRALS),
    _peer("scipy", "float64", "scipy_points", workloads=("sobol", "halton")),
    _peer("fastgps", "float64", "fastgps_step", workloads=_STEPS),
)

FAMILIES = tuple(dict.fromkeys(contender.family for contender in CONTENDERS))
OURS = "hadax"
PEERS = tuple(family for family in FAMILIES if family != OURS)
