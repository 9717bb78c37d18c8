"""What averaging leaves of one-bit DRIVE over the dimension, one panel a number of blocks."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.drive_bias import ERRORS, resolved
from hadax.compression import expected_nmse
from paper_figs import palette
from paper_figs._axes import set_dimension_axis

NEEDS = ("drive_bias",)

CAPTION = (
    "Squared bias of one-bit DRIVE with the unbiased scale, for unit vectors x: the error of a "
    "mean over clients that no number of clients undercuts. Simulated in float64 with {draws} "
    "draws a point (bars: 4 standard errors); triangles are upper ends where nothing stands out of "
    "the noise. Grey: what the noise of 100, 10,000 and 1,000,000 clients leaves. With one block "
    "the larger of two entries is sent alone, for ever (proved); with two, entries that are nearly "
    "equal are the worst found, with a floor of 0.41/d (dashed; measured); three blocks have a "
    "floor far below."
)

_CLIENTS = (100, 10_000, 1_000_000)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each number of blocks."""
    blocks = df["blocks"].unique().sort().to_list()
    figure, axes = plt.subplots(
        1, len(blocks), figsize=(7.4, 3.2), sharex=True, sharey=True, squeeze=False
    )
    names = [name for name in palette.SENT if name in df["input"]]
    d = df["d"].unique().sort().to_numpy()
    for ax, k in zip(axes[0], blocks, strict=True):
        for clients in _CLIENTS:
            ax.axhline(expected_nmse(1) / clients, color=palette.GUIDE, linewidth=0.8)
        for place, name in enumerate(names):
            rows = df.filter((pl.col("blocks") == k) & (pl.col("input") == name)).sort("d")
            _floors(ax, rows, name, 1.08 ** (place - len(names) / 2))
        if k == 2:
            ax.plot(d, 0.41 / d, color=palette.BOUND, linestyle="--", linewidth=1, zorder=1)
        ax.set_title(f"k = {k} block" + "s" * (k > 1))
        set_dimension_axis(ax)
    axes[0][0].set_yscale("log")
    axes[0][0].set_ylabel(r"$|E\,\hat x - x|^2$")
    for clients in _CLIENTS:
        axes[0][-1].annotate(
            f"{clients:,}\nclients",
            (1.03, expected_nmse(1) / clients),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7,
            color=palette.GUIDE,
        )
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=4)
    return figure


def _floors(ax: Axes, rows: pl.DataFrame, name: str, aside: float) -> None:
    """Draw one input: floors with bars, and upper ends of what is lost in the noise."""
    color = palette.SENT[name]
    seen = pl.DataFrame([row for row in rows.to_dicts() if resolved(row)], schema=rows.schema)
    lost = pl.DataFrame([row for row in rows.to_dicts() if not resolved(row)], schema=rows.schema)
    ax.errorbar(
        seen["d"].to_numpy(),
        seen["floor"].to_numpy(),
        yerr=ERRORS * seen["floor_se"].to_numpy(),
        color=color,
        marker=palette.SENT_MARKERS[name],
    )
    ends = lost["floor"].to_numpy().clip(0) + ERRORS * lost["floor_se"].to_numpy()
    ax.plot(
        aside * lost["d"].to_numpy(),
        ends,
        color=color,
        marker="v",
        markerfacecolor="white",
        linestyle="none",
    )


def _legend(names: list[str]) -> list[Line2D]:
    """Return the entries of the legend."""
    inputs = [
        Line2D(
            [],
            [],
            color=palette.SENT[name],
            marker=palette.SENT_MARKERS[name],
            label=palette.SENT_LABELS[name],
        )
        for name in names
    ]
    grey, white = palette.GUIDE, "white"
    return [
        *inputs,
        Line2D([], [], color=grey, marker="v", mfc=white, linestyle="none", label="at most"),
        Line2D([], [], color=palette.BOUND, linestyle="--", label="0.41/d"),
    ]
