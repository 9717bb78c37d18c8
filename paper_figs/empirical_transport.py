"""W2 as matched samples have it, beside what it is."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs import palette
from paper_figs._axes import set_dimension_axis

NEEDS = ("empirical_transport",)

CAPTION = (
    "Why W2 is never estimated from samples here: root mean squared distance of n optimally "
    "matched points, two-block rotations of e_1 against uniform vectors (blue) and uniform against "
    "uniform ones (grey), {repeats} pairs of samples a point, bars of 4 standard errors "
    "(measured). Black: the distance itself (exact, proved). Beyond a few dimensions the distance "
    "of the samples from their own law is all that is seen, and no affordable n helps."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw the estimates over the dimension, a line a size of sample."""
    figure, ax = plt.subplots(figsize=(5.2, 3.5))
    df = df.sort("d")
    sizes = df["points"].unique().sort().to_list()
    for style, points in zip((":", "--", "-"), sizes[-3:], strict=False):
        rows = df.filter(pl.col("points") == points)
        _line(ax, rows, "rotated", palette.INPUTS["e1"], style, f"$e_1$ to uniform, n = {points}")
        _line(ax, rows, "uniform", palette.GUIDE, style, f"uniform to uniform, n = {points}")
    exact = df.unique("d", maintain_order=True)
    ax.plot(
        exact["d"].to_numpy(), exact["exact"].to_numpy(), color=palette.BOUND, label="exact, $e_1$"
    )
    set_dimension_axis(ax)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("$W_2$")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _line(ax: Axes, rows: pl.DataFrame, column: str, color: str, style: str, label: str) -> None:
    """Draw one estimate with its bars."""
    ax.errorbar(
        rows["d"].to_numpy(),
        rows[column].to_numpy(),
        yerr=4 * rows[f"{column}_se"].to_numpy(),
        color=color,
        linestyle=style,
        marker="o",
        label=label,
    )
