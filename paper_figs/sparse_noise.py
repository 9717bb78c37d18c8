"""The share of sparse spectra that are recovered, over the noise of a bin."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments import _references
from paper_figs import _axes, palette

NEEDS = ("sparse_noise",)

CAPTION = (
    "Share of random Walsh spectra (n = 20, 40 coefficients +1 and -1, 3 groups of 64 bins) that "
    "`sparse_fwht` recovers, over the signal-to-noise ratio of a bin, 64 / sigma^2; {runs} "
    "simulated spectra a point, bars: exact 99 % binomial bands. Left: the level of the noise is "
    "given; right: it is estimated. Crosses: 400 runs each of an earlier program. By decoder, with "
    "the number of values for each bin."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel where the noise is known, and one where it is not."""
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.5), sharex=True, sharey=True)
    for ax, known, title in zip(axes, (True, False), ("noise given", "estimated"), strict=True):
        for name in palette.DECODERS:
            rows = df.filter(method=name, known=known).sort("noise")
            if len(rows):
                _curve(ax, rows, name)
        ax.set_title(title)
        ax.set_xlabel("signal-to-noise ratio of a bin, dB")
    _prototype(axes[0], set(df["method"]))
    axes[0].set_ylabel("share recovered")
    handles, labels = axes[0].get_legend_handles_labels()
    handles.append(Line2D([], [], color=palette.GUIDE, linestyle="none", marker="x"))
    figure.legend(handles, [*labels, "earlier program"], loc="outside lower center", ncols=3)
    return figure


def _curve(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw the shares of one decoder."""
    _axes.draw_shares(
        ax,
        _decibels(rows["noise"].to_numpy()).tolist(),
        rows["recovered"].to_list(),
        rows["runs"].to_list(),
        color=palette.DECODERS[name],
        marker=palette.DECODER_MARKERS[name],
        label=palette.DECODER_LABELS[name],
    )


def _prototype(ax: Axes, methods: set[str]) -> None:
    """Draw the reference."""
    for name, shares in _references.load("sparse_noise")["shares"].items():
        if name in methods:
            noise = _decibels(np.array([int(each) for each in shares]))
            ax.plot(noise, list(shares.values()), "x", color=palette.DECODERS[name])


def _decibels(noise: np.ndarray) -> np.ndarray:
    """The ratio of a bin for these deviations of a value."""
    return 10 * np.log10(64 / np.square(noise, dtype=float))
