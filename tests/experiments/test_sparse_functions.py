"""What is particular to the recovery of real functions."""

import jax
import numpy as np
import pytest

from experiments import _boosted, _references, sparse_functions
from experiments.sparse_functions import GRAPH, Config, Trial

KEY = jax.random.key(0)


def signs(bits, k):
    return (-1.0) ** np.sum(bits[:, [i for i in range(bits.shape[1]) if k >> i & 1]], axis=1)


@pytest.mark.parametrize(("name", "degree"), [("diabetes", 2), ("breast_cancer_12", 3)])
def test_the_spectrum_of_trees_is_that_of_the_model(name, degree):
    model = _boosted.explained(name, 6, degree, 3)
    bits = np.random.default_rng(0).integers(0, 2, (50, model.n))
    spectrum = model.spectrum()
    assert max(k.bit_count() for k in spectrum) <= degree
    values = sum(value * signs(bits, k) for k, value in spectrum.items())
    np.testing.assert_allclose(values, model(bits), rtol=1e-12)


def test_a_model_is_recovered_with_its_shapley_values():
    row = sparse_functions.run(Trial("diabetes", 1, trees=4, depth=2), KEY)
    assert row["success"]
    assert row["missing"] == row["wrong"] == 0
    assert max(row["error"], row["shapley_error"], row["interaction_error"]) < 1e-12
    assert len(row["shapley"]) == len(row["features"]) == row["n"] == 10
    assert row["largest_exact"] == pytest.approx(row["largest_found"])


def test_shapley_values_by_definition():
    """Half of a product goes to each of two players."""
    bits = np.arange(8)[:, None] >> np.arange(3) & 1
    found = sparse_functions._shapley_by_definition(4.0 * bits[:, 0] * bits[:, 2] - bits[:, 1])
    np.testing.assert_allclose(found, [2, -1, 2])


def test_a_graph_is_recovered_from_noisy_cuts():
    row = sparse_functions.run(Trial(GRAPH, 0, noise=0.5), KEY)
    edges = _references.load(GRAPH)["edges"]
    assert row["edges"] == edges
    assert len({tuple(edge) for edge in edges}) == 78
    assert row["missing_edges"] == row["wrong_edges"] == 0
    assert 0 < row["error"] < 0.01


def model_row(name="breast_cancer", n=30, **changes):
    row = {
        "name": name, "noise": 0.0, "n": n, "missing": 0, "wrong": 0, "error": 1e-15,
        "share": 1e-5, "shapley_error": 1e-15, "interaction_error": 1e-15,
    }  # fmt: skip
    return row | changes


def verdicts(*rows):
    return [check.holds for check in sparse_functions.checks(rows)]


def test_faults_of_models_are_seen():
    assert verdicts(model_row()) == ["yes"] * 3
    assert verdicts(model_row(), model_row(wrong=1)) == ["no", "yes", "yes"]
    assert verdicts(model_row(error=1e-8)) == ["yes", "no", "yes"]
    assert verdicts(model_row(share=0.1)) == ["yes", "yes", "no"]
    small = {"name": "diabetes", "n": 10, "share": 2.0}
    assert verdicts(model_row(**small)) == ["yes"] * 4
    assert verdicts(model_row(**small, shapley_error=1.0)) == ["yes", "yes", "no", "yes"]


def test_faults_of_graphs_are_seen():
    row = {"name": GRAPH, "noise": 1.0, "n": 34, "share": 1e-6}
    right = row | {"missing_edges": 0, "wrong_edges": 0}
    assert verdicts(right) == ["yes", "yes"]
    assert verdicts(right, right | {"missing_edges": 1}) == ["no", "yes"]
    assert verdicts(right, right | {"noise": 0.0, "wrong_edges": 1}) == ["yes", "yes", "no", "yes"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"models": ("iris",)}, "--models must be of diabetes"),
        ({"depth": 7}, "--depth must be between 1 and 6"),
        ({"noises": (-1.0,)}, "--noises must be between 0 and 100"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Config(**settings)
