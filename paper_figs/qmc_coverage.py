"""How often cubatures keep their tolerance and their bound, and with how many points."""

from typing import Any

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.qmc_coverage import CUBATURES, PROMISED, share
from paper_figs import palette

NEEDS = ("qmc_coverage",)

CAPTION = (
    "Integrals to a tolerance of {error} of their size, over {runs} simulated randomisations each; "
    "left an absolute tolerance, right a relative one, for the negative of the function. Top: the "
    "share of runs whose error was within the bound that was reported, with exact 99 % bands; the "
    "dotted line is 0.95. Crosses: the share within the tolerance that was asked for. Bottom: "
    "numbers of points, medians with the least and the largest. Measured in float64. Bayesian "
    "bounds have a probability of 0.99 for draws of their process, which functions with kinks or "
    "jumps are not, and are widened by the worst misfit; not widened: those of the process itself."
)
_TITLES = {"absolute": "absolute tolerance", "relative": "negative, relative tolerance"}
_STEP = 0.15  # between cubatures


def draw(df: pl.DataFrame) -> Figure:
    """Draw a column of panels for each kind of tolerance."""
    kinds = [kind for kind in _TITLES if kind in df["tolerance"]]
    figure, axes = plt.subplots(
        2, len(kinds), figsize=(7.4, 5.4), sharex=True, sharey="row", squeeze=False
    )
    places = list(df.select("integrand", "dimensions").unique(maintain_order=True).iter_rows())
    drawn = [name for name in CUBATURES if name in df["cubature"]]
    for (top, bottom), kind in zip(axes.T, kinds, strict=True):
        rows = df.filter(tolerance=kind)
        for number, name in enumerate(drawn):
            offset = _STEP * (number - (len(drawn) - 1) / 2)
            for row in rows.filter(cubature=name).iter_rows(named=True):
                x = places.index((row["integrand"], row["dimensions"])) + offset
                _runs(top, bottom, row, x)
        top.axhline(PROMISED, color=palette.GUIDE, linestyle=":")
        top.set_title(_TITLES[kind])
        top.set_ylim(0, 1.05)
        bottom.set_yscale("log", base=2)
        labels = [f"{palette.INTEGRAND_LABELS[name]}, d = {d}" for name, d in places]
        bottom.set_xticks(range(len(places)), labels, rotation=40, ha="right")
        for ax in (top, bottom):
            ax.grid(False, axis="x")
    axes[0, 0].set_ylabel("share within the bound")
    axes[1, 0].set_ylabel("points n")
    handles = [_entry(name, palette.CUBATURE_MARKERS[name]) for name in drawn]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _runs(top: Axes, bottom: Axes, row: dict[str, Any], x: float) -> None:
    """Draw the runs of one cubature on one integrand."""
    color = palette.CUBATURES[row["cubature"]]
    marker = palette.CUBATURE_MARKERS[row["cubature"]]
    value, low, high = share(row, "within_bound")
    bar = [[value - low], [high - value]]
    top.errorbar([x], [value], yerr=bar, color=color, marker=marker, linestyle="none")
    met, *_ = share(row, "within_tolerance")
    top.plot([x], [met], color=palette.BLACK, marker="x", markersize=3)
    bar = [[row["n"] - row["n_low"]], [row["n_high"] - row["n"]]]
    bottom.errorbar([x], [row["n"]], yerr=bar, color=color, marker=marker, linestyle="none")


def _entry(name: str, marker: str) -> Line2D:
    """The legend's entry of a cubature."""
    color = palette.CUBATURES[name]
    return Line2D([], [], color=color, marker=marker, linestyle="none", label=name)
