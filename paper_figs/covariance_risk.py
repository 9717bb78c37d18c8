"""Risk of averaged covariances over the number of vectors: without bias, and with it."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.covariance_risk import RHO, exact_risk
from paper_figs import palette

NEEDS = ("covariance_risk",)

CAPTION = (
    "Mean squared error of a sample covariance of L Gaussian vectors that is averaged over a "
    "group, over the error of the plain one of a single vector. Markers: {repeats} simulated "
    "samples each (standard errors are smaller than the markers); lines: the exact formula, proved "
    "for any covariance and any permutation group. Left: a random covariance that the group leaves "
    "as it is; averaging gains the same factor at every L (in brackets), which depends on the "
    "covariance and not only on the order of the group. Right: AR(1), correlation "
    f"{RHO:g}, on 16 points, which only the reversal leaves as it is: larger groups win for few "
    "vectors, and their bias loses for many."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each kind of covariance."""
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.9), sharex=True, sharey=True)
    titles = {"invariant": "invariant covariances", "AR(1)": f"AR(1), ρ = {RHO:g}"}
    for ax, (kind, title) in zip(axes, titles.items(), strict=True):
        rows = df.filter(covariance=kind)
        for name in (name for name in palette.GROUPS if name in rows["group"]):
            _curve(ax, rows.filter(group=name).sort("snapshots"), name)
        L = df["snapshots"].unique().sort().to_numpy()
        ax.plot(L, 1 / L, color=palette.GUIDE, linestyle="--", label="not averaged", zorder=1)
        ax.set_title(title)
        ax.set_xlabel("vectors L")
    axes[0].set_xscale("log", base=2)
    axes[0].set_yscale("log")
    axes[0].set_ylabel("relative mean squared error")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _curve(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw one group: what was simulated, and the formula between."""
    first = rows.row(0, named=True)
    unit = first["exact_plain"] * first["snapshots"]
    L = rows["snapshots"].to_numpy()
    fine = np.geomspace(L[0], L[-1], 100)
    looks: dict[str, Any] = {"color": palette.GROUPS[name], "marker": palette.GROUP_MARKERS[name]}
    label = name
    if first["covariance"] == "invariant":
        label += f" ({first['exact_plain'] / first['exact']:.1f})"
    ax.plot(fine, exact_risk(first, fine) / unit, color=looks["color"])
    ax.plot(L, rows["averaged"].to_numpy() / unit, linestyle="none", **looks)
    ax.plot([], [], label=label, **looks)
