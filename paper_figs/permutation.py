"""What a permutation before the last signs repairs: W2 over the dimension, and joint laws."""

from typing import Final, Literal

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from experiments.permutation import ERRORS
from hadax.discrepancy import w2_lower
from paper_figs import palette
from paper_figs._axes import input_entries, set_dimension_axis

NEEDS = ("permutation",)

CAPTION = (
    "Left: upper bounds of W2 between the uniform law and k blocks with a fresh permutation before "
    "the last signs, and no other one (proved; simulated with {samples:kind=sorted} pairs a "
    "point; bars: 4 standard errors). Black: what k blocks without a permutation stay above for "
    "every x (proved). With three blocks the bound falls nearly like d^(-1/2) for every input "
    "tried (measured), down to the distance of two sorted uniform vectors; e_1 with three blocks "
    "is the flat vector with two. Right: Kolmogorov distance of the overlap of two independent "
    "two-block rotations of x from that of uniform ones, d = {d:kind=joint}, {samples:kind=joint} "
    "pairs a point with 99 % DKW bands: the same permutation for all rotations does not repair it."
)

_WAYS = {"none": "none", "fixed": "fixed", "feistel": "Feistel", "fresh": "fresh"}
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1)
_STYLES: Final[dict[int, Literal["-", "--"]]] = {2: "-", 3: "--"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw the bounds of W2, and beside them the distances of the overlap."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.5), width_ratios=(1.4, 1))
    names = [name for name in palette.INPUTS if name in df["input"]]
    bounds = df.filter((pl.col("kind") == "sorted") & (pl.col("permute") == "none")).sort("d")
    for name in names:
        for blocks in _STYLES:
            rows = bounds.filter((pl.col("input") == name) & (pl.col("blocks") == blocks))
            _bound(left, rows, name, blocks)
    d = bounds["d"].unique().sort().to_list()
    for blocks, style in _STYLES.items():
        lower = [w2_lower(n, blocks) for n in d]
        left.plot(d, lower, color=palette.BOUND, linestyle=style, linewidth=1)
    left.set_yscale("log")
    left.set_yticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
    left.yaxis.set_minor_locator(NullLocator())
    left.set_ylabel("$W_2$ to the uniform law, at most")
    set_dimension_axis(left)
    _overlaps(right, df.filter(pl.col("kind") == "joint"), names)
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=4)
    return figure


def _bound(ax: Axes, rows: pl.DataFrame, name: str, blocks: int) -> None:
    """Draw one input after so many blocks."""
    ax.errorbar(
        rows["d"].to_numpy(),
        rows["w2"].to_numpy(),
        yerr=ERRORS * rows["w2_se"].to_numpy(),
        color=palette.INPUTS[name],
        marker=palette.INPUT_MARKERS[name],
        linestyle=_STYLES[blocks],
    )


def _overlaps(ax: Axes, rows: pl.DataFrame, names: list[str]) -> None:
    """Draw the distances of the overlap, a column a way to permute."""
    ways = [way for way in _WAYS if way in rows["permute"]]
    for place, name in enumerate(names):
        own = rows.filter(pl.col("input") == name)
        own = own.sort(pl.col("permute").replace_strict(ways, range(len(ways))))
        aside = 0.12 * (place - (len(names) - 1) / 2)
        value = own["overlap"].to_numpy()
        ax.errorbar(
            [ways.index(way) + aside for way in own["permute"]],
            value,
            yerr=[value - own["overlap_low"].to_numpy(), own["overlap_high"].to_numpy() - value],
            color=palette.INPUTS[name],
            marker=palette.INPUT_MARKERS[name],
            linestyle="none",
        )
    ax.set_xticks(range(len(ways)), [_WAYS[way] for way in ways])
    ax.set_xlabel("permutation, $k = 2$")
    ax.set_ylabel("$d_K$ of the overlap")
    ax.set_ylim(bottom=0)


def _legend(names: list[str]) -> list[Line2D]:
    """Return the entries of the legend."""
    return [
        *input_entries(names),
        *(
            Line2D([], [], color=palette.GUIDE, linestyle=style, label=f"k = {blocks}")
            for blocks, style in _STYLES.items()
        ),
        Line2D([], [], color=palette.BOUND, linewidth=1, label="never below, not permuted"),
    ]
