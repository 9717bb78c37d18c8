"""Hit rates of the search for a group in a hidden order, over the number of vectors."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from experiments import _references
from paper_figs import palette

NEEDS = ("blind_recovery",)

CAPTION = (
    "How often a group on 16 points whose order is hidden is found (family and order), "
    "over the number of vectors; {repeats} random covariances a point, white noise at the level "
    "above the panel. Bars: exact binomial bands at 99.9 %. Dotted, small: the starts of the "
    "searches without the climb of the likelihood, an earlier program's 30 trials. Shaded: trials "
    "of the tree where an order was found that is at least as likely as the true one: what no "
    "estimate from these vectors could tell (all measured)."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each noise level."""
    df = df.filter(pl.col("snr_db").is_not_null())
    levels = df["snr_db"].unique().sort(descending=True).to_list()
    figure, axes = plt.subplots(
        1, len(levels), figsize=(7.0, 3.6), sharex=True, sharey=True, squeeze=False
    )
    for ax, level in zip(axes[0], levels, strict=True):
        for name in palette.GROUPS:
            rows = df.filter(truth=name, snr_db=level).sort("snapshots")
            if len(rows):
                _curves(ax, rows, name)
                _starts(ax, name, level)
        ax.set_title(f"{level} dB")
        counts = df["snapshots"].unique().sort().to_list()
        ax.set_xscale("log", base=2)
        ax.set_xticks(counts, [str(count) for count in counts])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("vectors L")
        ax.set_ylim(-0.03, 1.03)
    axes[0, 0].set_ylabel("hit rate")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    handles.append(Line2D([], [], color=palette.GUIDE, linestyle=":", marker="."))
    figure.legend(handles, [*labels, "starts alone"], loc="outside lower center", ncols=5)
    return figure


def _curves(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw the rates of one group, and for the tree what no estimate could tell."""
    color, repeats = palette.GROUPS[name], rows["repeats"].to_numpy()
    counts, rate = rows["snapshots"].to_numpy(), rows["hits"].to_numpy() / repeats
    bars = [rate - rows["low"].to_numpy(), rows["high"].to_numpy() - rate]
    marker = palette.GROUP_MARKERS[name]
    ax.errorbar(counts, rate, yerr=bars, color=color, marker=marker, elinewidth=0.8, label=name)
    if name == "W4":
        hopeless = rows["likelier"].to_numpy() / repeats
        ax.fill_between(counts, 1 - hopeless, 1, color=color, alpha=0.15, linewidth=0)


def _starts(ax: Axes, name: str, level: int) -> None:
    """Draw the rates of the reference: starts without a climb."""
    cells = _references.load("blind_recovery")["rates"].get(str(level), {})
    if cells:
        rates = [cell[name] for cell in cells.values()]
        counts = [int(count) for count in cells]
        ax.plot(counts, rates, ":", color=palette.GROUPS[name], marker=".", linewidth=1)
