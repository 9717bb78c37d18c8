"""The distance of one rotated vector's coordinates from a uniform law, over the dimension."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.quenched import INDEPENDENT, radius
from paper_figs import palette
from paper_figs._axes import input_entries, set_dimension_axis

NEEDS = ("quenched",)

CAPTION = (
    "Kolmogorov distance between the d coordinates of one rotated vector and the law of a uniform "
    "one, times sqrt(d): means over {draws} draws, fewer at large d, with bars of 4 standard "
    "errors. Measured. Grey: a uniform vector; dotted: independent draws of a coordinate (the "
    "limit .8687). The random x is another one at every d. One block does not converge for sparse "
    "x; two cost a factor of two on sparse x; three are within these bars."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each number of blocks: one on its own scale, the others on a common one."""
    blocks = df.filter(pl.col("blocks") > 0)["blocks"].unique().sort().to_list()
    figure, axes = plt.subplots(1, len(blocks), figsize=(7.4, 3.3), squeeze=False)
    names = [name for name in palette.INPUTS if name in df["input"]]
    for ax, k in zip(axes[0], blocks, strict=True):
        _line(ax, df.filter(pl.col("blocks") == 0), palette.GUIDE, "x")
        for name in names:
            rows = df.filter((pl.col("blocks") == k) & (pl.col("input") == name))
            _line(ax, rows, palette.INPUTS[name], palette.INPUT_MARKERS[name])
        ax.axhline(INDEPENDENT, color=palette.GUIDE, linestyle=":", linewidth=1)
        ax.set_title(f"k = {k} block" + "s" * (k > 1))
        set_dimension_axis(ax)
        if k == 1:
            ax.set_yscale("log")
        else:
            ax.set_ylim(0, 3)
    axes[0][0].set_ylabel(r"$\sqrt{d}$ times the distance")
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=4)
    return figure


def _line(ax: Axes, rows: pl.DataFrame, color: str, marker: str) -> None:
    """Draw one input."""
    rows = rows.sort("d")
    ax.errorbar(
        rows["d"].to_numpy(),
        rows["scaled"].to_numpy(),
        yerr=[radius(row) for row in rows.to_dicts()],
        color=color,
        marker=marker,
        linewidth=1,
    )


def _legend(names: list[str]) -> list[Line2D]:
    """Return the entries of the legend."""
    grey = palette.GUIDE
    return [
        *input_entries(names),
        Line2D([], [], color=grey, marker="x", label="uniform vector"),
        Line2D([], [], color=grey, linestyle=":", linewidth=1, label="independent draws"),
    ]
