"""Kolmogorov distance of one coordinate over the dimension, one panel a number of blocks."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hadax.discrepancy import kolmogorov_bound
from paper_figs import palette
from paper_figs._axes import set_dimension_axis

NEEDS = ("kolmogorov",)

CAPTION = (
    "Kolmogorov distance between a coordinate of the rotation of x by k Hadamard blocks and a "
    "coordinate of a uniformly rotated vector, for four inputs x. Lines with filled markers: exact "
    "laws, or averages of exact laws over {repeats:method=lattice} draws of the first block (bars: "
    "99 % bootstrap bands, mostly smaller than the markers). Open markers, set apart sideways: "
    "{repeats:method=sampled} simulated rotations with 99 % DKW bands, where the band is narrow "
    "against the distance; elsewhere, if no exact law is known, a triangle is the upper end of the "
    "band. Black: the bound 0.894/sqrt(d) + 0.162/d for every x and k >= 2. "
    "Grey: the slope -1/5 of the published bound, whose constant is not known to us. One block "
    "does not converge for sparse x; two do, at the rate d^(-1/2)."
)

_SHARP = pl.col("method") != "sampled"
_NARROW = pl.col("low") > pl.col("distance") / 3  # bands of simulations that are worth drawing


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each number of blocks."""
    blocks = df["blocks"].unique().sort().to_list()
    figure, axes = plt.subplots(
        1, len(blocks), figsize=(7.4, 3.3), sharex=True, sharey=True, squeeze=False
    )
    for ax, k in zip(axes[0], blocks, strict=True):
        for place, name in enumerate(_drawn(df)):
            rows = df.filter((pl.col("blocks") == k) & (pl.col("input") == name)).sort("d")
            sharp = rows.filter(_SHARP)
            _sharp(ax, sharp, name)
            sampled = rows.filter(~_SHARP)
            _sampled(ax, sampled, sharp["d"].to_list(), name, 1.15 ** (place - 1.5))
        if k > 1:
            d = df["d"].unique().sort().to_numpy()
            ax.plot(d, [kolmogorov_bound(int(n)) for n in d], color=palette.BOUND, zorder=1)
            ax.plot(d, (d / d[0]) ** -0.2 * 0.4, color=palette.GUIDE, linestyle="--", zorder=1)
        ax.set_title(f"k = {k} block" + "s" * (k > 1))
        set_dimension_axis(ax)
    axes[0][0].set_yscale("log")
    sharp = df.filter(_SHARP)["distance"].to_numpy()
    axes[0][0].set_ylim(0.5 * sharp.min(), 1)
    axes[0][0].set_ylabel("Kolmogorov distance")
    figure.legend(handles=_legend(df), loc="outside lower center", ncols=4)
    return figure


def _drawn(df: pl.DataFrame) -> list[str]:
    """Return the inputs there are, in the palette's order."""
    return [name for name in palette.INPUTS if name in df["input"]]


def _sharp(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw exact laws and averages of exact laws."""
    value = rows["distance"].to_numpy()
    ax.errorbar(
        rows["d"].to_numpy(),
        value,
        yerr=[value - rows["low"].to_numpy(), rows["high"].to_numpy() - value],
        color=palette.INPUTS[name],
        marker=palette.INPUT_MARKERS[name],
        zorder=3,
    )


def _sampled(ax: Axes, rows: pl.DataFrame, known: list[int], name: str, aside: float) -> None:
    """Draw simulated distances; of wide bands only the upper end, and only where it is news."""
    color = palette.INPUTS[name]
    clear = rows.filter(_NARROW)
    value = clear["distance"].to_numpy()
    ax.errorbar(
        aside * clear["d"].to_numpy(),
        value,
        yerr=[value - clear["low"].to_numpy(), clear["high"].to_numpy() - value],
        color=color,
        marker=palette.INPUT_MARKERS[name],
        markerfacecolor="white",
        linestyle="none",
        linewidth=0.8,
        zorder=2,
    )
    unclear = rows.filter(~_NARROW & ~pl.col("d").is_in(known))
    ax.plot(
        aside * unclear["d"].to_numpy(),
        unclear["high"].to_numpy(),
        color=color,
        marker="v",
        markerfacecolor="white",
        linestyle="none",
        zorder=2,
    )


def _legend(df: pl.DataFrame) -> list[Line2D]:
    """Return the entries of the legend."""
    grey = palette.GUIDE
    return [
        *(_input_entry(df.filter(pl.col("input") == name), name) for name in _drawn(df)),
        Line2D([], [], color=grey, marker="o", mfc="white", linestyle="none", label="simulated"),
        Line2D([], [], color=grey, marker="v", mfc="white", linestyle="none", label="at most"),
        Line2D([], [], color=palette.BOUND, label=r"bound $0.894\,d^{-1/2}+0.162/d$"),
        Line2D([], [], color=grey, linestyle="--", label="slope $-1/5$"),
    ]


def _input_entry(rows: pl.DataFrame, name: str) -> Line2D:
    """Return the entry of an input: a line where a law is known, else the open marker it has."""
    color, label = palette.INPUTS[name], palette.INPUT_LABELS[name]
    own = palette.INPUT_MARKERS[name]
    if not rows.filter(_SHARP).is_empty():
        return Line2D([], [], color=color, marker=own, label=label)
    marker = "v" if rows.filter(_NARROW).is_empty() else own
    return Line2D([], [], color=color, marker=marker, mfc="white", linestyle="none", label=label)
