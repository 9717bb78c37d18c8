"""The share of sparse spectra that are recovered, over the bins for each coefficient."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from experiments.sparse_transition import THRESHOLD
from paper_figs import _axes, palette

NEEDS = ("sparse_transition",)

CAPTION = (
    "Share of random Walsh spectra with K coefficients that `sparse_fwht` recovers without noise, "
    "from C = 3 groups of B bins; {runs} simulated spectra of functions of C log2(B) bits a point. "
    "Bars: exact 99 % binomial bands. Line: the threshold of density evolution for many bins, "
    "1.222, and 5 % on either side."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a curve for each number of bins."""
    figure, ax = plt.subplots(figsize=(5.2, 3.4))
    ax.axvspan(0.95 * THRESHOLD, 1.05 * THRESHOLD, color=palette.GUIDE, alpha=0.15, linewidth=0)
    ax.axvline(THRESHOLD, color=palette.BOUND, linewidth=1)
    for (bins,), rows in df.sort("bins", "ratio").group_by("bins", maintain_order=True):
        _axes.draw_shares(
            ax,
            rows["ratio"].to_list(),
            rows["recovered"].to_list(),
            rows["runs"].to_list(),
            color=palette.BINS.get(bins, palette.GREY),
            marker=palette.BIN_MARKERS.get(bins, "x"),
            label=f"B = {bins}",
        )
    ax.set_xlabel("bins of all groups for each coefficient, C B / K")
    ax.set_ylabel("share recovered")
    ax.legend(loc="lower right")
    return figure
