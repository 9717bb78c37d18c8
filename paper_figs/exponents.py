"""The exponents at which the Kolmogorov distance decays."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from experiments.kolmogorov import FIT_FROM, best_rows, fit_exponent
from paper_figs import palette

NEEDS = ("kolmogorov",)

CAPTION = (
    "Exponents of the Kolmogorov distance in the dimension d, fitted by least squares from d = "
    f"{FIT_FROM} on, where the distance is known to a quarter of itself or better: exact laws, "
    "averages over {repeats:method=lattice} draws of the first block, or {repeats:method=sampled} "
    "simulated rotations. Bars: 99 % bands of the distances carried over to the slope. Lines: the "
    "exponent -1/5 of the published bound, the exponent -1/2 of the worst inputs, and -1."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a dot for each input and number of blocks that has a fit."""
    best = best_rows(df.to_dicts())
    figure, ax = plt.subplots(figsize=(4.6, 2.8))
    labels = []
    for blocks in (2, 3):
        for name in palette.INPUTS:
            fit = fit_exponent([r for r in best if (r["input"], r["blocks"]) == (name, blocks)])
            if fit is None:
                continue
            ax.errorbar(
                fit.value,
                -len(labels),
                xerr=[[fit.value - fit.low], [fit.high - fit.value]],
                color=palette.INPUTS[name],
                marker=palette.INPUT_MARKERS[name],
            )
            labels.append(f"{palette.INPUT_LABELS[name]}, {blocks} blocks")
    for exponent, text in (
        (-0.2, "$-1/5$\npublished"),
        (-0.5, "$-1/2$\nworst inputs"),
        (-1.0, "$-1$"),
    ):
        ax.axvline(exponent, color=palette.GUIDE, linestyle="--", linewidth=1, zorder=1)
        ax.annotate(
            text,
            (exponent, 1),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
            fontsize=8,
            color=palette.GUIDE,
        )
    ax.set_yticks([-place for place in range(len(labels))], labels)
    ax.set_ylim(0.5 - max(1, len(labels)), 0.5)
    ax.set_xlim(-1.15, -0.05)
    ax.set_xlabel("fitted exponent of d")
    ax.grid(axis="y", visible=False)
    return figure
