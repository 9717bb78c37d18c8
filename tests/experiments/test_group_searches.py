"""What is particular to the spectra of commutators and to the search for a hidden group."""

import jax
import numpy as np
import pytest

from experiments import _rates, automorphisms, double_commutator
from experiments._covariances import GROUPS, sample_covariance, unit_covariance
from hadax import groups

KEY = jax.random.key(0)


def failing(experiment, rows):
    """The statements that do not hold."""
    return [check.statement for check in experiment.checks(rows) if check.holds == "no"]


def row_of(experiment, trial):
    return {**vars(trial), **experiment.run(trial, KEY)}


@pytest.mark.parametrize("name", GROUPS)
def test_covariances_are_those_of_the_group(name):
    R = unit_covariance(GROUPS[name], np.random.default_rng(0))
    assert np.linalg.norm(R) == pytest.approx(1, abs=1e-12)
    assert np.linalg.eigvalsh(R)[0] > 0
    for g in GROUPS[name].generators:
        np.testing.assert_allclose(R[np.ix_(g, g)], R, atol=1e-12)


def test_sample_covariances_have_the_covariance_as_their_mean():
    # 4 standard errors of the largest of 136 entries: below 1 % false alarms.
    R = unit_covariance(GROUPS["D16"], np.random.default_rng(0))
    estimate = sample_covariance(R, 50_000, np.random.default_rng(1))
    assert np.abs(estimate - R).max() < 4 * R.max() * np.sqrt(2 / 50_000)


def test_wrong_spectra_are_seen():
    exact = row_of(double_commutator, double_commutator.Trial("D16", 0, 1, 1))
    noisy = row_of(double_commutator, double_commutator.Trial("D16", 256, 30, 1))
    assert failing(double_commutator, [exact, noisy]) == []
    assert len(failing(double_commutator, [{**exact, "null": 17}, noisy])) == 1
    assert len(failing(double_commutator, [exact, {**noisy, "lift": 2 * noisy["floor"]}])) == 1
    assert len(failing(double_commutator, [exact, {**noisy, "at_least": 0.5}])) == 1


@pytest.mark.parametrize("log", [False, True])
def test_the_group_of_a_known_covariance_is_found(log):
    row = row_of(automorphisms, automorphisms.Trial("D16", 0, log, 1))
    assert (row["anchors"], row["six"], row["found"], row["too_small"]) == (15, 1, 1, 0)
    assert failing(automorphisms, [row]) == []


def test_wrong_rates_are_seen():
    row = {"group": "W4", "snapshots": 0, "log": False, "repeats": 20, "anchors": 290, "found": 20}
    assert failing(automorphisms, [row]) == []
    assert len(failing(automorphisms, [{**row, "anchors": 200}])) == 1
    assert len(failing(automorphisms, [{**row, "found": 19}])) == 1
    noisy = {**row, "snapshots": 512, "anchors": 200}
    assert failing(automorphisms, [row, noisy]) == []
    assert len(failing(automorphisms, [row, {**noisy, "found": 1}])) == 1


def test_bands_are_exact():
    # No success in n has the upper limit 1 - (alpha / 2)^(1 / n).
    low, high = _rates.band(0, 16, confidence=0.95)
    assert (low, high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 16)))
    low, high = _rates.band(16, 16, confidence=0.95)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 16)), 1.0)


def test_a_group_that_is_too_small_is_told_from_a_wrong_one(monkeypatch):
    def shifts_by_two(R, **_):
        hidden = np.random.default_rng(np.asarray(jax.random.key_data(KEY))).permutation(16)
        places = np.argsort(hidden)
        return groups.generated([places[(hidden + 2) % 16]])

    monkeypatch.setattr(groups, "approximate_automorphisms", shifts_by_two)
    row = row_of(automorphisms, automorphisms.Trial("D16", 0, False, 1))
    assert (row["found"], row["too_small"]) == (0, 1)


@pytest.mark.parametrize("module", [automorphisms, double_commutator])
def test_unknown_groups_are_refused(module):
    with pytest.raises(ValueError, match="must be of D16"):
        module.Config(groups=("A5",))
