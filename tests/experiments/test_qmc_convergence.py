"""What is particular to the convergence of integrals: slopes, bands, and checks that fail."""

import dataclasses

import jax
import numpy as np
import pytest

from experiments import qmc_convergence
from experiments._runner import run_experiment
from experiments.qmc_convergence import EXPERIMENT, Config, Trial

KEY = jax.random.key(0)


def row(**changes):
    """A row that holds."""
    found = {"integrand": "gaussian", "dimensions": 2, "method": "nested", "repeats": 64}
    found |= {"n": [256, 1024, 1 << 16], "fitted": [True] * 3, "slope": -1.4, "slope_se": 0.01}
    return {**found, "t": [0.5, -1.0, 2.0], **changes}


def verdicts(*rows):
    return {check.statement: check.holds for check in qmc_convergence.checks(rows)}


def test_slopes_are_compared_where_they_are_claimed():
    words = "slope of the rmse of gaussian, d = 2, {}, n = 256 to 65536"
    for method, good, bad in [
        ("iid", -0.51, -0.7),
        ("nested", -1.4, -1.2),
        ("linear", -1.4, -1.2),
        ("interlaced nested", -2.2, -1.5),
    ]:
        statement = words.format(method)
        assert verdicts(row(method=method, slope=good))[statement] == "yes"
        assert verdicts(row(method=method, slope=bad))[statement] == "no"
    unclear = verdicts(row(slope=-1.31, slope_se=0.05))
    assert unclear[words.format("nested")] == "undecided"


@pytest.mark.parametrize(
    "changes",
    [
        {"integrand": "keister"},
        {"n": [256, 1024, 1 << 15]},
        {"method": "lattice"},
        {"method": "interlaced linear", "dimensions": 3},
        {"slope": None, "slope_se": None},
    ],
)
def test_other_slopes_are_not(changes):
    found = verdicts(row(slope=-0.1), row(**{"slope": -0.1, **changes}))
    assert sum(statement.startswith("slope") for statement in found) == 1


def test_bands_hold_together():
    """Of more rows each has a wider one."""
    alone, *_ = qmc_convergence.checks([row()])
    among, *_ = qmc_convergence.checks([row(dimensions=d) for d in range(2, 12)])
    assert alone.high is not None
    assert among.high is not None
    assert alone.measured < alone.high < among.high


def test_a_bias_is_seen():
    biased = verdicts(row(), row(method="iid", slope=-0.5, t=[1.0, 1.0, 6.0]))
    assert [verdict for name, verdict in biased.items() if name.startswith("|t|")] == ["yes", "no"]


def test_a_slope_is_that_of_a_power():
    exponents = np.arange(8, 14)
    rmse = 3.0 * 2.0 ** (-1.5 * exponents)
    assert qmc_convergence._slope(exponents, rmse) == pytest.approx(-1.5)
    both = np.stack([rmse, rmse**2])
    np.testing.assert_allclose(qmc_convergence._slope(exponents, both), [-1.5, -3.0])


def test_t_statistics_count_the_error_of_the_reference_and_leave_out_round_off():
    errors = np.array([[1.0, 1.0], [3.0, 1.0]])
    clear = np.array([True, False])
    np.testing.assert_allclose(qmc_convergence._t_statistics(errors, 0.0, clear), [2.0, 0.0])
    found = qmc_convergence._t_statistics(errors, np.sqrt(3.0), clear)
    np.testing.assert_allclose(found, [1.0, 0.0])


def test_round_off_is_not_fitted(monkeypatch):
    monkeypatch.setattr(qmc_convergence, "ROUND_OFF", 1e-9)
    found = qmc_convergence.run(Trial("corner peak", 1, "interlaced nested", (6, 15), 4), KEY)
    assert found["n"] == [2**m for m in range(6, 16)]
    assert found["fitted"][:2] == [False] * 2  # below the least n
    assert found["fitted"][2:5] == [True] * 3
    assert found["rmse"][-1] < 1e-10
    assert not found["fitted"][-1]
    assert found["t"][-1] == 0
    assert all(low <= high for low, high in zip(found["low"], found["high"], strict=True))


def test_the_smoke_preset_resumes_and_its_checks_hold():
    config = dataclasses.replace(EXPERIMENT.presets["smoke"].config, methods=("iid", "linear"))
    found = run_experiment(EXPERIMENT, "smoke", config).rows
    assert {check.holds for check in qmc_convergence.checks(found)} == {"yes"}
    assert found == run_experiment(EXPERIMENT, "smoke", config).rows


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"integrands": ("kesiter",)}, "--integrands must be of keister"),
        ({"methods": ("halton",)}, "--methods must be of iid"),
        ({"log2_n": (8, 4)}, "--log2-n must be the least one first"),
        ({"log2_n": (1, 4)}, "--log2-n must be between 2 and 22"),
        ({"repeats": 1}, "--repeats must be at least 2"),
        ({"genz_dimensions": (0,)}, "--genz-dimensions must be between 1 and 20"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Config(**settings)
