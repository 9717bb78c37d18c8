"""The GPU measurement without a GPU: in the interpreter, all of it but the timing."""

import dataclasses
import json

import jax
import pytest

from experiments import _speed_gpu
from experiments._speed_gpu import COPY, DENSE, EINSUM, TABLE, GpuTrial


@pytest.fixture(autouse=True)
def rules_of_users():
    """Promotion as for users, who run this without the rules of the tests."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def row_of(trial):
    """The row of a trial, as it is read from a file."""
    result = _speed_gpu.run(trial, jax.random.key(0))
    return json.loads(json.dumps({"id": "0", **dataclasses.asdict(trial), **result}))


def test_the_work_covers_every_kernel():
    work = _speed_gpu.trials((16, 256, 8192))
    assert {trial.kind for trial in work} == {"transform", "quantize", "ungroup"}
    assert {t.n for t in work if t.kind == "transform"} == {16, 256, 8192, 192, 5120}
    assert len(work) == len(set(work)) == 5 * 3 + 2 + 1


@pytest.mark.parametrize(
    "trial",
    [
        GpuTrial("transform", 256, "float32"),
        GpuTrial("transform", 192, "bfloat16"),
        GpuTrial("quantize", 64, "bfloat16"),
        GpuTrial("ungroup", 256, "bfloat16"),
    ],
)
def test_everything_is_right_in_the_interpreter(trial):
    row = row_of(trial)
    assert row["device"] == "interpreter"
    assert {each["status"] for each in row["contenders"]} == {"ok"}
    found = _speed_gpu.checks([row])
    assert len(found) >= 2
    assert {check.holds for check in found} == {"yes"}


def test_wrong_results_and_failures_are_found(monkeypatch):
    monkeypatch.setitem(_speed_gpu.ALTERNATIVES, 64, ())
    monkeypatch.setattr(_speed_gpu._triton, "hadamard", lambda x, **_: x)
    row = row_of(GpuTrial("transform", 64, "float32"))
    wrong = {check.statement for check in _speed_gpu.checks([row]) if check.holds == "no"}
    assert len(wrong) == 2

    def broken(x, **_):
        raise ValueError("no\nsuch kernel")

    monkeypatch.setattr(_speed_gpu._triton, "hadamard", broken)
    row = row_of(GpuTrial("transform", 64, "float32"))
    (failed,) = [each for each in row["contenders"] if each["status"] != "ok"]
    assert failed["status"] == "failed: ValueError: no such kernel"
    assert next(check.holds for check in _speed_gpu.checks([row])) == "no"


def test_contenders_are_timed_in_turn():
    trial = GpuTrial("transform", 64, "float32", rounds=2, milliseconds=0.1)
    x = jax.numpy.ones((2, 64))
    results = [_speed_gpu._contender(name, lambda x: x + 1, (x,)) for name in ("a", "b")]
    results.append(_speed_gpu._contender("c", lambda x: x.no_such_method(), (x,)))
    _speed_gpu._time_in_turn(trial, results)
    assert [len(each["seconds"]) for each in results] == [2, 2, 0]
    assert results[2]["status"].startswith("failed: AttributeError")


@pytest.mark.parametrize(("seconds", "verdict"), [(1.1, "yes"), (3.0, "no")])
def test_bounds_on_time_are_those_of_a_gpu(seconds, verdict):
    def entry(name, seconds):
        each = _speed_gpu._contender(name, None, (), ours=name == TABLE)
        return each | {"seconds": [seconds, seconds * 1.001, seconds * 0.999]}

    contenders = [entry(COPY, 1.0), entry(TABLE, seconds), entry(EINSUM, 2.0), entry(DENSE, 9.0)]
    row = {"kind": "transform", "n": 4096, "dtype": "bfloat16", "device": "a GPU"}
    found = _speed_gpu.checks([row | {"contenders": contenders}])
    assert [check.holds for check in found] == ["yes", verdict, verdict]
