"""The table of groups and transforms is drawn from a few rows."""

import polars as pl
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
