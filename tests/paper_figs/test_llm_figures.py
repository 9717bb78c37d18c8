"""The figures of the language model, drawn from made-up rows of the right form."""

import numpy as np
import polars as pl
import pytest
from matplotlib import pyplot as plt

from paper_figs import _registry, _results, palette

SITES = ("attention", "output", "feed_forward", "down")


def rows():
    """Two draws of two kinds of rotation, and the model as it is."""
    common = {"model": "tiny", "time": 32, "windows": 2}
    found = []
    for rotation, draws in (("none", 1), ("two blocks", 2)):
        for draw in range(draws):
            for quantizer in ("off", "W4A4"):
                found.append(
                    {"measure": "perplexity", "rotation": rotation, "draw": draw,
                     "quantizer": quantizer, "perplexity": 30.0 + draw,
                     "losses": [1.0, 2.0, 9.0], **common}
                )  # fmt: skip
        statistics = {
            name: value
            for site in SITES
            for name, value in (
                (f"counts_{site}", [1, 0, 5]),
                (f"kurtosis_{site}", [3.0, 9.0]),
                (f"incoherence_{site}", [2.0, 4.0]),
            )
        }
        found.append(
            {"measure": "activations", "rotation": rotation, "draw": 0, "quantizer": "off",
             "edges": [-1.0, 0.0, 1.0, 2.0], **statistics, **common}
        )  # fmt: skip
    return pl.DataFrame(
        [r for r in found if not (r["rotation"] != "none" and r["quantizer"] == "off"
                                  and r["measure"] == "perplexity" and r["draw"])],
        infer_schema_length=None,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", ["llm_perplexity", "llm_activations"])
def test_captions_are_filled(name):
    caption = _results.fill_caption(_registry.load(name).caption, [rows()])
    assert "{" not in caption
    assert "tiny" in caption


def test_every_draw_is_a_point():
    figure = _registry.load("llm_perplexity").draw(rows())
    points = {
        line.get_color(): list(line.get_ydata())
        for line in figure.axes[0].lines
        if line.get_linestyle() == "None"
    }
    (text,) = figure.axes[0].texts
    assert text.get_text() == "not quantized: 4.5"  # exp(1.5): as many windows as the others
    assert points == {palette.ROTATIONS["none"]: [30.0], palette.ROTATIONS["two blocks"]: [30, 31]}


def test_every_site_has_its_histogram_and_statistics():
    figure = _registry.load("llm_activations").draw(rows())
    assert len(figure.axes) == 12
    histogram = figure.axes[0].patches[0].get_data()
    np.testing.assert_allclose(histogram.values, [1 / 6, np.nan, 5 / 6])
    assert list(figure.axes[4].lines[0].get_ydata()) == [3.0, 9.0]
