"""Hit rates of the choice of a group over the number of vectors, one column a noise level."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from paper_figs import palette

NEEDS = ("group_selection",)

CAPTION = (
    "How often the true group, or cosine algebra, on 16 points is chosen out of nine, over the "
    "number of vectors; {repeats} random covariances a point, with white noise at the level above "
    "the column. Bars: exact binomial bands at 99.9 %. Top: by BIC, which finds the truth with "
    "enough vectors. Bottom: by the estimated risk, up to 256 vectors, which wants a good estimate "
    "of the covariance: it sees the reversal (72 parameters) sooner, and keeps to subgroups of "
    "large groups (all measured)."
)

_CRITERIA = {"bic": "hit rate by BIC", "risk": "hit rate by risk"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw a row of panels for each criterion, a column for each noise level."""
    levels = df["snr_db"].unique().sort(descending=True).to_list()
    figure, axes = plt.subplots(
        2, len(levels), figsize=(7.6, 5.2), sharex=True, sharey=True, squeeze=False
    )
    for row, (criterion, label) in zip(axes, _CRITERIA.items(), strict=True):
        for ax, level in zip(row, levels, strict=True):
            for name in palette.GROUPS:
                rows = df.filter(truth=name, snr_db=level).sort("snapshots")
                _curve(ax, rows.filter(pl.col(criterion).is_not_null()), name, criterion)
        row[0].set_ylabel(label)
    for ax, level in zip(axes[0], levels, strict=True):
        ax.set_title(f"{level} dB")
    counts = df["snapshots"].unique().sort().to_list()
    for ax in axes[1]:
        ax.set_xscale("log", base=2)
        ax.set_xticks(counts, [str(count) for count in counts])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("vectors L")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=8)
    return figure


def _curve(ax: Axes, rows: pl.DataFrame, name: str, criterion: str) -> None:
    """Draw the rates of one true group."""
    if not len(rows):
        return
    rate = rows[criterion].to_numpy() / rows["repeats"].to_numpy()
    low, high = (rows[f"{criterion}_{end}"].to_numpy() for end in ("low", "high"))
    ax.errorbar(
        rows["snapshots"].to_numpy(),
        rate,
        yerr=[rate - low, high - rate],
        color=palette.GROUPS[name],
        marker=palette.GROUP_MARKERS[name],
        markersize=4,
        elinewidth=0.7,
        label=name,
    )
