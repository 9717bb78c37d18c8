"""The speed experiment: its inputs and references, its table, its checks, its command line."""

import dataclasses
import importlib
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.linalg

import hadax
from experiments import _cli, _speed_checks, speed
from experiments._contenders import CONTENDERS, FAMILIES, OURS, PEERS
from experiments._runner import run_experiment
from experiments._workloads import CHECKED, Job, Reference, reference, rotation_signs

SEED = (0, 1)


@pytest.fixture(scope="module", autouse=True)
def no_process_left():
    yield
    speed._stable().close()


def matrix(job):
    h = np.asarray(hadax.hadamard_matrix(job.n), float)
    if job.workload == "integers":
        return h
    if job.workload == "rotation":
        return h * rotation_signs(job.n) / np.sqrt(job.n)
    if job.workload == "fftbr":
        order = np.asarray(hadax.bit_reverse(np.arange(job.n)))
        return scipy.linalg.dft(job.n)[:, np.argsort(order)] / np.sqrt(job.n)
    return h / np.sqrt(job.n)


@pytest.mark.parametrize(
    "job",
    [
        Job("fwht", 3, 16, "float32", SEED),
        Job("fwht", 3, 16, "bfloat16", SEED),
        Job("fwht", 1, 16, "float64", SEED),
        Job("integers", 3, 16, "float32", SEED),
        Job("length", 2, 12, "float32", SEED),
        Job("rotation", 2, 16, "float32", SEED),
        Job("fftbr", 2, 16, "complex64", SEED),
        Job("fftbr", 2, 16, "complex128", SEED),
    ],
    ids=lambda job: f"{job.workload} {job.dtype}",
)
def test_the_reference_is_the_product_with_the_matrix(job):
    x = job.input()
    assert x.shape == (job.rows, job.n)
    assert x.dtype.name == job.dtype
    wide = x.astype(complex if x.dtype.kind == "c" else float)
    y = wide @ matrix(job).T
    known = reference(job)
    np.testing.assert_allclose(known.values, y[known.rows][:, known.columns], atol=1e-12)
    assert known.error(y) < 1e-13
    assert known.error(2 * y) == pytest.approx(1)


def test_of_a_long_vector_a_part_is_known():
    job = Job("fwht", 1, 2 * CHECKED, "float32", SEED)
    known = reference(job)
    assert known.values.shape == (1, CHECKED)
    y = np.asarray(hadax.fwht(job.input()))
    assert known.error(y) < 1e-6
    for half in (slice(0, CHECKED), slice(CHECKED, None), slice(0, None, 2)):
        wrong = y.copy()
        wrong[:, half] = 0
        assert known.error(wrong) > 0.5


def test_a_reference_survives_its_file(tmp_path):
    known = reference(Job("fftbr", 2, 8, "complex64", SEED))
    known.save(tmp_path / "known.npz")
    again = Reference.load(tmp_path / "known.npz")
    assert again.error(known.values) == 0
    assert again.values.dtype == known.values.dtype


def test_inputs_are_those_of_the_seed():
    job = Job("fwht", 2, 8, "float32", SEED)
    np.testing.assert_array_equal(job.input(), job.input())
    assert (job.input() != dataclasses.replace(job, seed=(1, 1)).input()).any()
    integers = dataclasses.replace(job, workload="integers", rows=100).input()
    assert set(np.unique(integers)) == set(range(-8, 9))


@pytest.mark.parametrize(("n", "power"), [(576, 512), (11008, 8192), (800, 1024), (64, 64)])
def test_the_nearest_power_of_two(n, power):
    assert Job("length", 1, n, "float32", SEED).at_power_of_two().n == power


def test_every_contender_has_its_function_and_a_name_of_its_own():
    assert len({each.name for each in CONTENDERS}) == len(CONTENDERS)
    for each in CONTENDERS:
        module, _, name = each.function.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
    assert set(PEERS) | set(OURS) <= set(FAMILIES)


def refusals(job):
    return {each.name: each.refusal(job) for each in CONTENDERS if each.concerns(job)}


def test_what_is_not_raced_is_said():
    found = refusals(Job("fwht", 4096, 4096, "float32", SEED))
    assert found["hadax xla, donated"] is None
    assert found["fht-cpu, in place"] is None
    assert found["scipy, x @ hadamard(n)"] == "too slow beyond n = 1024"
    assert found["qmcpy, fwht"] == "too slow beyond 16 MB"
    assert "hadax, rotation, fresh" not in found
    assert refusals(Job("fwht", 1, 16, "bfloat16", SEED))["pyfwht, cpu"] == "takes no bfloat16"
    assert refusals(Job("length", 1, 12, "float32", SEED))["hadax xla, donated"] is None


def test_settings_of_a_process_are_raced_where_they_matter():
    small = refusals(Job("fwht", 1, 256, "float32", SEED))
    large = refusals(Job("fwht", 1, 1 << 24, "float32", SEED))
    assert "hadax xla, fresh, async dispatch" in small.keys() - large.keys()
    assert "hadax xla, fresh, tuned malloc" in large.keys() - small.keys()


SMALL = dataclasses.replace(
    speed.EXPERIMENT.presets["smoke"].config, families=("limit", "hadax xla", "torch")
)


@pytest.mark.slow
@pytest.mark.optimized
def test_a_small_run_resumes_and_its_checks_hold():
    found = run_experiment(speed.EXPERIMENT, "smoke", SMALL)
    assert all(check.holds == "yes" for check in speed.checks(found.rows))
    entries = {each["name"]: each for each in found.rows[0]["contenders"]}
    assert entries["hadax xla, donated"]["error"] < 1e-6
    assert len(entries["hadax xla, donated"]["compile_seconds"]) == 3
    assert entries["limit, np.copy"]["status"] == "ok"
    assert entries["torch, butterfly"]["status"] in ("ok", "not installed: torch")
    lines = found.path.read_bytes().splitlines(True)
    found.path.write_bytes(b"".join(lines[:4]))
    again = run_experiment(speed.EXPERIMENT, "smoke", SMALL)
    kept = [json.loads(line)["row"] for line in lines[1:4]]
    assert again.rows[:3] == kept
    assert [row["id"] for row in again.rows] == [row["id"] for row in found.rows]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--families limit nobody", "--families must be some of limit, hadax native"),
        ("--rounds 0", "--rounds must be at least 1, but is 0"),
        ("--milliseconds 0", "--milliseconds must be in (0, 10000], but is 0.0"),
        ("--milliseconds nan", "--milliseconds must be in (0, 10000], but is nan"),
        ("--scale huge", "--scale"),
        ("--seed -1", "--seed must be between"),
    ],
)
def test_wrong_usage(arguments, words, capsys):
    assert _cli.main(["speed", "smoke", *arguments.split()]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_the_gpu_preset_is_measured_by_its_own_module(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class GpuTrial:
        size: int

    measured = SimpleNamespace(
        trials=lambda sizes: [GpuTrial(size) for size in sizes],
        run=lambda trial, key: {"fraction": trial.size / 100},
        checks=lambda rows: [f"{len(rows)} rows"],
    )
    monkeypatch.setitem(sys.modules, "experiments._speed_gpu", measured)
    config = speed.GpuConfig(sizes=(16, 32))
    found = run_experiment(speed.EXPERIMENT, "gpu", config)
    assert [row["fraction"] for row in found.rows] == [0.16, 0.32]
    assert speed.checks(found.rows) == ["2 rows"]


def entry(name, seconds, *, in_place=False, error=1e-7, compiled=()):
    return {
        "name": name,
        "family": name.partition(",")[0],
        "in_place": in_place,
        "status": "ok",
        "median": float(np.median(seconds)) if seconds else None,
        "seconds": seconds,
        "error": error,
        "compile_seconds": list(compiled),
    }


def row(rows, n, *entries, workload="fwht", dtype="float32"):
    return {"workload": workload, "rows": rows, "n": n, "dtype": dtype, "contenders": entries}


def verdicts(found):
    return {check.statement: check.holds for check in _speed_checks.checks([found])}


def holding(found, words):
    (verdict,) = [holds for statement, holds in verdicts(found).items() if words in statement]
    return verdict


NATIVE, LIMIT = "hadax native, donated", "limit, x + 1, donated"


def test_bounds_are_met_or_not():
    def against(times):
        mine = entry(NATIVE, times, in_place=True)
        return holding(row(4096, 4096, mine, entry(LIMIT, [1.0] * 5)), "native / (x + 1)")

    assert against([1.2] * 5) == "yes"
    assert against([1.4] * 5) == "no"
    assert against([1.0, 1.1, 1.25, 1.5, 1.6]) == "undecided"


def test_the_best_peer_counts():
    mine = entry(NATIVE, [1.0] * 3, in_place=True)
    slow = entry("fht-cpu, in place", [3.0] * 3, in_place=True)
    fast = entry("ffht-unofficial, in place", [0.9] * 3, in_place=True)
    found = row(1, 2**16, mine, slow, fast)
    assert holding(found, "fastest peer in place (ffht-unofficial, in place) / native") == "no"
    assert holding(found, "fht-cpu in place / native") == "yes"


def reasons(found):
    return {check.statement: check.missing for check in _speed_checks.checks([found])}


def test_a_bound_whose_contender_is_missing_is_undecided_and_says_why():
    no_library = entry(NATIVE, []) | {"status": "not available: it was not built"}
    limit = entry(LIMIT, [1.0] * 5)
    peer = entry("fht-cpu, in place", [1.0] * 3, in_place=True)
    other = entry("torch, butterfly", []) | {"status": "not installed: torch"}
    slow = entry("qmcpy, fwht", []) | {"status": "too slow beyond 16 MB"}
    found = row(4096, 4096, no_library, limit, peer, other, slow)
    assert {key.partition(", 4096x")[0]: value for key, value in reasons(found).items()} == {
        "fwht": "",  # hadax itself
        "native / (x + 1), both donated": f"{NATIVE}: not available: it was not built",
        "textbook JAX / pure JAX, both fresh": (
            "textbook JAX, fresh: not asked; hadax xla, fresh: not asked"
        ),
        "hadax xla, fresh / first measurement, on its machine": "hadax xla, fresh: not asked",
        "hadax xla, donated / first measurement, on its machine": "hadax xla, donated: not asked",
        "compile seconds of hadax native, fresh": "hadax native, fresh: not asked",
        "compile seconds of hadax xla, fresh": "hadax xla, fresh: not asked",
        "fastest peer in place (fht-cpu, in place) / native": (
            f"{NATIVE}: not available: it was not built"
        ),
        "torch, butterfly / native": (
            "torch, butterfly: not installed: torch; hadax native, fresh: not asked"
        ),
        "fht-cpu in place / native donated": f"{NATIVE}: not available: it was not built",
    }
    assert set(verdicts(found).values()) == {"yes", "undecided"}


@pytest.mark.parametrize(
    ("workload", "shape", "dtype"),
    [
        ("fwht", (1, 2**20), "bfloat16"),
        ("length", (4096, 576), "float32"),
        ("rotation", (4096, 1024), "float32"),
        ("fftbr", (1, 2**20), "complex64"),
    ],
)
def test_every_bound_is_there_when_nobody_took_part(workload, shape, dtype):
    found = row(*shape, workload=workload, dtype=dtype)
    assert reasons(found)
    assert all("not asked" in reason for reason in reasons(found).values())
    assert set(verdicts(found).values()) == {"undecided"}


def test_a_failure_is_found_and_an_absence_is_none():
    for status, verdict in (("failed: SIGSEGV", "no"), ("not available: no compiler", "yes")):
        absent = entry("hadax native, fresh", [], error=None) | {"status": status}
        assert holding(row(1, 8, absent), "variants of hadax that fail") == verdict


def test_an_error_or_an_inexact_integer_is_found():
    wrong = entry("hadax xla, fresh", [1.0], error=1e-3)
    assert holding(row(1, 8, wrong), "error of hadax") == "no"
    inexact = entry("hadax xla, fresh", [1.0], error=1e-9)
    assert holding(row(1, 8, inexact, workload="integers"), "error of hadax") == "no"


def test_a_length_is_compared_by_element():
    mine = entry("hadax xla, donated", [2.4 * 576 / 512] * 3)
    power = entry("hadax xla, donated, power of two", [1.0] * 3, error=None)
    words = "hadax xla: time of an element, n = 576 / n = 512"
    assert holding(row(4096, 576, mine, power, workload="length"), words) == "yes"
    mine = entry("hadax xla, donated", [2.6 * 576 / 512] * 3)
    assert holding(row(4096, 576, mine, power, workload="length"), words) == "no"


def test_other_bounds():
    xla = entry("hadax xla, fresh", [0.0033] * 3, compiled=[0.2, 0.4, 0.5], error=3e-7)
    textbook = entry("textbook JAX, fresh", [0.004] * 3, error=1e-7)
    found = row(4096, 1024, xla, textbook)
    assert holding(found, "textbook JAX / pure JAX") == "no"
    assert holding(found, "hadax xla, fresh / first measurement") == "yes"
    assert holding(found, "compile seconds of hadax xla") == "undecided"
    assert holding(row(1, 2**20, xla, textbook), "hadax xla, fresh / of radix-2 additions") == "no"
    times = [("hadax, transform, fresh", 1.0), ("hadax, rotation, fresh", 1.2)]
    rotation = [entry(name, [seconds] * 3) for name, seconds in times]
    found = row(4096, 1024, *rotation, workload="rotation")
    assert holding(found, "rotation / transform, fresh") == "no"
    names = ["hadax, fftbr, fresh", "qmcpy, fftbr", "jnp.fft, gather + fft, fresh"]
    fftbr = [entry(name, [float(k)] * 3) for k, name in enumerate(names, start=1)]
    found = row(1, 2**20, *fftbr, workload="fftbr", dtype="complex64")
    assert holding(found, "qmcpy, fftbr / hadax") == "yes"
    assert holding(found, "gather + fft, fresh / hadax") == "yes"
    names = ["hadax native, fftbr, fresh", "hadax xla, fftbr, fresh"]
    fftbr = [entry(name, [seconds] * 3) for name, seconds in zip(names, (1.0, 1.4), strict=True)]
    found = row(1, 2**20, *fftbr, workload="fftbr", dtype="complex64")
    assert holding(found, "fftbr in pure JAX / native") == "no"
    imports = {"workload": "import", "import_jax": [1.0] * 3, "import_hadax": [0.4] * 3}
    assert holding(imports, "import hadax adds") == "no"
