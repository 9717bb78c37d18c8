"""The figure of sparse functions, from a few rows."""

import polars as pl
import pytest
from matplotlib import pyplot as plt

from experiments import _references
from experiments.sparse_functions import GRAPH
from paper_figs import _registry, palette


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def rows(edges):
    model = {
        "name": "breast_cancer_12", "number": 0, "n": 12, "noise": 0.0, "asked": 100,
        "largest_exact": [2.0, -1.0], "largest_found": [2.0, -1.0],
        "features": ["a", "b"], "shapley": [0.5, -1.0], "dense_shapley": [0.5, -1.0],
        "edges": None,
    }  # fmt: skip
    cut = dict.fromkeys(model) | {"name": GRAPH, "number": 0, "n": 34, "asked": 9, "edges": edges}
    return pl.DataFrame([model, cut | {"noise": 0.0}, cut | {"noise": 1.0}], infer_schema_length=9)


def test_pairs_that_are_missed_or_wrong_are_red():
    edges = _references.load(GRAPH)["edges"]
    for found, red in ((edges, 0), (edges[1:], 1), ([*edges[1:], [10, 11]], 2)):
        figure = _registry.load("sparse_functions").draw(rows(found))
        left, middle, right = figure.axes
        colors = [line.get_color() for line in right.get_lines()]
        assert colors.count(palette.VERMILION) == red
        assert len(left.get_lines()) == 2
        assert [text.get_text() for text in middle.get_yticklabels()] == ["a", "b"]
