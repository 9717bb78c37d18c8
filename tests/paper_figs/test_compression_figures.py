"""The figures on compression are drawn from a few rows, and say what they need to."""

import itertools

import polars as pl
import pytest
from matplotlib import pyplot as plt

from paper_figs import _registry, _results

FLOOR = {"input": "pair", "blocks": 2, "d": 64, "draws": 10, "floor": 1e-3, "floor_se": 1e-5}
ERROR = {"d": 64, "bits": 1, "messages": 100, "error_se": 0.01}
MEAN = {"d": 64, "repeats": 100, "nmse_se": 0.01}
ROWS = {
    "drive_bias": [FLOOR, {**FLOOR, "d": 256, "floor": -1e-6, "floor_se": 1e-6}],
    "lloyd_max": [
        {**ERROR, "input": name, "method": method, "error": 0.5}
        for name, method in itertools.product(("uniform", "e1", "random"), ("exact", "eden"))
    ],
    "mean_estimation": [
        {**MEAN, "input": name, "method": method, "blocks": blocks, "bits": bits}
        | {"clients": clients, "nmse": 0.5 / clients}
        for name, (method, blocks), bits, clients in itertools.product(
            ("pair", "gradient"), (("eden", 1), ("eden", 2), ("stochastic", 0)), (1, 4), (1, 16)
        )
    ],
}


@pytest.fixture(params=ROWS)
def drawn(request):
    """A figure, its axes and its caption."""
    df = pl.DataFrame(ROWS[request.param])
    module = _registry.load(request.param)
    figure = module.draw(df)
    yield request.param, figure, _results.fill_caption(module.caption, [df])
    plt.close(figure)


def test_figures_have_a_panel_a_group_and_their_repeats_in_the_caption(drawn):
    name, figure, caption = drawn
    assert len(figure.axes) == {"drive_bias": 1, "lloyd_max": 1, "mean_estimation": 2}[name]
    assert "{" not in caption
    assert {"drive_bias": "10 draws", "lloyd_max": "100 a point"}.get(name, "100 rep") in caption
    figure.draw_without_rendering()


def test_floors_in_the_noise_are_drawn_as_upper_ends():
    figure = _registry.load("drive_bias").draw(pl.DataFrame(ROWS["drive_bias"]))
    triangles = [line for line in figure.axes[0].get_lines() if line.get_marker() == "v"]
    assert [list(line.get_ydata()) for line in triangles] == [[pytest.approx(4e-6)]]
    plt.close(figure)


def test_every_way_to_send_is_in_the_legend_once():
    figure = _registry.load("mean_estimation").draw(pl.DataFrame(ROWS["mean_estimation"]))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:3] == ["EDEN, 1 block", "EDEN, 2 blocks", "no rotation, stochastic rounding"]
    assert labels[3:] == ["uniform rotation, 1 bit", "uniform rotation, 4 bits"]
    plt.close(figure)
