"""Figures of groups and of their transforms are drawn from a few rows."""

import polars as pl
import pytest
from matplotlib import pyplot as plt

from paper_figs import _registry

ROWS = [
    {"structure": s, "space": space, "transform": t, "dimension": 9, "residual": residual}
    for s, space, t, residual in (
        ("C16", "all", "C16", 1e-16),
        ("C16", "all", "D16", 0.683),
        ("C16", "symmetric", "C16", 0.0),
        ("C16", "symmetric", "D16", 0.0),
    )
]


def test_eigenbases_are_dots_and_controls_numbers():
    figure = _registry.load("group_residuals").draw(pl.DataFrame(ROWS))
    ax = figure.axes[0]
    assert sorted(text.get_text() for text in ax.texts) == [".68", "•", "•", "•"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["C16 [9]", "C16 (all) [9]"]
    assert ax.get_xticklabels()[0].get_text() == "D16: real Fourier"
    plt.close(figure)


def test_losses_are_drawn_over_one_minus_rho():
    rows = [
        {"n": n, "rho": rho, "transform": transform, "gain": 1.0, "loss": loss}
        for n in (8, 16, 64)
        for rho in (0.5, 0.7, 0.9)
        for transform, loss in (("KLT", 0.0), ("Haar", 0.5), ("DCT-II", 0.02))
    ]
    figure = _registry.load("coding_gain").draw(pl.DataFrame(rows))
    assert [ax.get_title() for ax in figure.axes] == ["n = 8 points", "n = 64 points"]
    assert [line.get_label() for line in figure.axes[1].lines] == ["DCT-II", "Haar"]
    assert figure.axes[0].lines[0].get_xdata() == pytest.approx([0.5, 0.3, 0.1])
    assert figure.axes[0].xaxis_inverted()
    plt.close(figure)
