"""What is particular to the experiments on compression: inputs, the baseline, checks that fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import drive_bias, lloyd_max, mean_estimation

KEY = jax.random.key(4)


def failing(checks):
    """The statements that do not hold."""
    return [check.statement for check in checks if check.holds == "no"]


def floor(**changes):
    """A row of `drive_bias` that holds."""
    row = {"input": "pair", "blocks": 1, "d": 64, "draws": 100, "floor": 0.5625, "floor_se": 0.0}
    return {**row, "along": -0.75, "along_se": 0.0, "radial": 0.0, **changes}


def test_floors_that_are_wrong_are_seen():
    assert failing(drive_bias.checks([floor()])) == []
    assert len(failing(drive_bias.checks([floor(floor=0.56)]))) == 2  # closed form and table
    assert len(failing(drive_bias.checks([floor(radial=1e-3)]))) == 1


def test_the_edge_has_to_stay_and_a_third_block_to_repair_it():
    edge = floor(
        input="edge", blocks=2, d=256, floor=1.6e-3, floor_se=1e-6, along=-0.04, along_se=1e-4
    )
    repaired = {**edge, "blocks": 3, "floor": 1e-6, "along": -0.0008}
    assert failing(drive_bias.checks([edge, repaired])) == []
    assert len(failing(drive_bias.checks([edge, {**repaired, "floor": 1e-3}]))) == 1
    assert len(failing(drive_bias.checks([{**edge, "along": -0.01}]))) == 2


@pytest.mark.parametrize("name", ["pair", "edge", "golden", "geometric", "random"])
def test_vectors_that_are_sent_have_length_one(name):
    x = drive_bias._unit_vector(name, 64, KEY)
    assert np.linalg.norm(x) == pytest.approx(1.0, abs=1e-15)
    assert (x[:2] != 0).all()


def test_floors_stand_out_of_four_standard_errors():
    assert drive_bias.resolved(floor(floor=1.0, floor_se=0.24))
    assert not drive_bias.resolved(floor(floor=1.0, floor_se=0.26))


def test_ratios_to_a_uniform_rotation():
    row = {"input": "uniform", "d": 64, "bits": 1, "method": "eden", "error": 0.5, "error_se": 0.01}
    rows = [row, {**row, "input": "two", "error": 0.6, "error_se": 0.0}, {**row, "method": "exact"}]
    ((d, ratio, radius),) = lloyd_max.ratios(rows, "two", "eden")
    assert (d, ratio, radius) == (64, pytest.approx(1.2), pytest.approx(4 * 1.2 * 0.02))
    assert lloyd_max.ratios(rows, "two", "exact") == []


def test_errors_beyond_what_is_proved_are_seen():
    exact = {"input": "uniform", "d": 64, "bits": 1, "method": "exact", "error": 0.358397}
    exact |= {"error_se": 0.0, "rescaled": 0.358387}
    eden = {"input": "uniform", "d": 64, "bits": 1, "method": "eden", "error": 0.357}
    eden |= {"error_se": 1e-4, "unbiased": 0.556, "unbiased_se": 1e-4}
    assert failing(lloyd_max.checks([exact, eden])) == []
    assert len(failing(lloyd_max.checks([exact, {**eden, "error": 0.36}]))) == 1
    assert len(failing(lloyd_max.checks([{**exact, "error": 0.36}, eden]))) == 1


def test_the_baseline_rounds_to_its_grid_and_without_bias():
    """2000 roundings of 8 entries: five standard errors, false alarms below 1e-5."""
    x = jnp.linspace(-1.0, 2.0, 8) ** 3
    keys = jax.random.split(KEY, 2000)
    found = np.asarray(jax.vmap(lambda k: mean_estimation._round_stochastically(k, x, 2))(keys))
    np.testing.assert_allclose(np.unique(found.round(4)), [-1, 2, 5, 8], atol=1e-3)
    radius = 5 * found.std(axis=0) / np.sqrt(2000) + 1e-5
    assert (np.abs(found.mean(axis=0) - x) < radius).all()


def test_gradients_are_those_of_a_batch_and_of_a_network():
    gradient = jax.jit(mean_estimation._gradient, static_argnums=0)
    one, two, three = jax.random.split(KEY, 3)
    pairs = ((one, two), (one, three), (two, one))
    same, batch, network = (gradient(2, *pair) for pair in pairs)
    assert same.shape == (mean_estimation.FEATURES, 2)
    np.testing.assert_array_equal(same, gradient(2, one, two))
    for other in (batch, network):
        assert not np.allclose(same, other, rtol=0.1)


def test_means_that_do_not_fall_are_seen():
    row = {"input": "pair", "method": "eden", "bits": 1, "blocks": 2, "clients": 1, "d": 64}
    row |= {"repeats": 100, "nmse": 0.57, "nmse_se": 0.001}
    many = {**row, "clients": 16, "nmse": 0.57 / 16, "nmse_se": 0.001 / 16}
    assert failing(mean_estimation.checks([row, many])) == []
    assert len(failing(mean_estimation.checks([row, {**many, "nmse": 0.57}]))) == 1
    assert len(failing(mean_estimation.checks([{**row, "nmse": 0.9}]))) == 1
    long = {**row, "d": 1024}  # a band of four standard errors of 0.2 %, and 2 %
    assert failing(mean_estimation.checks([{**long, "nmse": 1.024 * (np.pi / 2 - 1)}])) == []
    assert len(failing(mean_estimation.checks([{**long, "nmse": 1.035 * (np.pi / 2 - 1)}]))) == 1
    assert failing(mean_estimation.checks([{**row, "blocks": 1, "nmse": 0.5625}])) == []
    assert len(failing(mean_estimation.checks([{**row, "blocks": 1, "nmse": 0.3}]))) == 1
    other = {**row, "input": "lognormal"}
    baseline = {**other, "method": "stochastic", "blocks": 0, "nmse": 0.3}
    assert len(failing(mean_estimation.checks([other, baseline]))) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: drive_bias.Config(log2_d=(4,)), "--log2-d"),
        (lambda: drive_bias.Config(blocks=(0,)), "--blocks"),
        (lambda: lloyd_max.Config(bits=(9,)), "--bits"),
        (lambda: lloyd_max.Config(log2_d=(1,)), "--log2-d"),
        (lambda: mean_estimation.Config(d=192), "--d must be 64"),
        (lambda: mean_estimation.Config(clients=(0,)), "--clients"),
        (lambda: mean_estimation.Config(bits=(0,)), "--bits"),
        (lambda: mean_estimation.Config(repeats=1), "--repeats"),
    ],
)
def test_settings_out_of_range(make, words):
    with pytest.raises(ValueError, match=words):
        make()
