"""Error of random features over that of Gaussian ones, one panel a direction."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.random_features import ERRORS
from paper_figs import palette

NEEDS = ("random_features",)

CAPTION = (
    "Mean squared error of {features} random features for the Gaussian kernel in {n} dimensions, "
    "over that of independent normal frequencies (known exactly: the line at 1), against the "
    "distance z of the two points, which differ along the direction in the title. {samples} sets "
    "of frequencies a point, bars of 4 standard errors (measured). One block (SORF, k = 1) fails "
    "on sparse directions; two are behind uniform rotations (ORF) along (e_1 + e_2)/sqrt(2) only, "
    "three nowhere, though their lengths are fixed and the estimate is biased by O(1/n) (proved)."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each direction."""
    names = [name for name in palette.INPUTS if name in df["input"]]
    figure, axes = plt.subplots(1, len(names), figsize=(7.4, 3.3), sharey=True, squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        for method in palette.FEATURES:
            rows = df.filter((pl.col("input") == name) & (pl.col("method") == method))
            _method(ax, rows.sort("distance"), method)
        ax.axhline(1, color=palette.GUIDE, linewidth=1)
        ax.set_yscale("log")
        ax.set_title(palette.INPUT_LABELS[name])
        ax.set_xlabel("distance z")
    axes[0, 0].set_ylabel("MSE / that of Gaussian features")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def _method(ax: Axes, rows: pl.DataFrame, method: str) -> None:
    """Draw one way to make frequencies."""
    gaussian = rows["gaussian_mse"].to_numpy()
    ax.errorbar(
        rows["distance"].to_numpy(),
        rows["mse"].to_numpy() / gaussian,
        yerr=ERRORS * rows["mse_se"].to_numpy() / gaussian,
        color=palette.FEATURES[method],
        marker=palette.FEATURE_MARKERS[method],
        label=palette.FEATURE_LABELS[method],
    )
