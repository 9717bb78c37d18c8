"""The figure of the scaling experiment, drawn from made-up rows of the right form."""

import numpy as np
import polars as pl
import pytest
from matplotlib import pyplot as plt

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
    left, middle, right = figure.axes
    colors = {line.get_color() for line in left.lines}
    assert colors == set(palette.MESHES.values())
    ratios = [line.get_ydata() for line in middle.lines if line.get_marker() in ("o", "s", "^")]
    assert len(ratios) == 2 * len(palette.MESHES)
    np.testing.assert_allclose(np.concatenate(ratios), 1, rtol=1e-6)
    assert len(right.lines) == 3 * len(palette.MACHINES)
    assert len(right.lines[0].get_xdata()) == 11
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        *palette.MESH_LABELS.values(),
        *(f"{m} (predicted)" for m in palette.MACHINES),
    ]


def test_two_lengths_are_too_few_for_a_line(df):
    figure = _registry.load("scaling").draw(
        df.filter(pl.col("log2_n").is_null() | (pl.col("log2_n") < 15))
    )
    assert [line.get_marker() for line in figure.axes[1].lines] == ["None"]
