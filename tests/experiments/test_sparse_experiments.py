"""What is particular to the experiments on sparse transforms: spectra, and checks that fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from experiments import _sparse_spectra, sparse_noise, sparse_scaling, sparse_transition
from hadax import sparse
from hadax.sparse import _limits


def transition_row(**changes):
    """A row that holds."""
    found = {"bins": 64, "sparsity": 120, "runs": 100, "ratio": 1.6}
    return found | {"recovered": 100, "claimed": 100, "claimed_wrongly": 0, **changes}


def noise_row(**changes):
    """A row that holds."""
    found = {"method": "nso 3", "known": True, "noise": 5, "runs": 2000, "recovered": 1400}
    return found | {"claimed_wrongly": 0, **changes}


def scaling_row(**changes):
    """A row that holds."""
    found = {"n": 40, "sparsity": 2000, "decoder": "nso", "exact": True, "success": True}
    return found | {"seconds": {"recover": [0.010, 0.011, 0.012]}, **changes}


def verdicts(experiment, *rows):
    return [check.holds for check in experiment.checks(rows)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["yes", "yes"]),
        ({"recovered": 99}, ["no", "yes"]),
        ({"claimed_wrongly": 1}, ["yes", "no"]),
        ({"ratio": 1.3, "recovered": 90}, ["yes", "yes"]),
        ({"ratio": 1.3, "recovered": 10}, ["no", "yes"]),
        ({"ratio": 1.3, "recovered": 50}, ["undecided", "yes"]),
        ({"ratio": 1.1, "recovered": 1}, ["yes", "yes"]),
        ({"ratio": 1.1, "recovered": 99}, ["no", "yes"]),
        ({"ratio": 1.22, "recovered": 30}, ["yes"]),
    ],
)
def test_checks_of_the_transition(changes, expected):
    assert verdicts(sparse_transition, transition_row(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["yes", "yes"]),
        ({"recovered": 200}, ["no", "yes"]),
        ({"recovered": 1175}, ["undecided", "yes"]),
        ({"claimed_wrongly": 200}, ["yes", "no"]),
        ({"known": False, "recovered": 0}, ["yes"]),
        ({"noise": 20, "recovered": 0}, ["yes"]),
    ],
)
def test_checks_of_noise(changes, expected):
    assert verdicts(sparse_noise, noise_row(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["yes", "yes"]),
        ({"exact": False}, ["no", "yes"]),
        ({"success": False}, ["no", "yes"]),
        ({"seconds": {"recover": [0.03, 0.031, 0.032]}}, ["yes", "no"]),
        ({"n": 32}, ["yes"]),
    ],
)
def test_checks_of_scaling(changes, expected):
    assert verdicts(sparse_scaling, scaling_row(**changes)) == expected


def test_the_threshold_is_that_of_density_evolution():
    assert _limits.fewest_bins(3) == pytest.approx(sparse_transition.THRESHOLD, rel=1e-6)


def test_a_crowded_design_is_that_of_the_library():
    """Where `queries` lets it through; it also exists where it does not."""
    key, options = jax.random.key(0), {"groups": 3, "bins": 8}
    ours, theirs = (
        _sparse_spectra.crowded(9, 19, key, **options),
        sparse.queries(9, 19, key, **options),
    )
    np.testing.assert_array_equal(ours.points(), theirs.points())
    assert _sparse_spectra.crowded(9, 24, key, **options).shape == ours.shape
    with pytest.raises(ValueError, match="`bins` must be at least 16"):
        sparse.queries(9, 20, key, **options)


def test_values_are_those_of_the_dense_inverse():
    supports, signs = _sparse_spectra.spectra(jax.random.key(0), 8, 20, 2)
    assert np.unique(np.asarray(supports[0]), axis=0).shape == (20, 1)
    dense = jnp.zeros(256).at[supports[1, :, 0]].set(signs[1])
    points = jnp.arange(256, dtype=jnp.uint32)[:, None]
    found = _sparse_spectra.value_at(points, supports[1], signs[1])
    np.testing.assert_allclose(found, hadax.fwht(dense, norm="backward"), rtol=1e-5)


def test_indices_of_more_than_a_word_are_uniform():
    supports, _ = _sparse_spectra.spectra(jax.random.key(0), 50, 400, 1)
    assert supports.shape == (1, 400, 2)
    bits = np.asarray(sparse.unpack_bits(supports[0], 50))
    # 400 fair bits each: within 5 standard deviations.
    assert abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / 20
