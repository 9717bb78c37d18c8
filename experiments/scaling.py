"""The transform along an axis that is spread over devices: measured here, carried to 1024 there.

Measured: virtual CPU devices of one process, and two processes that talk by gloo. Each trial is a
fresh set of processes that times, call by call in turn, the transform and its local stages without
the exchanges. On two cores more devices do not make it faster; what is measured is whether the cost
is what the model says: local stages, a start, and for each exchange latency + bytes / bandwidth.
These are fitted, for each mesh, to every other length; the lengths between are predicted.

Carried: the same model with the published numbers of two machines, for a block of constant size on
each device (weak scaling). Bytes are exact, times are at the peak of links and memories.

False alarms: bands of medians and of fits hold the true value in 99 % of cases, each.
"""

import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import jax

from experiments._contract import Check, Experiment, Preset, Row, UsageError
from experiments._scaling_fit import (
    BAND_NEEDS,
    exchange_bytes,
    fit,
    measured_rows,
    over_model,
    spread_rows,
)
from experiments._scaling_model import (
    EXCHANGES,
    H200,
    ITEM,
    V5P,
    Layout,
    Machine,
    Switched,
    Torus,
    butterfly,
    passes,
    sent,
)
from experiments._settings import check_settings

MeshName: TypeAlias = Literal["1x1", "1x2", "1x4", "2x2"]

TOLERANCE = 0.25  # of the model: whole transforms within a quarter of what it says
EPS = 2.0**-23  # of float32
PATIENCE = 600  # seconds for one trial


@dataclass(frozen=True)
class Config:
    """What is measured, and to which machines it is carried."""

    seed: int = 0
    """Seed of every random key."""
    meshes: tuple[MeshName, ...] = ("1x1", "1x2", "1x4", "2x2")
    """Processes x devices of each."""
    log2_n: tuple[int, ...] = tuple(range(12, 23))
    """Logarithms of the lengths that are measured."""
    rounds: int = 100
    """Timed calls of each program."""
    log2_devices: tuple[int, ...] = tuple(range(11))
    """Logarithms of the numbers of devices that it is carried to."""
    log2_block: int = 28
    """Logarithm of the points of each device there: 1 GiB."""
    h200: Switched = H200
    """NVIDIA H200, 8 behind NVLink switches, InfiniBand between."""
    v5p: Torus = V5P
    """Google TPU v5p."""

    def __post_init__(self) -> None:
        check_settings(self, rounds=1)
        if min(self.log2_n) < 4 or max(self.log2_n) > 28:
            raise ValueError(f"--log2-n must be between 4 and 28, but is {self.log2_n}")
        if min(self.log2_devices) < 0 or max(self.log2_devices) > self.log2_block:
            raise ValueError(
                f"--log2-devices must be between 0 and --log2-block, but is {self.log2_devices}"
            )


@dataclass(frozen=True)
class Measured:
    """One length on one set of devices."""

    mesh: MeshName
    log2_n: int
    rounds: int


@dataclass(frozen=True)
class Carried:
    """One number of devices of one machine."""

    machine: str
    numbers: Machine
    layout: Layout
    devices: int
    log2_block: int


def trials(config: Config) -> Iterator[Measured | Carried]:
    """List what is measured, and what is carried."""
    for mesh in config.meshes:
        for log2_n in config.log2_n:
            yield Measured(mesh, log2_n, config.rounds)
    for name, numbers in (("H200", config.h200), ("TPU v5p", config.v5p)):
        for layout in EXCHANGES:
            for devices in (1 << e for e in config.log2_devices):
                yield Carried(name, numbers, layout, devices, config.log2_block)


def run(trial: Measured | Carried, key: jax.Array) -> dict[str, Any]:
    """Measure with processes of its own, or predict."""
    if isinstance(trial, Measured):
        return _measure(trial, key)
    block = float(ITEM << trial.log2_block)
    local = 2 * block * passes(trial.log2_block, trial.devices) / trial.numbers.memory
    exchanged = EXCHANGES[trial.layout] * trial.numbers.exchange_seconds(trial.devices, block)
    return {
        "sent": EXCHANGES[trial.layout] * sent(trial.devices, block),
        "sent_by_butterfly": butterfly(trial.devices, block),
        "local_seconds": local,
        "exchange_seconds": exchanged,
    }


def _measure(trial: Measured, key: jax.Array) -> dict[str, Any]:
    """Run the workers of one trial, and return what process 0 has printed."""
    processes, devices = (int(part) for part in trial.mesh.split("x"))
    job = {
        "processes": processes,
        "devices": devices,
        "log2_n": trial.log2_n,
        "rounds": trial.rounds,
        "seed": jax.random.key_data(key).tolist(),
        "port": _free_port(),
    }
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / str(rank) for rank in range(processes)]
        workers: list[subprocess.Popen[str]] = []
        try:
            for rank, log in enumerate(logs):
                workers.append(_worker(job, rank, log))
            failed = _wait(workers)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        if failed is not None:
            said = logs[failed].read_text().strip().splitlines() or ["it said nothing"]
            raise UsageError(f"Process {failed} of {trial} failed: {said[-1]}")
        return json.loads(logs[0].read_text().splitlines()[-1])


def _worker(job: dict[str, Any], rank: int, log: Path) -> subprocess.Popen[str]:
    """Start one process; all that it says goes to its log."""
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    paths = [str(Path(__file__).parent.parent), *filter(None, [environment.get("PYTHONPATH")])]
    environment |= {"JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "experiments._scaling_worker", json.dumps(job), str(rank)]
    with log.open("w") as file:
        return subprocess.Popen(command, env=environment, stdout=file, stderr=file, text=True)


def _wait(workers: Sequence[subprocess.Popen[str]]) -> int | None:
    """Wait for all processes; return the first that fails or takes too long, for the others wait
    for it in vain."""
    end = time.monotonic() + PATIENCE
    while any(worker.poll() is None for worker in workers):
        failed = [rank for rank, worker in enumerate(workers) if worker.poll()]
        if failed or time.monotonic() > end:
            return failed[0] if failed else 0
        time.sleep(0.05)
    return next((rank for rank, worker in enumerate(workers) if worker.poll()), None)


def _free_port() -> int:
    """Return a port where the first process can wait for the others."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare bytes with the formula, errors with the law of round-off, times with the model."""
    found = [_round_off_check(mesh, measured) for mesh, measured in measured_rows(rows).items()]
    for mesh, measured in spread_rows(rows).items():
        found += [*_byte_checks(mesh, measured), *_model_checks(mesh, measured)]
    return [*found, *_carried_checks(rows)]


def _round_off_check(mesh: str, rows: Sequence[Row]) -> Check:
    """Errors against float64."""
    return Check(
        f"{mesh}: relative error / (eps sqrt(log2 n)) (worst)",
        "measured",
        max(row["error"] / (EPS * math.sqrt(row["log2_n"])) for row in rows),
        "at most",
        2.0,
    )


def _byte_checks(mesh: str, rows: Sequence[Row]) -> Iterator[Check]:
    """Bytes that the compiled programs send; the local stages send none."""
    for layout, exchanges in EXCHANGES.items():
        ratios = [row[f"sent_{layout}"] / (exchanges * exchange_bytes(row)) for row in rows]
        yield Check(
            f"{mesh}, {layout}: bytes in the compiled program / {exchanges} (p-1)/p block (worst)",
            "ours, proved",
            max(ratios, key=lambda ratio: abs(ratio - 1)),
            "equals",
            1.0,
        )
    local = max(row["sent_local"] for row in rows)
    yield Check(f"{mesh}: bytes that the local stages send", "ours, proved", local, "equals", 0.0)


def _model_checks(mesh: str, rows: Sequence[Row]) -> Iterator[Check]:
    """The fitted costs, and the whole transforms by them.

    Nothing where too few rounds leave the times without a band, as in a smoke test.
    """
    costs = fit(rows)
    if costs is None or rows[0]["rounds"] < BAND_NEEDS:
        return
    names = (
        "start of the exchanges, microseconds",
        "latency of an exchange, microseconds",
        "an exchange of a GB, milliseconds",
    )
    for name, value, error, unit in zip(
        names, costs.values, costs.errors, (1e6, 1e6, 1e12), strict=True
    ):
        low, high = unit * (value - error), unit * (value + error)
        statement = f"{mesh}: {name}"
        yield Check(statement, "measured", unit * value, "at least", 0.0, low=low, high=high)
    for number, row in enumerate(rows):
        seen = "unseen" if number % 2 else "fitted"
        for layout in EXCHANGES:
            ratio, low, high = over_model(row, layout, costs)
            far = sorted((abs(low - 1), abs(high - 1)))
            yield Check(
                f"{mesh}, {layout}, n=2^{row['log2_n']} ({seen}): |time / model - 1|",
                "measured",
                abs(ratio - 1),
                "at most",
                TOLERANCE,
                low=0.0 if low <= 1 <= high else far[0],
                high=far[1],
            )


def _carried_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Exchanges never send more than a butterfly."""
    carried = [row for row in rows if row.get("machine") and row["devices"] > 1]
    if carried:
        yield Check(
            "bytes sent in natural order / by a butterfly (worst number of devices)",
            "ours, proved",
            max(row["sent"] / row["sent_by_butterfly"] for row in carried),
            "at most",
            1.0,
        )


EXPERIMENT = Experiment(
    name="scaling",
    question="What does a transform across devices cost, and what would it cost on 1024 of them?",
    presets={
        "smoke": Preset(
            Config(meshes=("1x2", "2x2"), log2_n=(8, 10, 12), rounds=3, log2_devices=(0, 10)),
            minutes=0.3,
        ),
        "quick": Preset(
            Config(meshes=("1x2", "2x2"), log2_n=tuple(range(12, 21)), rounds=20), minutes=1.5
        ),
        "paper": Preset(Config(), minutes=4.0),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
