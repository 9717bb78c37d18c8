"""What a per-token quantizer gets to see, before and after rotation, by site."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from paper_figs import palette

NEEDS = ("llm_rotation",)

CAPTION = (
    "Activations of the language model {model} where its linears read them, over each token's "
    "root mean square (one window of {time} tokens; the first rotation drawn of each kind). Top: "
    "histograms over all layers; what is further out than 12 is counted at 12. Middle and bottom: "
    "kurtosis and incoherence (mean of max|x|/rms(x) over tokens) by layer; dashed: 3, the "
    "kurtosis of a Gaussian."
)

_SITES = {
    "attention": "input of q, k, v",
    "output": r"input of $W_o$",
    "feed_forward": "input of gate, up",
    "down": r"input of $W_{down}$",
}
_INCOHERENCES = (3, 5, 10, 20)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a column of three panels for each site."""
    figure, axes = plt.subplots(3, len(_SITES), figsize=(7.4, 5.6), sharex="row", sharey="row")
    rows = df.filter(measure="activations")
    for column, (site, title) in zip(axes.T, _SITES.items(), strict=True):
        column[0].set_title(title)
        for rotation, color in palette.ROTATIONS.items():
            for row in rows.filter(rotation=rotation).to_dicts():
                _column(column, row, site, color, palette.ROTATION_LABELS[rotation])
        column[0].set_yscale("log")
        column[0].set_xlabel("x / rms(x)")
        column[0].set_xticks([-10, 0, 10])
        column[1].set_yscale("log")
        column[1].axhline(3, color=palette.GUIDE, linestyle="--", linewidth=1)
        column[2].set_yscale("log")
        column[2].set_yticks(_INCOHERENCES, [str(value) for value in _INCOHERENCES])
        column[2].yaxis.set_minor_locator(NullLocator())
        column[2].set_xlabel("layer")
    for ax, label in zip(axes[:, 0], ("density", "kurtosis", "incoherence"), strict=True):
        ax.set_ylabel(label)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _column(axes: list[Axes], row: dict, site: str, color: str, label: str) -> None:
    """Draw one rotation into the panels of one site."""
    counts, edges = np.array(row[f"counts_{site}"]), np.array(row["edges"])
    density = counts / counts.sum() / np.diff(edges)
    axes[0].stairs(np.where(density > 0, density, np.nan), edges, color=color, label=label)
    layers = np.arange(1, len(row[f"kurtosis_{site}"]) + 1)
    axes[1].plot(layers, row[f"kurtosis_{site}"], color=color, linewidth=1)
    axes[2].plot(layers, row[f"incoherence_{site}"], color=color, linewidth=1)
