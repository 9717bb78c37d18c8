"""What two blocks leave wrong however large the dimension is."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments._separation_checks import LIMITS, radius
from paper_figs import palette
from paper_figs._axes import input_entries, set_dimension_axis

NEEDS = ("separation",)

CAPTION = (
    "Two blocks over the dimension. First: Kolmogorov distance in the direction of a row of H, "
    "which undoes the last block (exact). Second: the largest mean square of the conditional "
    "correlation of two coordinates (exact; 1: they are copies). Third and fourth: distances of "
    "the overlap of two rotations of x and of the largest coordinate, {samples:kind=failure} "
    "simulated pairs a point with 99 % DKW bands (measured). Dotted: limits (of a row proved; of "
    "the overlap 1/4 is a proved lower bound). None vanishes for (e_1 + e_2)/sqrt(2); the overlap "
    "misses e_1, which the rows of H see best."
)

_PANELS = {
    "exact_direction": "$d_K$ row of $H$",
    "pairs": r"$\max_s E A_s^2$",
    "overlap": "$d_K$ overlap",
    "largest_distance": r"$d_K$ of $|y|_\infty$",
}


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each failure."""
    df = df.filter(pl.col("kind") == "failure").sort("d")
    figure, axes = plt.subplots(1, len(_PANELS), figsize=(7.4, 3.0))
    names = [name for name in palette.INPUTS if name in df["input"]]
    for ax, (column, title) in zip(axes, _PANELS.items(), strict=True):
        for name in names:
            rows = df.filter((pl.col("input") == name) & pl.col(column).is_not_null())
            _line(ax, rows, name, column)
        for name, limit in LIMITS.get(column.removeprefix("exact_"), {}).items():
            ax.axhline(limit, color=palette.INPUTS[name], linestyle=":", linewidth=1)
        ax.set_title(title)
        ax.set_ylim(bottom=0)
        set_dimension_axis(ax)
    figure.legend(handles=input_entries(names), loc="outside lower center", ncols=5)
    return figure


def _line(ax: Axes, rows: pl.DataFrame, name: str, column: str) -> None:
    """Draw one input; bands where the panel is simulated."""
    simulated = column in ("overlap", "largest_distance")
    bands = [radius(row, column) for row in rows.to_dicts()] if simulated else None
    ax.errorbar(
        rows["d"].to_numpy(),
        rows[column].to_numpy(),
        yerr=bands,
        color=palette.INPUTS[name],
        marker=palette.INPUT_MARKERS[name],
        markersize=4,
        linewidth=0.8,
    )
