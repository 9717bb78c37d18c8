"""The experiment on the cost of quantization: its work list, its checks, processes that fail."""

import dataclasses
import json
import subprocess
from pathlib import Path

import jax
import pytest

from experiments import quantize_cost
from experiments._contract import UsageError
from experiments._runner import work_list

EXPERIMENT = quantize_cost.EXPERIMENT
PAPER = EXPERIMENT.presets["paper"].config
KEY = jax.random.key(0)


def rows(**changes):
    """Rows of the paper preset in which all is quick, but for some methods."""
    result = []
    for trial in EXPERIMENT.trials(PAPER):
        seconds = changes.get(trial.method.replace(" ", "_"), 10.0)
        times = {"quantize_seconds": seconds, "evaluate_seconds": seconds}
        times |= {"disk_bits_per_weight": changes.get("bits", 4.1)}
        times |= {"disk_differences": changes.get("differences", 0)}
        result.append(dataclasses.asdict(trial) | times)
    return result


def test_work_list():
    work = list(work_list(EXPERIMENT, PAPER).values())
    assert [trial.method for trial in work] == list(PAPER.methods)
    assert {trial.steps for trial in work if trial.method == "rtn"} == {0}
    assert all(trial.cold for trial in work)


def test_checks():
    assert {check.holds for check in quantize_cost.checks(rows())} == {"yes"}
    for change in ({"bits": 5.1}, {"differences": 1}):
        assert {check.holds for check in quantize_cost.checks(rows(**change))} == {"yes", "no"}
    late = quantize_cost.checks(rows(gptq=200.0))
    assert [check.statement for check in late if check.holds == "no"] == [
        "seconds of gptq at W4A4",
        "seconds to evaluate 8192 tokens by gptq at W4A4",
    ]


def test_what_a_process_says_is_read(monkeypatch):
    """It starts with nothing compiled, and without results, among which FlatQuant keeps its own."""
    (trial, *_) = EXPERIMENT.trials(PAPER)
    said = {"quantize_seconds": 1.5, "peak_gib": 2.0}

    def ran(command, *, env, **_):
        assert json.loads(command[-1])["method"] == trial.method
        for name in ("JAX_COMPILATION_CACHE_DIR", "HADAX_RESULTS"):
            assert not list(Path(env[name]).iterdir())
        return subprocess.CompletedProcess(command, 0, f"a warning\n{json.dumps(said)}\n", "")

    monkeypatch.setattr(subprocess, "run", ran)
    assert quantize_cost.run(trial, KEY) == said


def test_a_process_that_fails_is_said_in_a_line(monkeypatch):
    (trial, *_) = EXPERIMENT.trials(PAPER)

    def failed(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "Traceback\nMemoryError: no room")

    monkeypatch.setattr(subprocess, "run", failed)
    with pytest.raises(UsageError, match="process of rtn failed: MemoryError: no room"):
        quantize_cost.run(trial, KEY)
