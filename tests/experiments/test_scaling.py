"""The cost model, what is measured with it, and that its checks can fail."""

import subprocess

import jax
import numpy as np
import pytest

from experiments import _cli, _scaling_worker, scaling
from experiments._contract import UsageError
from experiments._runner import run_experiment
from experiments._scaling_fit import BAND_NEEDS, Point, fit_costs, median_band
from experiments._scaling_model import H200, V5P, butterfly, passes, sent, torus_sides
from tests.experiments import scaling_rows

GIB = 2.0**30
SMALL = {"log2_n": (6,), "rounds": 2, "log2_devices": (0, 10)}


def test_bytes():
    assert [sent(p, 8.0) for p in (1, 2, 4)] == [0, 4, 6]
    assert [butterfly(p, 8.0) for p in (1, 2, 1024)] == [0, 8, 80]
    assert [passes(28, p) for p in (1, 2)] == [2, 3]


def test_a_switch_and_the_network_behind_it():
    times = [H200.exchange_seconds(p, GIB) - H200.latency * (p - 1) for p in (1, 2, 8, 16, 1024)]
    right = [0, GIB / 2 / 450e9, GIB * 7 / 8 / 450e9, GIB / 2 / 50e9, GIB * 1016 / 1024 / 50e9]
    np.testing.assert_allclose(times, right, rtol=1e-12)


def test_a_torus():
    sides = [torus_sides(1 << e) for e in range(11)]
    assert all(np.prod(side) == 1 << e for e, side in enumerate(sides))
    assert (sides[2], sides[6], sides[10]) == ((1, 2, 2), (4, 4, 4), (8, 8, 16))
    times = [V5P.exchange_seconds(p, GIB) - V5P.latency * (p - 1) for p in (1, 2, 64, 1024)]
    # Two chips have one link; from 64 on the cut, of two links a chip of its face, decides.
    right = [0, GIB / 2 / 100e9, GIB * 4 / 8 / 100e9, GIB * 16 / 8 / 100e9]
    np.testing.assert_allclose(times, right, rtol=1e-12)


TRUE = (3e-5, 1e-5, 1e-9)  # start, latency, seconds a byte


def points(noise):
    """One exchange and two at six sizes, with relative errors of the whole time."""
    found = []
    for size in np.geomspace(1e3, 1e6, 6):
        for exchanges in (1, 2):
            added = TRUE[0] + exchanges * (TRUE[1] + TRUE[2] * size)
            whole = 1e-5 + added
            found.append(Point(exchanges, size, added + noise[len(found)] * whole, whole))
    return found


def test_costs_are_fitted():
    costs = fit_costs(points(np.zeros(12)))
    assert costs is not None
    np.testing.assert_allclose(costs.values, TRUE, rtol=1e-9)
    assert max(costs.errors) < 1e-12
    assert costs.seconds(2, 1e6) == pytest.approx(3e-5 + 2 * 1.01e-3)
    assert costs.exchange_seconds(1e6) == pytest.approx(1.01e-3)
    assert fit_costs(points(np.zeros(12))[:3]) is None


def test_bands_of_costs_hold_the_truth():
    """99 % bands of three numbers, 400 fits: 4 misses of each are expected, 14 or more are one in
    10^4."""
    misses = np.zeros(3, int)
    for noise in np.random.default_rng(0).normal(0, 0.1, (400, 12)):
        costs = fit_costs(points(noise))
        assert costs is not None
        misses += np.abs(np.subtract(costs.values, TRUE)) > costs.errors
    assert max(misses) < 14


def test_bands_of_a_median_hold_the_truth():
    """Of 1000 bands at most 10 are expected to miss, 24 or more are one in 10^4."""
    draws = np.random.default_rng(0).exponential(size=(1000, 40))
    bands = [median_band(row) for row in draws]
    assert sum(not low <= np.log(2) <= high for _, low, high in bands) < 24
    assert median_band([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    assert 2 * 0.5**BAND_NEEDS <= 0.01 < 2 * 0.5 ** (BAND_NEEDS - 1)


def verdicts(rows):
    return {check.statement: check.holds for check in scaling.checks(rows)}


def test_checks_hold_where_the_model_does():
    found = verdicts(scaling_rows.rows())
    assert set(found.values()) == {"yes"}
    assert len(found) == 4 + 3 * (3 + 3 + 2 * 4) + 1
    assert sum("unseen" in statement for statement in found) == 3 * 2 * 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"sent_natural": 4.0}, "natural: bytes in the compiled program"),
        ({"sent_transposed": 0.0}, "transposed: bytes in the compiled program"),
        ({"sent_local": 4.0}, "bytes that the local stages send"),
        ({"error": 1e-5}, "relative error"),
        ({"seconds_natural": [1e-9] * 9}, "an exchange of a GB"),
    ],
)
def test_checks_can_fail(wrong, words):
    rows = [{**row, **(wrong if "mesh" in row else {})} for row in scaling_rows.rows()]
    failed = [statement for statement, holds in verdicts(rows).items() if holds == "no"]
    assert any(words in statement for statement in failed)


def test_a_length_that_the_model_has_not_seen_can_fail_it():
    wrong = {"seconds_transposed": [1.0] * 9}
    rows = [row | wrong if row.get("log2_n") == 18 else row for row in scaling_rows.rows()]
    failed = {statement for statement, holds in verdicts(rows).items() if holds != "yes"}
    assert failed == {
        f"{mesh}, transposed, n=2^18 (unseen): |time / model - 1|" for mesh in ("1x2", "1x4", "2x2")
    }


def test_exchanges_that_send_more_than_a_butterfly_would_be_seen():
    rows = [row | {"sent": 1e12} if "machine" in row else row for row in scaling_rows.rows()]
    assert "no" in verdicts(rows).values()


def test_times_without_a_band_are_not_judged():
    few = [row | {"rounds": 7} if "mesh" in row else row for row in scaling_rows.rows()]
    assert not any("time" in statement or "latency" in statement for statement in verdicts(few))


def test_of_one_device_only_the_error_is_judged():
    rows = [row for row in scaling_rows.rows() if row.get("mesh") == "1x1"]
    assert [check.statement.partition(" (")[0] for check in scaling.checks(rows)] == [
        "1x1: relative error /"
    ]


def test_a_run_measures_and_resumes(results):
    config = scaling.Config(meshes=("1x1", "1x2"), **SMALL)
    first = run_experiment(scaling.EXPERIMENT, "smoke", config)
    (alone, pair) = [row for row in first.rows if "mesh" in row]
    assert alone["sent_natural"] == 0.0
    assert pair["sent_natural"] == 2 * pair["sent_transposed"] == 2 * 4 * 64 / 4
    assert len(pair["seconds_natural"]) == len(pair["seconds_local"]) == 2
    assert min(pair["seconds_local"]) > 0
    assert pair["error"] < 1e-6
    assert run_experiment(scaling.EXPERIMENT, "smoke", config).rows == first.rows
    exact = [check for check in scaling.checks(first.rows) if "bytes" in check.statement]
    assert [check.holds for check in exact] == ["yes"] * 4


@pytest.mark.slow
def test_two_processes_are_measured(results):
    config = scaling.Config(meshes=("2x2",), **SMALL)
    (row,) = [r for r in run_experiment(scaling.EXPERIMENT, "smoke", config).rows if "mesh" in r]
    assert row["sent_natural"] == 2 * 4 * 16 * 3 / 4
    assert row["error"] < 1e-6


def test_a_worker_that_fails_is_one_line_and_leaves_no_other_behind(monkeypatch):
    started = []
    popen = subprocess.Popen

    def start(command, **options):
        # Process 0 waits for a process that fails.
        rank = int(command[-1])
        command = ["sh", "-c", "echo no memory; exit 3"] if rank else ["sleep", "60"]
        started.append(popen(command, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    trial = scaling.Measured("2x2", 6, 1)
    with pytest.raises(UsageError, match=r"Process 1 of Measured.* failed: no memory"):
        scaling.run(trial, jax.random.key(0))
    assert len(started) == 2
    assert all(worker.returncode is not None for worker in started)


def test_a_worker_that_hangs_is_ended(monkeypatch):
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda command, **options: popen(["sleep", "60"], **options)
    )
    monkeypatch.setattr(scaling, "PATIENCE", 0.2)
    with pytest.raises(UsageError, match=r"Process 0 of .* failed: it said nothing"):
        scaling.run(scaling.Measured("1x2", 6, 1), jax.random.key(0))


def test_bytes_are_read_from_the_text_of_a_program():
    text = "%a = (f32[1,8]{1,0}, f32[1,8]{1,0}) all-to-all(%b, %c), channel_id=1"
    assert _scaling_worker.sent_bytes(f"  {text}\n  {text}\n  %x = f32[8] add(%y, %z)") == 2 * 32.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--log2-n 3", "--log2-n must be between 4 and 28, but is (3,)"),
        ("--rounds 0", "--rounds must be at least 1, but is 0"),
        ("--log2-devices 29", "--log2-devices must be between 0 and --log2-block, but is (29,)"),
        ("--meshes 2x1", "invalid choice"),
        ("--seed -1", "--seed must be between 0"),
    ],
)
def test_wrong_settings(options, words, capsys):
    assert _cli.main(["scaling", "smoke", *options.split()]) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
