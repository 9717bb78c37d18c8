"""How far the fourth moment of a rotated vector is from a uniform one's, after each block."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.fourth_moment import ERRORS
from paper_figs import palette

NEEDS = ("fourth_moment",)

CAPTION = (
    "Distance of the kurtosis of a coordinate after k blocks from that of a uniform unit vector, "
    "3d/(d+2). Lines: the exact recursion (proved), which multiplies the distance by -2/d with "
    "every block (each point of the random input is a vector of its own). Open markers: "
    "{samples:blocks=1} simulated rotations, with bars of 4 standard errors, where they see a "
    "distance at all; in the shaded area they cannot."
)

_BOTTOM = 1e-5  # of the axis: float32 says no more


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for the smallest and the largest dimension."""
    every = df["d"].unique().sort().to_list()
    dimensions = list(dict.fromkeys((every[0], every[-1])))
    figure, axes = plt.subplots(1, len(dimensions), figsize=(7.4, 3.4), sharey=True, squeeze=False)
    for ax, d in zip(axes[0], dimensions, strict=True):
        ax.set_title(f"d = {d}")
        for name in palette.INPUTS:
            rows = df.filter((pl.col("input") == name) & (pl.col("d") == d)).sort("blocks")
            if len(rows):
                _input(ax, rows, name)
        _resolution(ax, df.filter(pl.col("d") == d))
        ax.set_yscale("log")
        ax.set_xlabel("blocks $k$")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].set_ylim(bottom=_BOTTOM)
    axes[0, 0].set_ylabel(r"$|d\,E|y|_4^4 - 3d/(d+2)|$")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _input(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw one input: the recursion, the distances seen and the limits of those not seen."""
    color, marker = palette.INPUTS[name], palette.INPUT_MARKERS[name]
    ax.plot(
        rows["blocks"].to_numpy(),
        (rows["exact"] - rows["uniform"]).abs().to_numpy(),
        color=color,
        marker=marker,
        markersize=3,
        label=palette.INPUT_LABELS[name],
    )
    simulated = rows.filter(pl.col("blocks") > 0).with_columns(
        (ERRORS * pl.col("standard_error")).alias("radius"),
        (pl.col("kurtosis") - pl.col("uniform")).abs().alias("offset"),
    )
    seen = simulated.filter(pl.col("offset") > pl.col("radius"))
    ax.errorbar(
        seen["blocks"].to_numpy(),
        seen["offset"].to_numpy(),
        yerr=seen["radius"].to_numpy(),
        color=color,
        marker=marker,
        markerfacecolor="white",
        linestyle="none",
    )


def _resolution(ax: Axes, rows: pl.DataFrame) -> None:
    """Shade the distances that the simulation cannot see for any input."""
    errors = rows.filter(pl.col("blocks") > 0).group_by("blocks").agg(pl.max("standard_error"))
    errors = errors.sort("blocks")
    ax.fill_between(
        errors["blocks"].to_numpy(),
        _BOTTOM,
        ERRORS * errors["standard_error"].to_numpy(),
        color=palette.GUIDE,
        alpha=0.15,
        linewidth=0,
        label=f"below {ERRORS} standard errors",
    )
