"""How near to the limit of memory a transform comes, over the length: ours and theirs."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from paper_figs import palette

NEEDS = ("speed",)

CAPTION = (
    "Time to read and write memory once (the limit: the fastest of x + 1 on a donated array, x + 1 "
    "and np.copy) over the time of an orthonormal Walsh-Hadamard transform, float32. Left: one "
    "vector of length n. Right: batches (4096 rows up to n = 4096, then 512 and 16). Top: in "
    "place, in JAX donated. Bottom: a new array in each call, against the same limit. Medians and "
    "quartiles of up to {rounds} interleaved timings; of a family "
    "with several variants the fastest. Short vectors show what a call costs."
)

_EXTRAS = r"tuned malloc|async dispatch"  # ours under other settings of the process
_TITLES = {True: "in place", False: "new array in each call"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each kind of shape and of output."""
    races = df.filter(workload="fwht", dtype="float32")
    single = pl.col("rows") == 1
    shapes = {"one vector": races.filter(single), "batches": races.filter(~single)}
    shapes = {title: rows for title, rows in shapes.items() if rows.height}
    figure, axes = plt.subplots(
        2, len(shapes), figsize=(7.4, 5.2), sharex="col", sharey="row", squeeze=False
    )
    for column, (title, rows) in zip(axes.T, shapes.items(), strict=True):
        fractions = _fractions(rows)
        for ax, (in_place, kind) in zip(column, _TITLES.items(), strict=True):
            _panel(ax, fractions.filter(in_place=in_place))
            ax.set_title(f"{title}, {kind}")
        column[-1].set_xlabel("length n")
    for ax in axes[:, 0]:
        ax.set_ylabel("fraction of the limit")
    drawn = {line.get_label() for ax in axes.flat for line in ax.get_lines()}
    figure.legend(handles=_legend(drawn), loc="outside lower center", ncols=4)
    return figure


def _fractions(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a family, kind of output and length: the fraction of its fastest variant."""
    timed = (
        rows.select("n", "contenders")
        .explode("contenders")
        .unnest("contenders")
        .filter(pl.col("median").is_not_null() & ~pl.col("name").str.contains(_EXTRAS))
    )
    limit = timed.filter(family="limit").group_by("n").agg(limit=pl.col("median").min())
    fastest = timed.filter(
        pl.col("median") == pl.col("median").min().over("n", "family", "in_place")
    )
    return fastest.join(limit, on="n").with_columns(
        fraction=pl.col("limit") / pl.col("median"),
        least=pl.col("limit") / pl.col("high"),
        most=pl.col("limit") / pl.col("low"),
    )


def _panel(ax: Axes, fractions: pl.DataFrame) -> None:
    """Draw a line with its band for each family."""
    for family, color in palette.RACERS.items():
        rows = fractions.filter(family=family).sort("n")
        if rows.height:
            n = rows["n"].to_numpy()
            marker = palette.RACER_MARKERS[family]
            ax.plot(n, rows["fraction"], color=color, marker=marker, label=family)
            ax.fill_between(n, rows["least"], rows["most"], color=color, alpha=0.25, linewidth=0)
    ax.axhline(1, color=palette.BOUND, linewidth=1)
    lengths = fractions["n"].unique().sort().to_list()
    ax.set_xscale("log", base=2)
    ax.set_xticks(lengths, [f"$2^{{{n.bit_length() - 1}}}$" for n in lengths])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")


def _legend(drawn: set[object]) -> list[Line2D]:
    """A handle for every family that is drawn, in the order of the palette."""
    return [
        Line2D([], [], color=color, marker=palette.RACER_MARKERS[family], label=family)
        for family, color in palette.RACERS.items()
        if family in drawn
    ]
