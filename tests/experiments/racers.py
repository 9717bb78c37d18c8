"""Contenders that behave badly, and one that does not; `python racers.py` races for ever."""

import importlib
import os
import signal
import sys
import time

from experiments._contenders import Contender, Prepared
from experiments._race import Stable, race
from experiments._workloads import Job

JOB = Job("fwht", 2, 8, "float32", (0, 0))


def contender(name, function=None, **fields):
    """An entry for a function of this module."""
    return Contender(name, "toy", f"{__name__}:{function or name}", **fields)


def sleeps(job, milliseconds=1):
    return Prepared(lambda calls: time.sleep(calls * milliseconds / 1000))


def right(job):
    return Prepared(lambda calls: time.sleep(calls / 1000), lambda: _transform(job))


def half_wrong(job):
    y = _transform(job)
    y[:, job.n // 2 :] = 0
    return Prepared(lambda calls: time.sleep(calls / 1000), lambda: y)


def _transform(job):
    scipy = importlib.import_module("scipy.linalg")
    return job.input() @ scipy.hadamard(job.n) / job.n**0.5


def absent(job):
    importlib.import_module("a_library_that_is_not_there")


def refuses(job):
    raise NotImplementedError("built without it")


def raises(job):
    raise ZeroDivisionError("by design\nwith a second line")


def dies(job):
    print("last words", file=sys.stderr)
    os.kill(os.getpid(), signal.SIGSEGV)


def exits(job):
    os._exit(3)


def dies_in_a_timing(job):
    loops = 0

    def loop(calls):
        nonlocal loops
        loops += 1
        time.sleep(calls / 1000)
        if loops > 6:  # the start takes three
            os._exit(4)

    return Prepared(loop)


def hangs(job):
    time.sleep(1000)


def talks(job):
    print("what a library prints must not be taken for an answer")
    return sleeps(job)


if __name__ == "__main__":
    toys = [contender("sleeps"), contender("talks"), contender("right")]
    stable = Stable()
    while True:
        race(stable, JOB, toys, rounds=3, least_seconds=0.002)
        print("raced", flush=True)
