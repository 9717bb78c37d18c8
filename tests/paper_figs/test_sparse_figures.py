"""The figures of sparse transforms, from a few rows."""

import polars as pl
import pytest
from matplotlib import pyplot as plt

from experiments import _references
from experiments.sparse_functions import GRAPH
from experiments.sparse_noise import METHODS
from experiments.sparse_transition import THRESHOLD
from paper_figs import _registry, palette


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_the_transition_has_a_curve_a_number_of_bins():
    rows = [
        {"bins": bins, "ratio": ratio, "recovered": hits, "runs": 10}
        for bins in (64, 512, 32)
        for ratio, hits in ((1.1, 0), (1.6, 10))
    ]
    (ax,) = _registry.load("sparse_transition").draw(pl.DataFrame(rows)).axes
    assert [bar.get_label() for bar in ax.containers] == ["B = 32", "B = 64", "B = 512"]
    assert all(bar.lines[0].get_ydata().tolist() == [0, 1] for bar in ax.containers)
    assert any(line.get_xdata()[0] == THRESHOLD for line in ax.get_lines())


def test_noise_has_a_curve_a_decoder_and_the_earlier_program():
    rows = [
        {"method": name, "known": known, "noise": noise, "recovered": 5, "runs": 10}
        for name in METHODS[:2]
        for known in (True, False)
        for noise in (2, 8)
    ]
    given, estimated = _registry.load("sparse_noise").draw(pl.DataFrame(rows)).axes
    assert [len(ax.containers) for ax in (given, estimated)] == [2, 2]
    assert given.containers[0].lines[0].get_xdata()[0] == pytest.approx(12.04, abs=0.01)
    assert len(given.get_lines()) - len(estimated.get_lines()) == 2


def test_every_decoder_has_its_looks():
    assert palette.DECODERS.keys() == palette.DECODER_LABELS.keys() == set(METHODS)
    assert palette.DECODER_MARKERS.keys() == set(METHODS)


def test_scaling_has_the_dense_transform_where_it_fits():
    def row(n, sparsity, decoder, **more):
        seconds = {"recover": [1e-3, 2e-3], "sample": [1e-2], **more}
        return {"n": n, "sparsity": sparsity, "decoder": decoder, "samples": 99, "seconds": seconds}

    rows = [
        row(n, 100, decoder, **({"dense": [1e-4]} if n < 30 else {}))
        for decoder in ("noiseless", "nso")
        for n in (20, 40)
    ]
    df = pl.DataFrame([*rows, row(40, 2000, "nso")])
    left, middle, right = _registry.load("sparse_scaling").draw(df).axes
    assert [line.get_label() for line in left.get_lines()] == [
        "sparse, noiseless", "sparse, nso", "dense",
    ]  # fmt: skip
    assert [len(ax.get_lines()) for ax in (left, middle, right)] == [3, 5, 4]
    assert left.get_lines()[-1].get_ydata().tolist() == [2**20]


def functions(edges):
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
        figure = _registry.load("sparse_functions").draw(functions(found))
        left, middle, right = figure.axes
        colors = [line.get_color() for line in right.get_lines()]
        assert colors.count(palette.VERMILION) == red
        assert len(left.get_lines()) == 2
        assert [text.get_text() for text in middle.get_yticklabels()] == ["a", "b"]
