"""What one, two and three blocks get right and wrong: six statistics in one dimension."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from experiments._separation_checks import radius
from experiments.separation import COLUMNS
from paper_figs import palette
from paper_figs._axes import input_entries

NEEDS = ("separation",)

CAPTION = (
    "Statistics of the rotation by k Hadamard blocks, d = {d:kind=table}, {samples:kind=table} "
    "simulated pairs of rotations a point; measured. Kolmogorov distances from a uniform rotation "
    "(bars: 99 % DKW bands; grey: what the band cannot tell from 0): of a coordinate, of the "
    "direction of row 5 of H, of the overlap of two rotations of x, of the largest coordinate. "
    "Below on the right: mean distance of the d coordinates of one draw, and the error of the "
    "1-bit code (bars: 4 standard errors; dotted: a uniform vector). Two blocks repair "
    "coordinates, not directions or overlaps; three repair overlaps."
)

_DISTANCES = ("coordinate", "direction", "overlap", "largest_distance")
_BOTTOM = 1e-3
_TICKS = (0.05, 0.1, 0.2, 0.5, 1)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each statistic, with the blocks on the horizontal axis."""
    df = df.filter(pl.col("kind") == "table")
    figure, axes = plt.subplots(2, 3, figsize=(7.4, 5.2), sharex=True)
    names = [name for name in palette.INPUTS if name in df["input"]]
    uniform = df.filter(pl.col("blocks") == 0).to_dicts()[0]
    for ax, (column, title) in zip(axes.flat, COLUMNS.items(), strict=True):
        for place, name in enumerate(names):
            rows = df.filter((pl.col("input") == name) & (pl.col("blocks") > 0))
            aside = 0.07 * (place - (len(names) - 1) / 2)
            _line(ax, rows.sort("blocks"), name, column, aside)
        if column in _DISTANCES:
            ax.set_yscale("log")
            ax.set_ylim(_BOTTOM, 1.4)
            floor = radius(uniform, column)
            ax.axhspan(_BOTTOM, floor, color=palette.GUIDE, alpha=0.15, linewidth=0)
        else:
            ax.axhline(uniform[column], color=palette.GUIDE, linestyle=":", linewidth=1)
        if column == "quenched":
            ax.set_yscale("log")
            ax.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
            ax.yaxis.set_minor_locator(NullLocator())
        ax.set_title(title)
        ax.set_xticks(df.filter(pl.col("blocks") > 0)["blocks"].unique().sort().to_list())
    for ax in axes[1]:
        ax.set_xlabel("blocks $k$")
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=5)
    return figure


def _line(ax: Axes, rows: pl.DataFrame, name: str, column: str, aside: float) -> None:
    """Draw one input's statistic over the blocks."""
    ax.errorbar(
        aside + rows["blocks"].to_numpy(),
        rows[column].to_numpy(),
        yerr=[radius(row, column) for row in rows.to_dicts()],
        color=palette.INPUTS[name],
        marker=palette.INPUT_MARKERS[name],
        linewidth=0.8,
        markersize=4,
    )


def _legend(names: list[str]) -> list[Line2D | Patch]:
    """Return the entries of the legend."""
    grey = palette.GUIDE
    return [
        *input_entries(names),
        Patch(color=grey, alpha=0.15, linewidth=0, label="not told from 0"),
        Line2D([], [], color=grey, linestyle=":", linewidth=1, label="uniform vector"),
    ]
