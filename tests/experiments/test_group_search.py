"""What is particular to the experiments on choosing and finding a group."""

import jax
import numpy as np
import pytest
from scipy import stats

from experiments import _covariances, _rates, blind_recovery, group_selection, real_groups
from hadax import groups

KEY = jax.random.key(1)


def verdicts(checks):
    return [check.holds for check in checks]


def test_random_covariance_is_invariant_and_has_noise_of_the_stated_level():
    rng = _covariances.generator(KEY)
    group = groups.dihedral(16)
    R = _covariances.random_covariance(group, rng)
    shift = group.generators[0]
    np.testing.assert_allclose(R[np.ix_(shift, shift)], R, atol=1e-14)
    assert np.trace(R) == pytest.approx(16)
    values = np.log(np.linalg.eigvalsh(R))
    assert values.std() == pytest.approx(1)
    noisy = _covariances.random_covariance(group, _covariances.generator(KEY), snr_db=10)
    np.testing.assert_allclose(noisy - R, 0.1 * np.eye(16), atol=1e-12)


def test_groups_that_leave_the_same_matrices():
    same = _covariances.leave_the_same
    assert same(groups.cyclic(8), groups.dihedral(8))
    assert not same(groups.cyclic(8), groups.elementary_abelian(3))
    turned = groups.relabelled(groups.dihedral(8), (np.arange(8) * 3 + 1) % 8)
    assert same(turned, groups.dihedral(8))
    assert not same(groups.symmetric(8), groups.dihedral(8))


def test_rates_against_closed_forms():
    low, high = _rates.band(0, 10)
    assert (low, high) == (0, pytest.approx(1 - 0.0005 ** (1 / 10)))
    # All three hits and all three misses apart: 2 of the 20 ways to choose three of six.
    assert _rates.p_value(3, 3, 0.0, 3) == pytest.approx(0.1)
    assert _rates.p_below(0, 3, 1.0, 3) == pytest.approx(0.05)
    assert _rates.p_below(3, 3, 0.0, 3) == pytest.approx(1)


def test_selection_counts_are_those_of_select():
    trial = group_selection.Trial("W4", 20, 16, 6)
    row = group_selection.run(trial, KEY)
    rng = _covariances.generator(KEY)
    truth = groups.iterated_wreath(4)
    hits = {"bic": 0, "risk": 0}
    for _ in range(6):
        covariance = _covariances.random_covariance(truth, rng, snr_db=20)
        x = _covariances.gaussian_vectors(covariance, 16, rng)
        library = [group_selection.STRUCTURES[name] for name in group_selection.LIBRARY]
        for criterion in ("bic", "risk"):
            hits[criterion] += groups.select(x, library, criterion=criterion)[0].group == truth
    assert {name: row[name] for name in hits} == hits


def test_selection_checks_see_bad_rates():
    row = {"truth": "D16", "snr_db": 20, "snapshots": 64, "repeats": 400, "bic": 398, "risk": 396}
    row |= {"bic_low": 0.97, "bic_high": 1.0, "risk_low": 0.96, "risk_high": 1.0}
    assert verdicts(group_selection.checks([row])) == ["yes", "yes", "yes"]
    bad = {**row, "bic": 300, "bic_low": 0.68, "bic_high": 0.81}
    assert verdicts(group_selection.checks([bad])) == ["no", "no", "yes"]
    assert verdicts(group_selection.checks([{**row, "risk": 200}])) == ["yes", "yes", "no"]
    assert group_selection.checks([{**row, "snapshots": 128}]) == []


def test_recovery_of_a_known_covariance_and_from_vectors():
    known = blind_recovery.run(blind_recovery.Trial("Z2^4", None, 0, 2), KEY)
    assert (known["hits"], known["family"], known["likelier"]) == (2, 2, 0)
    few = blind_recovery.run(blind_recovery.Trial("W4", 5, 32, 3), KEY)
    # From 32 vectors no tree can be told from others: all misses are the data's.
    assert few["hits"] <= few["family"] == 3 - few["likelier"] < 3


def test_recovery_checks_see_bad_rates():
    row = {"truth": "W4", "snr_db": 20, "snapshots": 512, "repeats": 300, "hits": 260}
    row |= {"low": 0.79, "high": 0.93, "family": 260, "likelier": 40}
    known = {**row, "snr_db": None, "snapshots": 0, "hits": 300}
    assert verdicts(blind_recovery.checks([known, row])) == ["yes", "yes", "yes"]
    bad = {**row, "hits": 120, "low": 0.3, "high": 0.5}
    assert verdicts(blind_recovery.checks([{**known, "hits": 299}, bad])) == ["no", "no", "no"]
    band = stats.binomtest(260, 300).proportion_ci(0.999)
    assert _rates.band(260, 300) == pytest.approx((band.low, band.high))


@pytest.mark.parametrize("experiment", [group_selection, blind_recovery])
def test_unknown_truths_are_refused(experiment):
    with pytest.raises(ValueError, match="must be of"):
        experiment.Config(truths=("A5",))


def test_groups_of_a_known_field():
    # Rows of the field are AR(1): few windows are content with the cosine transform.
    row = real_groups.run(real_groups.Trial("field", "row 8", 256), KEY)
    assert row["windows"] == 256
    assert "DCT-II" in row["best"]
    assert 0 <= row["klt_gain"] - row["gain"] < 0.3
    everything = real_groups.run(real_groups.Trial("field", "row 8", None), KEY)
    assert everything["windows"] == 427 * 80
    assert everything["best"] == "reflection"


def test_real_group_checks_see_losses_and_other_transforms():
    row = {"signal": "china", "verdict": "match", "best": "folded dihedral (DCT-II)"}
    row |= {"gain": 8.0, "own_klt_gain": 7.5}
    assert verdicts(real_groups.checks([row])) == ["yes", "yes"]
    assert verdicts(real_groups.checks([{**row, "gain": 7.0}])) == ["yes", "no"]
    for other in ("D8", "folded dihedral (DCT-III)"):
        assert verdicts(real_groups.checks([{**row, "best": other}])) == ["no", "yes"]
    # Digits are not asked for the cosine transform, and no match has nothing to be compared.
    digits = {**row, "signal": "digits", "best": "D8"}
    assert verdicts(real_groups.checks([row, digits])) == ["yes", "yes"]
    nothing = {**row, "verdict": "no match", "gain": 1.0}
    assert verdicts(real_groups.checks([row, nothing])) == ["yes", "yes"]
    assert real_groups.checks([{**nothing, "signal": "digits"}]) == []
