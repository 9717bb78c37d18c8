"""A sweep that was killed and resumed gives the same rows, byte for byte, as an unbroken one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOY = [str(Path(__file__).parent / "toy.py")]
REAL = ["-m", "experiments", "wasserstein", "smoke"]


def start(command, results, seconds="0"):
    environment = os.environ | {
        "HADAX_RESULTS": str(results),
        "TOY_SECONDS": seconds,
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.Popen([sys.executable, *command], env=environment, cwd=ROOT)


def rows(path):
    return [line for line in path.read_bytes().splitlines(True) if line.startswith(b'{"row"')]


def kill_after(process, path, count):
    """Kill -9 once the file has so many rows."""
    deadline = time.monotonic() + 120
    while not (path.exists() and len(rows(path)) >= count):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    ("command", "name", "seconds"),
    [
        (TOY, "toy-quick", "0.3"),
        pytest.param(REAL, "wasserstein-smoke", "0", marks=pytest.mark.slow),
    ],
    ids=["toy", "wasserstein"],
)
def test_killed_and_resumed_is_unbroken(tmp_path, command, name, seconds):
    unbroken = tmp_path / "unbroken" / "local" / f"{name}.jsonl"
    broken = tmp_path / "broken" / "local" / f"{name}.jsonl"
    assert start(command, tmp_path / "unbroken").wait() == 0
    kill_after(start(command, tmp_path / "broken", seconds), broken, 2)
    finished = rows(broken)
    assert 2 <= len(finished) < len(rows(unbroken))
    with broken.open("ab") as file:
        file.write(rows(unbroken)[len(finished)][:-9])  # as if killed in the middle of a write

    assert start(command, tmp_path / "broken").wait() == 0

    assert rows(broken) == rows(unbroken)
    lines = [json.loads(line) for line in broken.read_text().splitlines()]
    starts = [line["run"] for line in lines if "run" in line]
    assert len(starts) == 2
    assert starts[0]["fingerprint"] == starts[1]["fingerprint"]
    assert lines[-1]["end"]["added"] == len(rows(unbroken)) - len(finished)
