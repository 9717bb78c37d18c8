"""Root mean square errors of integrals over the number of points, by randomisation."""

import math

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from paper_figs import palette

NEEDS = ("qmc_convergence",)

CAPTION = (
    "Root mean square error of an integral over the number n of points, over {repeats} "
    "simulated randomisations; shades: 99 % bootstrap bands. Measured in float64. Numbers are "
    "slopes from n = 2^8 on, give or take two bootstrap standard errors. Smooth integrands of Genz "
    "in two dimensions show the rates that are known: n^(-1/2) of independent points, n^(-3/2) of "
    "scrambled nets, and of interlaced ones n^(-5/2), all but powers of log n. In three dimensions "
    "interlaced nets come down in stairs, and are seldom better than scrambled ones for these n. "
    "Keister's function has infinite derivatives at the faces of the cube, the option a kink. The "
    "lattice has a random shift and integrates the function that is folded in every coordinate."
)
_COLUMNS = 3


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each integrand and dimension, and the legend in the last place."""
    panels = list(df.select("integrand", "dimensions").unique(maintain_order=True).iter_rows())
    rows = math.ceil((len(panels) + 1) / _COLUMNS)
    figure, axes = plt.subplots(
        rows, _COLUMNS, figsize=(7.4, 2.1 * rows), sharex=True, squeeze=False
    )
    places = axes.ravel()
    for ax, (name, dimensions) in zip(places, panels, strict=False):
        _panel(ax, df.filter(integrand=name, dimensions=dimensions))
        ax.set_title(f"{palette.INTEGRAND_LABELS[name]}, d = {dimensions}")
    for ax in places[len(panels) :]:
        ax.set_axis_off()
    methods = [name for name in palette.RANDOMIZATIONS if name in df["method"]]
    places[-1].legend(handles=[_entry(name) for name in methods], loc="center", frameon=False)
    for ax in places[max(0, len(panels) - _COLUMNS) : len(panels)]:
        ax.tick_params(labelbottom=True)
    for ax in axes[-1]:
        ax.set_xlabel("points n")
    for ax in axes[:, 0]:
        ax.set_ylabel("rms error")
    return figure


def _panel(ax: Axes, rows: pl.DataFrame) -> None:
    """Draw a line with its band for each randomisation, and the slopes."""
    drawn = [name for name in palette.RANDOMIZATIONS if name in rows["method"]]
    for line, name in enumerate(drawn):
        row = rows.row(by_predicate=pl.col("method") == name, named=True)
        color = palette.RANDOMIZATIONS[name]
        ax.plot(
            row["n"],
            row["rmse"],
            color=color,
            linestyle=palette.RANDOMIZATION_STYLES[name],
            linewidth=1.2,
        )
        ax.fill_between(row["n"], row["low"], row["high"], color=color, alpha=0.2, linewidth=0)
        if row["slope"] is not None:
            height = 0.04 + 0.085 * (len(drawn) - 1 - line)
            words = f"${row['slope']:.2f} \\pm {2 * row['slope_se']:.2f}$"
            ax.text(0.03, height, words, color=color, fontsize=6, transform=ax.transAxes)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(LogLocator(base=2, numticks=6))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yscale("log")


def _entry(name: str) -> Line2D:
    """The legend's entry of a randomisation."""
    return Line2D(
        [],
        [],
        color=palette.RANDOMIZATIONS[name],
        linestyle=palette.RANDOMIZATION_STYLES[name],
        label=palette.RANDOMIZATION_LABELS[name],
    )
