"""The search for the worst input: all 0-1 vectors, and where gradient ascents end."""

import math
from typing import Any

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.worst_case import LIBRARY, PLANE_LIMIT
from paper_figs import palette

NEEDS = ("worst_case",)

CAPTION = (
    "Left: exact Kolmogorov distance of a coordinate after two blocks, times sqrt(d), for all "
    "0-1 vectors up to affine maps of the indices (small grey: other supports), against the number "
    "of ones; filled: d = 16, open: d = 8. Dotted: 0.5984, the limit of the plane of four, which "
    "is the worst of them at d = 8 and 16. Right: where gradient ascents of a smooth distance of "
    "characteristic functions end on the sphere, {starts:kind=ascent} starts, by dimension; the "
    "best end is in bold. Measured: no proof that there is no worse input."
)

_MARKER_FILL = {8: "white", 16: None}


def draw(df: pl.DataFrame) -> Figure:
    """Draw the supports, and beside them the ends of the ascents."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4), width_ratios=(1.3, 1))
    supports = df.filter(pl.col("kind") == "support")
    for row in supports.filter(pl.col("d") > 4).to_dicts():
        _support(left, row)
    left.axhline(PLANE_LIMIT, color=palette.GUIDE, linestyle=":", linewidth=1)
    left.set_xlabel("ones in $x$")
    left.set_ylabel(r"$\sqrt{d}$ times Kolmogorov distance")
    left.set_ylim(0, 0.65)
    _ends(right, df.filter(pl.col("kind") == "ascent").sort("d"))
    figure.legend(handles=_legend(), loc="outside lower center", ncols=4)
    return figure


def _support(ax: Axes, row: dict[str, Any]) -> None:
    """Draw one class of supports."""
    name, d = row["input"], row["d"]
    color = palette.INPUTS.get(name, palette.GUIDE)
    ax.plot(
        row["weight"],
        math.sqrt(d) * row["distance"],
        color=color,
        marker=palette.INPUT_MARKERS.get(name, "."),
        markersize=7 if name else 4,
        markerfacecolor=_MARKER_FILL.get(d) or color,
        linestyle="none",
    )


def _ends(ax: Axes, rows: pl.DataFrame) -> None:
    """Draw how many ascents end where, a group of bars for each dimension."""
    places = [*LIBRARY, ""]
    for group, row in enumerate(rows.to_dicts()):
        height = 0.8 / len(rows)
        for place, name in enumerate(places):
            count = row[f"at_{name}"]
            color = palette.INPUTS.get(name, palette.GUIDE)
            at = place + (group - (len(rows) - 1) / 2) * height
            ax.barh(
                at, count, height=height, color=color, alpha=1 if group == len(rows) - 1 else 0.5
            )
            weight = "bold" if name == row["input"] else "normal"
            label = f"{count} (d = {row['d']})" if count else ""
            ax.annotate(
                label,
                (count, at),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
                fontweight=weight,
            )
    labels = [palette.INPUT_LABELS[name] if name else "elsewhere" for name in places]
    ax.set_yticks(range(len(places)), labels)
    ax.invert_yaxis()
    ax.set_xlim(0, 1.35 * max(row[f"at_{name}"] for row in rows.to_dicts() for name in places))
    ax.set_xlabel("ascents that end there")


def _legend() -> list[Line2D]:
    """Return the entries of the legend."""
    return [
        *(
            Line2D(
                [],
                [],
                color=palette.INPUTS[name],
                marker=palette.INPUT_MARKERS[name],
                linestyle="none",
                label=palette.INPUT_LABELS[name],
            )
            for name in LIBRARY
        ),
        Line2D([], [], color=palette.GUIDE, marker=".", linestyle="none", label="other supports"),
        Line2D([], [], color=palette.GUIDE, linestyle=":", linewidth=1, label="0.5984"),
    ]
