"""The figure of the scaling experiment, drawn from made-up rows of the right form."""

import numpy as np
import polars as pl
import pytest
from matplotlib import pyplot as plt

from experiments._scaling_model import EXCHANGES
from paper_figs import _registry, _results, palette
from tests.experiments import scaling_rows


@pytest.fixture
def df():
    yield pl.DataFrame(scaling_rows.rows(), infer_schema_length=None)
    plt.close("all")


def test_the_caption_is_filled(df):
    caption = _results.fill_caption(_registry.load("scaling").caption, [df])
    assert "{" not in caption
    assert "medians of 9 calls" in caption
    assert "2^28 float32 on each of 1 to 1,024 devices" in caption


def test_points_lie_on_the_lines_and_machines_are_there(df):
    figure = _registry.load("scaling").draw(df)
    axes = dict(zip(("left", *EXCHANGES, "right"), _by_place(figure), strict=True))
    colors = {line.get_color() for line in axes["left"].lines}
    assert colors == set(palette.MESHES.values())
    for layout in EXCHANGES:
        lines = [one for one in axes[layout].lines if one.get_marker() in ("o", "s", "^")]
        faces = [one.get_markerfacecolor() for one in lines]
        assert faces.count("white") == len(palette.MESHES) == len(lines) / 2
        np.testing.assert_allclose(np.concatenate([one.get_ydata() for one in lines]), 1, rtol=1e-6)
    assert len(axes["right"].lines) == 3 * len(palette.MACHINES)
    assert len(axes["right"].lines[0].get_xdata()) == 11
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        *palette.MESH_LABELS.values(),
        *(f"{m} (predicted)" for m in palette.MACHINES),
    ]


def test_one_length_is_too_few_for_a_fit(df):
    one = df.filter(pl.col("log2_n").is_null() | (pl.col("log2_n") == 12))
    _, natural, *_ = _by_place(_registry.load("scaling").draw(one))
    assert [line.get_marker() for line in natural.lines] == ["None"]


def _by_place(figure):
    """The panels: exchanges, natural, transposed, machines."""
    left, natural, right, transposed = figure.axes
    return left, natural, transposed, right
