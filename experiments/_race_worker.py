"""The process of one family of contenders: `python -m experiments._race_worker PARENT`.

It reads one JSON request a line, and answers each with one line: what it was asked for, or why it
cannot. Only one process of a race works at a time; between requests `_race.py` stops it.
"""

import ctypes
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from experiments._contenders import Prepared, found_at, prepare
from experiments._workloads import Reference

WRONG = 0.1  # sixteen bits give 0.01 at most
_PR_SET_PDEATHSIG = 1  # of Linux's prctl


class Start:
    """A contender at its start, and how many of its calls take long enough to be timed."""

    def __init__(self, prepared: Prepared, least_seconds: float):
        self._loop = prepared.loop
        self._least = least_seconds
        self.calls = 1
        self._loop(1)  # what the first call does besides is not timed
        self.call_seconds = self.time()

    def time(self) -> float:
        """Return the seconds of one call, averaged over a timing that is long enough."""
        if self.calls > 1:
            self._loop(1)  # the caches hold the data of another process
        while True:
            began = time.perf_counter()
            self._loop(self.calls)
            seconds = time.perf_counter() - began
            if seconds >= self._least:
                return seconds / self.calls
            aim = int(1.2 * self.calls * self._least / seconds)
            self.calls = max(2 * self.calls, min(100 * self.calls, aim))


class Worker:
    """The contenders that are at their start."""

    def __init__(self) -> None:
        self._ready: dict[str, Start] = {}

    def prepare(
        self,
        name: str,
        function: str,
        options: dict[str, Any],
        job: dict[str, Any],
        kind: str,
        least_seconds: float,
        reference: str | None = None,
    ) -> dict[str, Any]:
        """Bring a contender to its start; say its error, and what compiling it took."""
        job["seed"] = tuple(job["seed"])
        prepared = prepare(function, found_at(kind)(**job), options)
        error = None
        if prepared.output is not None and reference is not None:
            error = Reference.load(Path(reference)).error(prepared.output())
            if not error < WRONG:
                raise ArithmeticError(f"its output is wrong: the relative error is {error:.2g}")
        start = self._ready[name] = Start(prepared, least_seconds)
        return {
            "error": error,
            "call_seconds": start.call_seconds,
            "compile_seconds": list(prepared.compile_seconds),
            "temp_bytes": prepared.temp_bytes,
        }

    def time(self, name: str) -> dict[str, Any]:
        """Take one timing."""
        start = self._ready[name]
        return {"seconds": start.time(), "calls": start.calls}

    def drop(self) -> dict[str, Any]:
        """Forget the contenders, and their arrays with them."""
        self._ready.clear()
        gc.collect()
        return {}


def _line(error: Exception) -> str:
    """The first line of a message."""
    return str(error).partition("\n")[0]


def main(parent: int) -> None:
    """Serve requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's affair
    if sys.platform == "linux":
        # Die with the parent, even if it is killed while this process is stopped.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return  # it is gone already
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no reply
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply = getattr(worker, request.pop("do"))(**request)
        except ModuleNotFoundError as error:
            reply = {"refused": f"not installed: {error.name}"}
        except NotImplementedError as error:
            reply = {"refused": f"not available: {_line(error)}"}
        except Exception as error:  # whatever a library raises: the others go on without it
            reply = {"refused": f"failed: {type(error).__name__}: {_line(error)}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
