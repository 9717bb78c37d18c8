"""Error of rounding rotated vectors, against how far from uniform the rotation is."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from paper_figs import palette

NEEDS = ("quantize_layers",)

CAPTION = (
    "Mean relative squared error of rounding rotated vectors to 4 bits, a scale a vector that "
    "reaches to 0.9 of the largest entry, against the Kolmogorov distance of their entries from a "
    "coordinate of a uniform vector; every vector has a rotation of its own. Small points: real "
    "activations of {model}, a point a layer ({count:vectors=activations} tokens each). Large "
    "ones: the first basis vector, two equal entries, and the largest four entries of the "
    "activation with the largest incoherence ({count:vectors=e1} rotations each). Haar's distances "
    "are those of samples of this size. Rotations that are far from uniform on sparse vectors "
    "round them better, not worse: few values fit on few levels."
)

_PLACES = {
    "value": "value heads",
    "residual": "residual stream",
    "hidden": r"input of $W_{down}$",
}
_LABELS = {"e1": r"$e_1$", "two": "two equal entries", "peaks": "four largest entries"}
_MARKERS = {"e1": "*", "two": "D", "peaks": "P"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each kind of vectors."""
    rows = df.filter(measure="quality")
    places = [place for place in _PLACES if place in rows["place"].to_list()]
    figure, axes = plt.subplots(1, len(places), figsize=(7.4, 3.4), sharey=True, squeeze=False)
    for ax, place in zip(axes[0], places, strict=True):
        for row in rows.filter(place=place).to_dicts():
            _points(ax, row)
            ax.set_title(f"{_PLACES[place]}, n = {row['width']}")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("Kolmogorov distance")
    axes[0, 0].set_ylabel("relative error in 4 bits")
    kinds = [kind for kind in palette.ROTATION_KINDS if kind in rows["rotation"].to_list()]
    shapes = [name for name in _LABELS if name in rows["vectors"].to_list()]
    handles = [
        Line2D([], [], color=palette.ROTATION_KINDS[kind], marker="o", linestyle="none")
        for kind in kinds
    ]
    handles += [
        Line2D([], [], color=palette.GUIDE, marker=_MARKERS[name], linestyle="none", markersize=7)
        for name in shapes
    ]
    labels = [palette.ROTATION_KIND_LABELS[kind] for kind in kinds]
    labels += [_LABELS[name] for name in shapes]
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _points(ax: Axes, row: dict) -> None:
    """Draw the layers of a rotation, or one of the adversarial vectors."""
    is_real = row["vectors"] == "activations"
    ax.plot(
        row["distance"],
        row["error"],
        color=palette.ROTATION_KINDS[row["rotation"]],
        marker="o" if is_real else _MARKERS[row["vectors"]],
        markersize=2.5 if is_real else 7,
        markeredgecolor="white" if not is_real else None,
        markeredgewidth=0.5,
        alpha=0.7 if is_real else 1.0,
        linestyle="none",
    )
