"""Spectra of the double commutator: eigenvalue against index, a panel for each group."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.double_commutator import FACTOR, ROUND_OFF, SPAN
from paper_figs import palette

NEEDS = ("double_commutator",)

CAPTION = (
    "Which combinations A of 15 cyclic shifts and 15 flips of bits commute with a covariance: the "
    "generalized eigenvalues |[A, R]|^2 / |A|^2 in ascending order, for one random covariance of "
    "norm 1 of each group at 16 points. Black: of the covariance itself; zeros to round-off lie on "
    "the axis, and the dotted line is after the last one. Colours: of sample covariances of L "
    "Gaussian vectors, mean and 5 % to 95 % of {draws:snapshots=1024} simulated ones. Dashed: what "
    "noise leaves of the combinations that commute, in the mean, exactly (proved; the simulated "
    "mean over the true null space is compared to it). Shaded: up to four times that; each value "
    "has a floor of its own, and counts as zero below four of them. At L = 64 the spectrum only "
    "bends, and too many values count as zero. At 1024 the count is right but for W4, where three "
    "values beyond the dotted line are small: two eigenvalues of that covariance nearly agree. All "
    "of S16's values are zero. The eigenvalue problem is of a paper of which only the abstract was "
    "at hand; the dictionary is ours."
)

COLOURS = {64: palette.ORANGE, 1024: palette.BLUE}
_BOTTOM, _TOP = 1e-5, 3.0


def draw(df: pl.DataFrame) -> Figure:
    """Draw the panels."""
    names = df["group"].unique(maintain_order=True).to_list()
    figure, axes = plt.subplots(
        1, len(names), figsize=(8.2, 3.2), sharex=True, sharey=True, squeeze=False
    )
    for ax, name in zip(axes[0], names, strict=True):
        for row in df.filter(group=name).sort("snapshots").to_dicts():
            _spectrum(ax, row)
        ax.set_title(name)
        ax.set_xlabel("index")
    axes[0][0].set_yscale("log")
    axes[0][0].set_ylim(_BOTTOM, _TOP)
    axes[0][0].set_ylabel(r"eigenvalue $\lambda$")
    counts = [count for count in df["snapshots"].unique().sort() if count]
    figure.legend(handles=_legend(counts), loc="outside lower center", ncols=5)
    return figure


def _spectrum(ax: Axes, row: dict) -> None:
    """Draw one row."""
    index = list(range(1, SPAN + 1))
    values = [row[f"value_{i:02d}"] for i in index]
    null = row["null"]
    if row["snapshots"] == 0:
        ax.axvline(null + 0.5, color=palette.GUIDE, linestyle=":", linewidth=1)
        zero = [value <= ROUND_OFF for value in values]
        shown = [_BOTTOM if is_zero else value for is_zero, value in zip(zero, values, strict=True)]
        ax.plot(index, shown, "o", color=palette.BLACK, markersize=3, clip_on=False, zorder=3)
        return
    colour = COLOURS.get(row["snapshots"], palette.GREEN)
    low, high = ([row[f"{side}_{i:02d}"] for i in index] for side in ("low", "high"))
    ax.plot(index, values, color=colour)
    ax.fill_between(index, low, high, color=colour, alpha=0.3, linewidth=0)
    ends = [0.5, null + 0.5]
    ax.plot(ends, 2 * [row["floor"]], color=colour, linestyle="--", linewidth=1)
    ax.fill_between(ends, _BOTTOM, FACTOR * row["floor"], color=colour, alpha=0.08, linewidth=0)


def _legend(counts: list[int]) -> list[Line2D | Patch]:
    """Return the entries of the legend."""
    black, grey = palette.BLACK, palette.GUIDE
    return [
        Line2D([], [], color=black, marker="o", markersize=3, linestyle="none", label="noise free"),
        *(
            Line2D([], [], color=COLOURS.get(count, palette.GREEN), label=f"L = {count}")
            for count in counts
        ),
        Line2D([], [], color=grey, linestyle="--", linewidth=1, label="floor"),
        Patch(color=grey, alpha=0.15, linewidth=0, label=f"below {FACTOR:g} floors"),
    ]
