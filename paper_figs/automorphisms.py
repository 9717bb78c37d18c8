"""How often a hidden group is found: anchors that lead to an automorphism, and whole groups."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments._rates import band
from experiments.automorphisms import FALSE_ALARM
from paper_figs import palette

NEEDS = ("automorphisms",)

CAPTION = (
    "The group of a random covariance at 16 points, searched for in sample covariances of L "
    "Gaussian vectors whose points are numbered at random; {repeats} covariances a point, "
    "measured. Left: of the 15 anchors k, the share for which the permutation with 0 -> k that "
    "comes closest to commuting with the estimate is an automorphism of the true covariance. "
    "Right: the share of covariances for which the accepted permutations generate a group with "
    "the orbitals of the true one; bars are exact binomial bands, 1 % false alarms together. "
    "Open markers: search in the covariance; filled: in its logarithm, whose noise is the same at "
    "small eigenvalues as at large ones. No group that was missed is merely too small: each has a "
    "permutation that is no automorphism and that so many vectors do not refute. Search and test "
    "are ours."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw both panels."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.0, 3.2), sharey=True)
    # Most vectors first; 0 stands for the covariance itself.
    counts = sorted(df["snapshots"].unique().to_list(), key=lambda count: -count or -(1 << 62))
    lines = df.select("group", "log").unique(maintain_order=True).rows()
    for place, (group, log) in enumerate(lines):
        aside = 0.1 * (place - (len(lines) - 1) / 2)
        for row in df.filter(group=group, log=log).to_dicts():
            x = counts.index(row["snapshots"]) + aside
            _point(left, x, row["anchors"] / (15 * row["repeats"]), row)
            share = row["found"] / row["repeats"]
            low, high = band(row["found"], row["repeats"], confidence=1 - FALSE_ALARM / df.height)
            _point(right, x, share, row, [[share - low], [high - share]])
    for ax, title in ((left, "anchors that succeed"), (right, "groups found")):
        ax.set_title(title)
        ax.set_xticks(range(len(counts)), [f"L = {c}" if c else "noise free" for c in counts])
        ax.set_ylim(-0.03, 1.06)
    left.set_ylabel("share")
    names = [group for group, log in lines if log]
    figure.legend(handles=_legend(names), loc="outside lower center", ncols=5)
    return figure


def _point(ax: Axes, x: float, y: float, row: dict, bars: list | None = None) -> None:
    """Draw one row."""
    colour = palette.GROUPS[row["group"]]
    ax.errorbar(
        x,
        y,
        yerr=bars,
        color=colour,
        marker=palette.GROUP_MARKERS[row["group"]],
        markerfacecolor=colour if row["log"] else "white",
        markersize=6,
        linewidth=1,
    )


def _legend(names: list[str]) -> list[Line2D]:
    """Return the entries of the legend."""
    style = {"linestyle": "none", "markersize": 6}
    grey = palette.GUIDE
    return [
        *(
            Line2D(
                [],
                [],
                color=palette.GROUPS[name],
                marker=palette.GROUP_MARKERS[name],
                label=name,
                **style,
            )
            for name in names
        ),
        Line2D([], [], color=grey, marker="o", mfc="white", label="covariance", **style),
        Line2D([], [], color=grey, marker="o", label="its logarithm", **style),
    ]
