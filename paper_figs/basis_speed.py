"""How many times faster than the product with its matrix an eigenbasis is, over the length."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from paper_figs import palette

NEEDS = ("basis_speed",)

CAPTION = (
    "Time of the product with the n x n matrix over that of the operator that "
    "`groups.eigenbasis` returns, 64 vectors of length n, float32, both compiled by JAX for the "
    "same CPU. Medians of up to {rounds} timings in turn, with 99 % bootstrap bands. Above the "
    "line the operator is the faster one. Short vectors show what a call costs, which is the same "
    "for both. Left: Fourier transforms, Walsh-Hadamard, trees; the tensor product is that of real "
    "Fourier and Walsh-Hadamard on a grid, the wreath product has blocks of 4 points. Right: "
    "cosine (solid) and sine transforms (dashed) of types I to IV; those of type I are FFTs of "
    "length 2(n - 1) and 2(n + 1), which may have large prime factors. Matrices "
    "have at most {largest_gib} GiB; the complex Fourier matrix is two real ones, timed one after "
    "the other where both would be larger."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for the cosine and sine transforms, and one for all others."""
    raced = df.filter(status="ok").sort("n")
    is_trigonometric = pl.col("basis").str.contains("^D[CS]T-")
    figure, axes = plt.subplots(1, 2, figsize=(7.4, 4.2), sharex=True, sharey=True)
    for ax, part in zip(axes, (~is_trigonometric, is_trigonometric), strict=True):
        _panel(ax, raced.filter(part))
    axes[0].set_ylabel("time of the matrix / of the operator")
    return figure


def _panel(ax: Axes, rows: pl.DataFrame) -> None:
    """Draw a line with its band for each basis."""
    for basis in rows["basis"].unique(maintain_order=True):
        line = rows.filter(basis=basis)
        color, style = palette.BASES[basis], "--" if basis.startswith("DST") else "-"
        ax.plot(
            line["n"],
            line["ratio"],
            color=color,
            linestyle=style,
            marker=palette.BASIS_MARKERS[basis],
            label=basis,
        )
        ax.fill_between(line["n"], line["low"], line["high"], color=color, alpha=0.2, linewidth=0)
    ax.axhline(1, color=palette.BOUND, linewidth=1)
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(LogLocator(base=2, numticks=6))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yscale("log")
    ax.set_xlabel("length n")
    if rows.height:
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
