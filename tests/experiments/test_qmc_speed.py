"""What is particular to the races of qmc: references, the table, and checks that fail."""

import dataclasses
import importlib

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import qmc_speed
from experiments._integrands import integrand
from experiments._qmc_contenders import CONTENDERS, FAMILIES, OURS
from experiments._qmc_workloads import NOISE, QmcJob, vector, weight
from experiments._runner import run_experiment
from experiments.qmc_speed import EXPERIMENT, Config, place
from hadax import qmc

SEED = (0, 1)


@pytest.fixture(scope="module", autouse=True)
def no_process_left():
    yield
    qmc_speed._stable().close()


def pieces(kind):
    """The points and the kernel of a job, by the library."""
    if kind == "lattice":
        return qmc.lattice(vector(3)), qmc.shift_invariant_kernel(3, weights=weight(3))
    return qmc.sobol(3), qmc.digital_kernel(3, weights=weight(3))


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_references_are_those_of_dense_matrices(kind):
    points, kernel = pieces(kind)
    job = QmcJob(f"column {kind}", 32, 3, SEED)
    np.testing.assert_array_equal(job.points(), points(32))
    matrix = np.asarray(kernel(points.words(32)[:, None], points.words(32)[None]), float)
    np.testing.assert_allclose(job.reference().values[0], matrix[:, 0], rtol=1e-5)
    values = job.values()
    gaps, noisy = values - values.mean(), matrix + NOISE * np.eye(32)
    loss = gaps @ np.linalg.solve(noisy, gaps) + np.linalg.slogdet(noisy)[1]
    known = dataclasses.replace(job, workload=f"step {kind}").reference().values.item()
    assert known == pytest.approx((loss + 32 * np.log(2 * np.pi)) / 2, rel=1e-5)


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_the_solution_is_that_of_the_matrix_with_these_eigenvalues(kind):
    job = QmcJob(f"solve {kind}", 16, 1, SEED)
    matrix = qmc.Gram(jnp.array(job.eigenvalues(), jnp.float32), kind == "lattice")
    y = jnp.array(job.right_hand_side(), jnp.float32)
    np.testing.assert_allclose(job.reference().values[0], matrix.solve(y), atol=1e-5)


def test_integrals_are_right_to_their_tolerance():
    job = QmcJob("Bayesian net", 1 << 12, 2, SEED)
    assert job.reference().values.item() == integrand("keister", 2).exact
    close = result("hadax, float64", 0.1, error=4e-3)
    assert verdicts("Bayesian net", 1 << 12, 2, close)["error of hadax, float64"] == "yes"
    far = result("hadax, float64", 0.1, error=7e-3)  # the tolerance is 1e-2 of 1.8
    assert verdicts("Bayesian net", 1 << 12, 2, far)["error of hadax, float64"] == "no"


def test_points_that_everybody_draws_have_no_reference():
    assert QmcJob("owen", 16, 2, SEED).reference() is None


def test_of_a_long_column_a_part_is_compared():
    known = QmcJob("column net", 1 << 17, 2, SEED).reference()
    assert known.values.shape == (1, 1 << 16)


def test_every_workload_has_one_of_ours_and_a_peer():
    for work in qmc_speed.WORK.values():
        for workload, d, sizes in work:
            job = QmcJob(workload, sizes[0], d, SEED)
            families = {each.family for each in CONTENDERS if each.concerns(job)}
            assert OURS in families
            assert len(families) > 1
    for each in CONTENDERS:
        module, _, name = each.function.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.slow
def test_a_small_run_is_right():
    config = dataclasses.replace(EXPERIMENT.presets["smoke"].config, families=("hadax", "scipy"))
    found = run_experiment(EXPERIMENT, "smoke", config)
    assert {check.holds for check in qmc_speed.checks(found.rows)} == {"yes"}
    names = {each["name"]: each for row in found.rows for each in row["contenders"]}
    assert names["hadax, float64"]["error"] < 1e-14
    assert all(each["status"] == "ok" for each in names.values())


def result(name, *seconds, error=None, status="ok"):
    median = float(np.median(seconds)) if seconds else None
    return {
        "name": name, "family": name.partition(",")[0], "status": status, "error": error,
        "seconds": list(seconds), "median": median,
    }  # fmt: skip


def verdicts(workload, n, d, *contenders):
    row = {"workload": workload, "n": n, "d": d, "contenders": list(contenders)}
    return {
        check.statement.removeprefix(f"{place(row)}: "): check.holds
        for check in qmc_speed.checks([row])
    }


def test_the_seconds_that_were_set():
    quick = result("hadax, float32", 0.01, 0.011, 0.012)
    slow = result("hadax, float64", 0.1, 0.11, 0.12)
    found = verdicts("lattice", 1 << 20, 10, quick, slow)
    assert found["seconds of hadax, float32"] == "yes"
    assert found["seconds of hadax, float64"] == "no"
    assert verdicts("lattice", 1 << 20, 10, quick)["seconds of hadax, float64"] == "undecided"
    assert "seconds of hadax, float32" not in verdicts("lattice", 1 << 16, 10, quick)


def test_the_fastest_peer_counts():
    ours = result("hadax, float64", 0.02, 0.021)
    peers = [result("qmcpy, float64", 0.1, 0.11), result("scipy, float64", 0.01, 0.011)]
    assert verdicts("halton", 4096, 10, ours, *peers)["scipy, float64 / hadax, float64"] == "no"
    found = verdicts("halton", 4096, 10, ours, peers[0])
    assert found["qmcpy, float64 / hadax, float64"] == "yes"
    assert not any("/" in name for name in verdicts("halton", 64, 10, ours, *peers))
    absent = result("qmcpy, float64", status="not installed: qmcpy")
    found = verdicts("halton", 4096, 10, ours, absent)
    assert found["fastest peer / hadax, float64"] == "undecided"


def test_wrong_outputs_and_failures_are_seen():
    wrong = result("hadax, float64", 0.1, error=1e-7)
    right = result("hadax, float32", 0.1, error=1e-7)
    found = verdicts("column net", 64, 2, wrong, right)
    assert found["error of hadax, float64"] == "no"
    assert found["error of hadax, float32"] == "yes"
    failed = verdicts("owen", 64, 2, result("hadax, float32", status="failed: by design"))
    assert failed["variants of hadax that fail"] == "no"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rounds": 0}, "--rounds must be at least 1"),
        ({"milliseconds": 0.0}, "--milliseconds must be in"),
        ({"families": ("fht",)}, f"--families must be some of {', '.join(FAMILIES)}"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Config(**settings)
