"""The Kolmogorov distance after two blocks for families of inputs, with its bounds."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.kolmogorov_families import LIMITS
from paper_figs import palette
from paper_figs._axes import set_dimension_axis

NEEDS = ("kolmogorov_families",)

CAPTION = (
    "Two blocks. Left: Kolmogorov distance of a coordinate of the rotated x from that of a uniform "
    "vector. Equal entries on a subspace of the indices, on independent indices, or on a plane: "
    "exact laws. Flat (from d = 32 on) and random x: averages over up to {draws:input=flat} draws "
    "of the first block; bars: 99 % bootstrap bands; triangles: upper ends of bands that reach 0. "
    "Black: 0.894/sqrt(d) + 0.162/d, proved for every x. Grey: d^(-1/5), the rate that the paper's "
    "abstract states; the constant 1 is ours. Right: the exact ones times sqrt(d); dotted: the "
    "limits of the lattice rule (measured here, not proved). Known inputs stay below 0.5984, the "
    "limit of the plane of four; the bound is 0.894."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw the distances, and beside them their constants."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 4.0))
    names = [name for name in palette.INPUTS if name in df["input"]]
    for name in names:
        rows = df.filter(pl.col("input") == name).sort("d")
        _distances(left, rows, name)
        exact = rows.filter(pl.col("method") == "exact")
        if name in LIMITS:
            _scaled(right, exact, name)
    lines = df.unique("d").sort("d")
    d = lines["d"].to_numpy()
    left.plot(d, lines["bound"].to_numpy(), color=palette.BOUND)
    left.plot(d, lines["paper"].to_numpy(), color=palette.GUIDE, linestyle="--")
    right.plot(d, d**0.5 * lines["bound"].to_numpy(), color=palette.BOUND)
    left.set_yscale("log")
    left.set_ylabel("Kolmogorov distance")
    right.set_ylabel(r"$\sqrt{d}$ times Kolmogorov distance")
    right.set_ylim(0, 1)
    for ax in (left, right):
        set_dimension_axis(ax)
    figure.legend(handles=_legend(df, names), loc="outside lower center", ncols=4)
    return figure


def _distances(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw one input's distances with their bands, or upper ends where a band reaches 0."""
    color = palette.INPUTS[name]
    clear = rows.filter(pl.col("low") > 0)
    value = clear["distance"].to_numpy()
    ax.errorbar(
        clear["d"].to_numpy(),
        value,
        yerr=[value - clear["low"].to_numpy(), clear["high"].to_numpy() - value],
        color=color,
        marker=palette.INPUT_MARKERS[name],
        linewidth=1,
    )
    unclear = rows.filter(pl.col("low") == 0)
    ax.plot(
        unclear["d"].to_numpy(),
        unclear["high"].to_numpy(),
        color=color,
        marker="v",
        markerfacecolor="white",
        linestyle="none",
    )


def _scaled(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw one input's distances times sqrt(d), and their limit."""
    d = rows["d"].to_numpy()
    color = palette.INPUTS[name]
    ax.plot(
        d,
        d**0.5 * rows["distance"].to_numpy(),
        color=color,
        marker=palette.INPUT_MARKERS[name],
        linewidth=1,
    )
    ax.axhline(LIMITS[name], color=color, linestyle=":", linewidth=1)


def _legend(df: pl.DataFrame, names: list[str]) -> list[Line2D]:
    """Return the entries of the legend."""
    return [
        *(_input_entry(df.filter(pl.col("input") == name), name) for name in names),
        Line2D([], [], color=palette.BOUND, label="proved, every x"),
        Line2D([], [], color=palette.GUIDE, linestyle="--", label=r"$d^{-1/5}$ (constant ours)"),
    ]


def _input_entry(rows: pl.DataFrame, name: str) -> Line2D:
    """Return the entry of an input: the triangle alone where all its bands reach 0."""
    color, label = palette.INPUTS[name], palette.INPUT_LABELS[name]
    if rows["low"].max() == 0:
        label += ", at most"
        return Line2D([], [], color=color, marker="v", mfc="white", linestyle="none", label=label)
    return Line2D([], [], color=color, marker=palette.INPUT_MARKERS[name], label=label)
