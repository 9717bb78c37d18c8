"""How long hadax takes, against the limit of the machine and against everybody else.

A trial is a race of all contenders on one input (``_race.py``, ``_contenders.py``): ratios compare
what was timed in turn, minutes apart at most. Its row has one entry a contender: median and
quartiles of the seconds of a call, the timings themselves, the number of calls of each, the error
against float64, and for JAX programs the seconds of compiling (trace to executable) and the bytes
of temporaries. What cannot take part is there too, with the reason.

Two more kinds of trials: "import" times `import hadax` after `import jax`, each in a new process;
the preset "gpu" runs the kernels of a GPU instead (``_speed_gpu.py``).
"""

import functools
import importlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

from experiments import _race, _speed_checks
from experiments._contenders import CONTENDERS, FAMILIES
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from experiments._workloads import DType, Job, Workload

Scale: TypeAlias = Literal["smoke", "quick", "paper"]
Work: TypeAlias = tuple[Workload, DType, tuple[tuple[int, int], ...]]

WORK: dict[Scale, tuple[Work, ...]] = {
    "smoke": (
        ("fwht", "float32", ((2, 64),)),
        ("integers", "float32", ((2, 64),)),
        ("length", "float32", ((2, 12),)),
        ("rotation", "float32", ((2, 64),)),
        ("fftbr", "complex64", ((2, 64),)),
    ),
    "quick": (
        ("fwht", "float32", ((1, 2**12), (1, 2**20), (4096, 128), (4096, 1024))),
        ("fwht", "float64", ((1, 2**20),)),
        ("integers", "float32", ((1, 2**16),)),
        ("length", "float32", ((4096, 576),)),
        ("rotation", "float32", ((4096, 1024),)),
        ("fftbr", "complex64", ((1, 2**20),)),
    ),
    "paper": (
        ("fwht", "float32", tuple((1, 2**k) for k in (8, 12, 16, 20, 24))),
        ("fwht", "float32", ((4096, 128), (4096, 1024), (4096, 4096), (512, 2**14), (16, 2**20))),
        ("fwht", "float64", ((1, 2**12), (1, 2**20), (4096, 1024), (16, 2**20))),
        ("fwht", "bfloat16", ((1, 2**12), (1, 2**20), (4096, 1024))),
        ("integers", "float32", ((1, 2**16), (64, 1024))),
        ("length", "float32", ((4096, 576), (512, 11008))),
        ("rotation", "float32", ((1, 2**20), (4096, 1024), (4096, 4096))),
        ("fftbr", "complex64", ((1, 2**20), (64, 2**16))),
        ("fftbr", "complex128", ((1, 2**20), (64, 2**16))),
    ),
}
_IMPORTS = """\
import time
began = time.perf_counter()
import jax
between = time.perf_counter()
import hadax
print(between - began, time.perf_counter() - between)
"""

_stable = functools.cache(_race.stable_until_exit)


@dataclass(frozen=True)
class Config:
    """What races against whom, and for how long."""

    seed: int = 0
    """Seed of every random key."""
    scale: Scale = "paper"
    """Which workloads, in which shapes."""
    families: tuple[str, ...] = FAMILIES
    """Whose contenders take part."""
    rounds: int = 11
    """Timings of each contender; fewer where a call takes longer than 0.3 seconds."""
    milliseconds: float = 4.0
    """Length of a timing, at least: it averages so many calls."""

    def __post_init__(self) -> None:
        check_settings(self, rounds=1)
        _race.check_race(self, FAMILIES)


@dataclass(frozen=True)
class Trial:
    """One race. ("import" has neither shape nor dtype.)"""

    workload: Workload | Literal["import"]
    rows: int
    n: int
    dtype: DType
    rounds: int
    milliseconds: float
    families: tuple[str, ...]


@dataclass(frozen=True)
class GpuConfig:
    """Which lengths are measured on a GPU."""

    seed: int = 0
    """Seed of every random key."""
    sizes: tuple[int, ...] = tuple(2**k for k in range(4, 16))
    """The lengths."""

    def __post_init__(self) -> None:
        check_settings(self)


def trials(config: Config | GpuConfig) -> Iterator[Any]:
    """List the races of a scale."""
    if isinstance(config, GpuConfig):
        yield from _gpu().trials(config.sizes)
        return
    effort = (config.rounds, config.milliseconds)
    for workload, dtype, shapes in WORK[config.scale]:
        for rows, n in shapes:
            yield Trial(workload, rows, n, dtype, *effort, config.families)
    yield Trial("import", 0, 0, "float32", config.rounds, 0.0, ())


def run(trial: Any, key: jax.Array) -> dict[str, Any]:
    """Hold one race."""
    if not isinstance(trial, Trial):
        return _gpu().run(trial, key)
    if trial.workload == "import":
        return _import_times(trial.rounds)
    seed = tuple(int(word) for word in np.ravel(jax.random.key_data(key)))
    job = Job(trial.workload, trial.rows, trial.n, trial.dtype, seed)
    entered = [each for each in CONTENDERS if each.family in trial.families and each.concerns(job)]
    results = _race.race(
        _stable(),
        job,
        entered,
        rounds=trial.rounds,
        least_seconds=trial.milliseconds / 1000,
    )
    return {"contenders": results}


def _gpu() -> ModuleType:
    """What measures on a GPU: it is imported for its preset only, because it imports kernels."""
    return importlib.import_module("experiments._speed_gpu")


def _import_times(rounds: int) -> dict[str, Any]:
    """Seconds of both imports, each pair in a new process; the first pair only warms the disk."""
    command = [sys.executable, "-c", _IMPORTS]
    pairs = []
    for _ in range(rounds + 1):
        printed = subprocess.check_output(command, cwd=_race.ROOT, text=True)
        pairs.append([float(word) for word in printed.split()])
    jax_seconds, hadax_seconds = zip(*pairs[1:], strict=True)
    return {"import_jax": list(jax_seconds), "import_hadax": list(hadax_seconds)}


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with what was set out to be reached; a GPU has bounds of its own."""
    if rows and "workload" not in rows[0]:
        return _gpu().checks(rows)
    return _speed_checks.checks(rows)


EXPERIMENT: Experiment[Any, Any] = Experiment(
    name="speed",
    question="How far from the limit of the machine is a transform, and how far is everybody else?",
    presets={
        "smoke": Preset(Config(scale="smoke", rounds=2, milliseconds=0.1), minutes=0.4),
        "quick": Preset(Config(scale="quick", rounds=5), minutes=2),
        "paper": Preset(Config(), minutes=15),
        "gpu": Preset(GpuConfig(), minutes=8, device="one GPU"),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
