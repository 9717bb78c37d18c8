"""The Kolmogorov distance of two blocks times sqrt(d): which constant the inputs tend to."""

import math

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from hadax.discrepancy import kolmogorov_bound
from paper_figs import palette
from paper_figs._axes import set_dimension_axis

NEEDS = ("kolmogorov",)

CAPTION = (
    "Two blocks: the Kolmogorov distance of a coordinate times sqrt(d), from exact laws (the flat "
    "input from d = 32 on: averages over {repeats:method=lattice} draws of the first block, 99 % "
    "bootstrap bands). Dotted: the limits 0.3989 for e_1 and 0.5642 for (e_1 + e_2)/sqrt(2) that "
    "the lattice of the sum of signs gives. Black: the bound for every x. So the worst input "
    "converges at the rate d^(-1/2), no faster and no slower."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw sqrt(d) times the distance with its limits and its bound."""
    figure, ax = plt.subplots(figsize=(4.6, 3.3))
    sharp = df.filter((pl.col("blocks") == 2) & (pl.col("method") != "sampled")).sort("d")
    density = 1 / math.sqrt(2 * math.pi)  # half of the spacing 2 of the atoms, times the density
    for name, limit in (("e1", density), ("two", math.sqrt(2) * density), ("flat", None)):
        rows = sharp.filter(pl.col("input") == name)
        d = rows["d"].to_numpy()
        scaled = {
            column: d**0.5 * rows[column].to_numpy() for column in ("distance", "low", "high")
        }
        ax.errorbar(
            d,
            scaled["distance"],
            yerr=[scaled["distance"] - scaled["low"], scaled["high"] - scaled["distance"]],
            color=palette.INPUTS[name],
            marker=palette.INPUT_MARKERS[name],
            label=palette.INPUT_LABELS[name],
        )
        if limit is not None:
            ax.axhline(limit, color=palette.INPUTS[name], linestyle=":", linewidth=1)
    d = sharp["d"].unique().sort().to_numpy()
    bound = [math.sqrt(n) * kolmogorov_bound(int(n)) for n in d]
    ax.plot(d, bound, color=palette.BOUND, label="bound for every x")
    set_dimension_axis(ax)
    ax.set_ylim(0, 1)
    ax.set_ylabel(r"$\sqrt{d}$ times Kolmogorov distance")
    figure.legend(loc="outside lower center", ncols=4)
    return figure
