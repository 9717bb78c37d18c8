"""Error of rounding after two blocks over that after a uniform rotation, one panel a bit width."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.lloyd_max import Method, ratios
from paper_figs import palette
from paper_figs._axes import set_dimension_axis

NEEDS = ("lloyd_max",)

CAPTION = (
    "Mean squared error of the Lloyd-Max levels of the normal law after two Hadamard blocks, over "
    "that after a uniform (Haar) rotation. Lines with filled markers: one coordinate, exact laws. "
    "Open markers, set apart sideways: messages of EDEN with the scale of least error, "
    "{messages:method=eden} a point, bars 4 standard errors. On the sparse inputs a coordinate "
    "lies on a lattice, and levels that fall between its points cost up to a half more at the "
    "dimension of an attention head. The factor of a message makes up for part of it, and for more "
    "than all of it where the lattice suits the levels. Random vectors see no difference. Computed "
    "or measured; that EDEN stays below the exact error is proved."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each number of bits."""
    bits = df["bits"].unique().sort().to_list()
    figure, axes = plt.subplots(
        1, len(bits), figsize=(7.4, 3.1), sharex=True, sharey=True, squeeze=False
    )
    names = [name for name in palette.INPUTS if name in df["input"]]
    for ax, width in zip(axes[0], bits, strict=True):
        for place, name in enumerate(names):
            here = df.filter(pl.col("bits") == width).sort("d")
            _ratios(ax, here, name, "exact", 1.0)
            _ratios(ax, here, name, "eden", 1.09 ** (place + 1 - len(names) / 2))
        ax.axhline(1, color=palette.GUIDE, linewidth=0.8, zorder=1)
        ax.set_title(f"{width} bit" + "s" * (width > 1))
        set_dimension_axis(ax)
    axes[0][0].set_ylabel("error over that of a uniform rotation")
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=5)
    return figure


def _ratios(ax: Axes, rows: pl.DataFrame, name: str, method: Method, aside: float) -> None:
    """Draw one input by one method."""
    found = ratios(rows.to_dicts(), name, method)
    exact = method == "exact"
    if found:
        d, value, radius = zip(*found, strict=True)
        ax.errorbar(
            [aside * each for each in d],
            value,
            yerr=None if exact else radius,
            color=palette.INPUTS[name],
            marker=palette.INPUT_MARKERS[name],
            markerfacecolor=palette.INPUTS[name] if exact else "white",
            linestyle="-" if exact else "none",
            linewidth=1.4 if exact else 0.8,
        )


def _legend(names: list[str]) -> list[Line2D]:
    """Return the entries of the legend: one an input, and what an open marker is."""
    inputs = [
        Line2D(
            [],
            [],
            color=palette.INPUTS[name],
            marker=palette.INPUT_MARKERS[name],
            mfc="white" if name == "random" else None,
            linestyle="none" if name == "random" else "-",
            label=palette.INPUT_LABELS[name],
        )
        for name in names
    ]
    grey = palette.GUIDE
    eden = Line2D([], [], color=grey, marker="o", mfc="white", linestyle="none", label="EDEN")
    return [*inputs, eden]
