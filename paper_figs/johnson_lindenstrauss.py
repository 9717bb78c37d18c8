"""Distortion of lengths by subsampled Hadamard transforms, over that of a Gaussian map."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.johnson_lindenstrauss import ERRORS
from paper_figs import palette

NEEDS = ("johnson_lindenstrauss",)

CAPTION = (
    "Squared length of a unit vector of length n = {n} after m rows of k Hadamard blocks, over a "
    "Gaussian map's (grey line at 1), {samples} sketches a point. Top: standard deviation; lines "
    "are the exact formula (proved), markers simulated with bars of 4 standard errors. Bottom: "
    "99 % quantile of the distortion (measured). Sketches of one block spread the length of sparse "
    "inputs less than a Gaussian map, that of e_1 not at all, if with heavier tails for the plane; "
    "two blocks treat all inputs alike."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a column of panels for each number of blocks."""
    blocks = df["blocks"].unique().sort().to_list()
    figure, axes = plt.subplots(
        2, len(blocks), figsize=(7.4, 5), sharex=True, sharey="row", squeeze=False
    )
    for (top, bottom), k in zip(axes.T, blocks, strict=True):
        for name in palette.INPUTS:
            rows = df.filter((pl.col("blocks") == k) & (pl.col("input") == name)).sort("m")
            if len(rows):
                _input(top, bottom, rows, name)
        top.set_title(f"k = {k} block" + "s" * (k > 1))
        bottom.set_xlabel("rows m of the sketch")
        for ax in (top, bottom):
            ax.axhline(1, color=palette.GUIDE, linewidth=1)
            ax.set_xscale("log", base=2)
            ax.set_ylim(bottom=0)
    axes[0, 0].set_ylabel("standard deviation / Gaussian's")
    axes[1, 0].set_ylabel("99 % quantile / Gaussian's")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def _input(top: Axes, bottom: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw one input into both panels."""
    color, marker = palette.INPUTS[name], palette.INPUT_MARKERS[name]
    m = rows["m"].to_numpy()
    gaussian = rows["gaussian"].to_numpy()
    top.plot(m, (rows["exact"].to_numpy() / gaussian) ** 0.5, color=color)
    ratio = (rows["variance"].to_numpy() / gaussian) ** 0.5
    bars = ERRORS * rows["variance_se"].to_numpy() / gaussian / (2 * ratio).clip(1e-9)
    top.errorbar(
        m,
        ratio,
        yerr=bars,
        color=color,
        marker=marker,
        markerfacecolor="white",
        linestyle="none",
        label=palette.INPUT_LABELS[name],
    )
    quantile = rows["quantile"].to_numpy() / rows["gaussian_quantile"].to_numpy()
    bottom.plot(m, quantile, color=color, marker=marker)
