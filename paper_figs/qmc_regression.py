"""Times of a Gaussian process over the number of points, by fast transforms and dense matrices."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from experiments.qmc_regression import DIMENSIONS
from paper_figs import palette

NEEDS = ("qmc_regression",)

CAPTION = (
    f"A Gaussian process in {DIMENSIONS} dimensions with values known at n points of a lattice or "
    "a net, float64, programs compiled by JAX for one CPU: time of a step, the likelihood with "
    "its gradient by scale and weights (left), and of a solution (right). Dashed: by the dense "
    "matrix and its Cholesky factor, up to the n for which it was formed; solid: by fast "
    "transforms. Medians of up to {rounds} timings in turn, shades from the least to the largest. "
    "Both give the same posterior means, up to round-off."
)
_LOOKS = {"lattice": (palette.GREEN, "o"), "net": (palette.BLUE, "s")}
_TITLES = {"step": "step: likelihood and gradient", "solve": "solution"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for steps and one for solutions."""
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.8), sharex=True, sharey=True)
    for ax, (what, title) in zip(axes, _TITLES.items(), strict=True):
        for kind, (color, marker) in _LOOKS.items():
            rows = df.filter(kind=kind).sort("n")
            dense = rows.filter("has_dense")
            label = f"{kind}, fast"
            _line(ax, rows, f"fast_{what}", color=color, marker=marker, label=label)
            looks: dict[str, Any] = {"marker": marker, "linestyle": "--", "mfc": "white"}
            _line(ax, dense, f"dense_{what}", color=color, label=f"{kind}, dense", **looks)
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_locator(LogLocator(base=2, numticks=8))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_yscale("log")
        ax.set_title(title)
        ax.set_xlabel("points n")
    axes[0].set_ylabel("seconds")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _line(ax: Axes, rows: pl.DataFrame, name: str, *, color: str, **looks: Any) -> None:
    """Draw the medians of timings, and from where to where they are."""
    if rows.is_empty():
        return
    timings = rows[name].to_list()
    n = rows["n"].to_numpy()
    ends = np.array([(min(one["seconds"]), max(one["seconds"])) for one in timings]).T
    ax.plot(n, [one["median"] for one in timings], color=color, **looks)
    ax.fill_between(n, *ends, color=color, alpha=0.2, linewidth=0)
