"""Races are fair, survive bad contenders, and leave no process behind."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import _race
from tests.experiments import racers
from tests.experiments.racers import JOB, contender

ROOT = Path(__file__).parents[2]


@pytest.fixture
def stable():
    found = _race.Stable()
    yield found
    found.close()


def run(stable, *contenders, rounds=2, least_seconds=0.002):
    results = _race.race(stable, JOB, contenders, rounds=rounds, least_seconds=least_seconds)
    return {result["family"]: result for result in results}


def test_a_result_is_that_of_the_timings(stable):
    found = run(stable, contender("sleeps"), contender("right"), rounds=5)
    slept = found["sleeps"]
    assert slept["status"] == "ok"
    assert len(slept["seconds"]) == 5
    assert slept["low"] <= slept["median"] <= slept["high"]
    assert 0.001 <= slept["median"] < 0.1
    assert slept["calls"] >= 1
    assert slept["error"] is None
    assert found["right"]["error"] < 1e-6
    assert slept.keys() == found["right"].keys()


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("absent", "not installed: a_library_that_is_not_there"),
        ("refuses", "not available: built without it"),
        ("half_wrong", "failed: ArithmeticError: its output is wrong: the relative error is 0.59"),
        ("raises", "failed: ZeroDivisionError: by design"),
        ("dies", "failed: its process ended with SIGSEGV: last words"),
        ("exits", "failed: its process ended with exit code 3"),
        ("dies_in_a_timing", "failed: its process ended with exit code 4"),
        ("hangs", "failed: no answer in 0.5 seconds"),
    ],
)
def test_one_that_cannot_go_on_says_why_and_the_others_go_on(stable, monkeypatch, name, status):
    run(stable, contender("sleeps"))  # its start may take longer than the others are waited for
    monkeypatch.setattr(_race, "ANSWER_SECONDS", 0.5 if name == "hangs" else 60)
    for _ in range(2):
        found = run(stable, contender(name), contender("sleeps"), rounds=8)
        assert found[name]["status"] == status
        assert found[name]["seconds"] == []
        assert found[name]["median"] is None
        assert len(found["sleeps"]["seconds"]) == 8


def test_a_process_takes_its_contenders_along(stable):
    shared = {"environment": {"SHARED": "1"}}
    one = contender("shared", "dies_in_a_timing", **shared)
    other = dataclasses.replace(contender("shared", "sleeps", **shared), variant="other")
    results = _race.race(stable, JOB, [one, other], rounds=8, least_seconds=0.002)
    assert [result["status"] for result in results] == [
        "failed: its process ended with exit code 4",
        "failed: shared, toy took its process along",
    ]


def test_what_a_library_prints_is_no_answer(stable):
    assert run(stable, contender("talks"))["talks"]["status"] == "ok"


def test_slow_ones_are_timed_less_often(stable):
    slow = contender("slow", "sleeps", options={"milliseconds": 350})
    found = run(stable, slow, contender("sleeps"), rounds=5)
    assert len(found["slow"]["seconds"]) == 3
    assert len(found["sleeps"]["seconds"]) == 5


def test_what_a_contender_does_not_do_is_said(stable):
    found = run(stable, contender("sleeps", dtypes=("float64",)))
    assert found["sleeps"]["status"] == "takes no float32"


def test_the_order_turns_around_every_other_round(stable, monkeypatch):
    asked = []
    ask = _race.Stable.ask

    def remember(self, contender, **request):
        if request["do"] == "time":
            asked.append(contender.family)
        return ask(self, contender, **request)

    monkeypatch.setattr(_race.Stable, "ask", remember)
    run(stable, contender("sleeps"), contender("talks"), rounds=3)
    assert asked == ["sleeps", "talks", "talks", "sleeps", "sleeps", "talks"]


def test_who_waits_is_stopped(stable):
    run(stable, contender("sleeps"), contender("talks"))
    states = [state(pid) for pid in children(os.getpid())]
    assert states == ["T", "T"]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(end):
    command = [sys.executable, racers.__file__]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    racing = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with racing:
        assert racing.stdout is not None
        assert racing.stdout.readline() == "raced\n"
        pids = children(racing.pid)
        assert len(pids) == 3
        racing.send_signal(end)
        racing.wait(timeout=30)
    deadline = time.monotonic() + 30
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, "a process outlives the race"
        time.sleep(0.05)


def children(pid):
    """The processes that a process has started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("needs the /proc of Linux")
    return [int(word) for word in path.read_text().split()]


def state(pid):
    """One letter: T is stopped, Z has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def alive(pid):
    """Return whether a process runs or could."""
    try:
        return state(pid) != "Z"
    except FileNotFoundError:
        return False
