"""The figure of the race of eigenbases and their matrices, from a few rows."""

import polars as pl
from matplotlib import pyplot as plt

from experiments import basis_speed
from paper_figs import _registry, palette


def test_ratios_of_speed_are_drawn_where_there_was_a_race():
    def race(basis, n, ratio):
        band = {"low": ratio and 0.9 * ratio, "high": ratio and 1.1 * ratio}
        return {
            "basis": basis,
            "n": n,
            "status": "ok" if ratio else "does not fit",
            "ratio": ratio,
        } | band

    rows = [race(basis, n, n / 64) for basis in ("Haar", "DCT-II", "DST-II") for n in (64, 128)]
    figure = _registry.load("basis_speed").draw(pl.DataFrame([*rows, race("Haar", 256, None)]))
    lines = [
        {line.get_label(): list(line.get_ydata()) for line in ax.get_lines()} for ax in figure.axes
    ]
    assert lines[0]["Haar"] == [1.0, 2.0]
    assert lines[1]["DCT-II"] == lines[1]["DST-II"] == [1.0, 2.0]
    styles = {line.get_label(): line.get_linestyle() for line in figure.axes[1].get_lines()}
    assert (styles["DCT-II"], styles["DST-II"]) == ("-", "--")
    plt.close(figure)


def test_every_basis_has_a_colour_and_a_marker():
    assert palette.BASES.keys() == palette.BASIS_MARKERS.keys() == basis_speed.STRUCTURES.keys()
