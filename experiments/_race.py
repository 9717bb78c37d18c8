"""Races: contenders that are timed against one another, fairly.

Every family of contenders has a process of its own, because two thread pools in one process take
the cores from each other. One of them works at a time and the others are stopped by a signal, so
that a pool that waits busily waits in vain. Timings are taken in rounds: one of each contender in
turn, the order reversed every other round, so that what drifts on the machine drifts for all.
"""

import atexit
import contextlib
import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments._contenders import Contender, Task
from experiments._contract import UsageError

ROOT = Path(__file__).parent.parent
ANSWER_SECONDS = 300.0  # after which a contender counts as hanging
FEWER_ROUNDS = ((2.0, 1), (0.3, 3))  # for calls of so many seconds
QUARTILES = (50, 25, 75)

_UNSET = ("JAX_COMPILATION_CACHE_DIR",)  # a cache would answer how long compiling takes
_SET = {"JAX_PLATFORMS": "cpu"}


class ContenderError(Exception):
    """A contender cannot go on: the message is what the results say of it."""


class LostError(ContenderError):
    """Its process is of no use any more."""


class Process:
    """A process of contenders, stopped whenever it has nothing to answer."""

    def __init__(self, environment: Mapping[str, str]):
        inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is killed
        self._process = subprocess.Popen(
            [sys.executable, "-m", "experiments._race_worker", str(os.getpid())],
            cwd=ROOT,
            env=inherited | _SET | dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
        )

    def ask(self, **request: Any) -> dict[str, Any]:
        """Return the answer to a request."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        self._process.send_signal(signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):  # it is gone: there is no answer either
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        if not select.select([stdout], [], [], ANSWER_SECONDS)[0]:
            raise LostError(f"failed: no answer in {ANSWER_SECONDS:g} seconds")
        line = stdout.readline()
        if not line:
            raise LostError(self._epitaph())
        self._process.send_signal(signal.SIGSTOP)
        reply = json.loads(line)
        if "refused" in reply:
            raise ContenderError(reply["refused"])
        return reply

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _epitaph(self) -> str:
        """Return how it ended, and what it said last."""
        code = self._process.wait()
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return f"failed: its process ended with {how}{': ' * bool(last)}{last}"


class Stable:
    """The processes of all contenders, kept from race to race: their start takes seconds."""

    def __init__(self) -> None:
        self._processes: dict[Any, Process] = {}

    def ask(self, contender: Contender, **request: Any) -> dict[str, Any]:
        """Return a contender's answer; its process is started where there is none."""
        key = contender.process
        if key not in self._processes:
            self._processes[key] = Process(contender.environment)
        try:
            return self._processes[key].ask(name=contender.name, **request)
        except LostError:
            self._processes.pop(key).kill()
            raise

    def lost(self, contender: Contender) -> bool:
        """Return whether the contender has no process any more."""
        return contender.process not in self._processes

    def drop(self) -> None:
        """Make all processes forget their arrays; one that cannot is ended."""
        for key, process in list(self._processes.items()):
            try:
                process.ask(do="drop")
            except LostError:
                self._processes.pop(key).kill()

    def close(self) -> None:
        """End all processes."""
        while self._processes:
            self._processes.popitem()[1].kill()


@contextlib.contextmanager
def closing_on_error(stable: Stable) -> Iterator[None]:
    """Leave no process behind when something goes wrong, an interrupt included."""
    if os.name != "posix":
        raise UsageError("Races need a POSIX system: they stop processes by signals.")
    try:
        yield
    except BaseException:
        stable.close()
        raise


@dataclasses.dataclass
class Entrant:
    """A contender in a race, and what is known of it."""

    contender: Contender
    status: str = "ok"
    seconds: list[float] = dataclasses.field(default_factory=list)
    rounds: int = 0
    calls: int | None = None
    start: dict[str, Any] = dataclasses.field(default_factory=dict)

    def fail(self, status: str) -> None:
        """Say why it is out."""
        self.status, self.rounds, self.seconds, self.calls = status, 0, [], None

    def result(self) -> dict[str, Any]:
        """Return what the row says of it: the same names for all, None where there is nothing."""
        contender, start = self.contender, self.start
        median, low, high = (
            (_rounded(q) for q in np.percentile(self.seconds, QUARTILES))
            if self.seconds
            else (None, None, None)
        )
        return {
            "name": contender.name,
            "family": contender.family,
            "in_place": contender.in_place,
            "status": self.status,
            "median": median,
            "low": low,
            "high": high,
            "seconds": [_rounded(second) for second in self.seconds],
            "calls": self.calls,
            "error": _rounded(start.get("error")),
            "compile_seconds": [_rounded(second) for second in start.get("compile_seconds", ())],
            "temp_bytes": start.get("temp_bytes"),
        }


def check_race(config: Any, families: tuple[str, ...]) -> None:
    """Refuse timings of no length, and families that nobody is of."""
    if not 0 < config.milliseconds <= 10_000:
        raise ValueError(f"--milliseconds must be in (0, 10000], but is {config.milliseconds}")
    if unknown := set(config.families) - set(families):
        raise ValueError(
            f"--families must be some of {', '.join(families)}, but has {', '.join(unknown)}"
        )


def stable_until_exit() -> Stable:
    """The processes that all trials of an experiment share."""
    stable = Stable()
    atexit.register(stable.close)
    return stable


def race(
    stable: Stable,
    job: Task,
    contenders: Sequence[Contender],
    *,
    rounds: int,
    least_seconds: float,
) -> list[dict[str, Any]]:
    """Time the contenders against one another; one that fails is out and says why."""
    entrants = [Entrant(contender) for contender in contenders]
    with closing_on_error(stable), tempfile.TemporaryDirectory() as folder:
        task: dict[str, Any] = {"job": dataclasses.asdict(job), "kind": _address(type(job))}
        if (known := job.reference()) is not None:
            task["reference"] = str(Path(folder) / "reference.npz")
            known.save(Path(task["reference"]))
        for entrant in entrants:
            with _out_on_error(stable, entrants, entrant):
                _prepare(stable, entrant, job, rounds, task | {"least_seconds": least_seconds})
        for number in range(rounds):
            for entrant in entrants if number % 2 == 0 else reversed(entrants):
                if number < entrant.rounds:
                    with _out_on_error(stable, entrants, entrant):
                        reply = stable.ask(entrant.contender, do="time")
                        entrant.seconds.append(reply["seconds"])
                        entrant.calls = reply["calls"]
        stable.drop()
    return [entrant.result() for entrant in entrants]


def _address(kind: type) -> str:
    """Where a process finds a class."""
    return f"{kind.__module__}:{kind.__qualname__}"


def _prepare(
    stable: Stable, entrant: Entrant, job: Task, rounds: int, task: Mapping[str, Any]
) -> None:
    """Bring one to the start."""
    if (reason := entrant.contender.refusal(job)) is not None:
        raise ContenderError(reason)
    how = {"function": entrant.contender.function, "options": dict(entrant.contender.options)}
    entrant.start = stable.ask(entrant.contender, do="prepare", **how, **task)
    slow = [few for seconds, few in FEWER_ROUNDS if entrant.start["call_seconds"] > seconds]
    entrant.rounds = min([rounds, *slow])


@contextlib.contextmanager
def _out_on_error(stable: Stable, entrants: Sequence[Entrant], entrant: Entrant) -> Iterator[None]:
    """Take one out of the race that cannot go on, and with it those that it took along."""
    try:
        yield
    except ContenderError as error:
        entrant.fail(str(error))
        if not stable.lost(entrant.contender):
            return
        for other in entrants:
            if other.rounds and other.contender.process == entrant.contender.process:
                other.fail(f"failed: {entrant.contender.name} took its process along")


def _rounded(value: float | None) -> float | None:
    """Four digits are more than a timing has."""
    return None if value is None else float(f"{value:.4g}")
