"""Axes and legends that several figures share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from experiments import _rates
from paper_figs import palette


def set_dimension_axis(ax: Axes) -> None:
    """Make the x axis one of dimensions: powers of two, few enough to read."""
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(LogLocator(base=2, numticks=8))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("dimension d")


def input_entries(names: list[str]) -> list[Line2D]:
    """Return a legend's entry for each input: its colour, marker and label."""
    return [
        Line2D(
            [],
            [],
            color=palette.INPUTS[name],
            marker=palette.INPUT_MARKERS[name],
            label=palette.INPUT_LABELS[name],
        )
        for name in names
    ]


def draw_shares(
    ax: Axes, x: Sequence[float], hits: Sequence[int], runs: Sequence[int], **looks: Any
) -> None:
    """Draw a curve of shares, hits over runs, with their exact 99 % binomial bands."""
    share = np.array(hits) / np.array(runs)
    bands = [_rates.band(*each, confidence=0.99) for each in zip(hits, runs, strict=True)]
    low, high = np.transpose(bands)
    ax.errorbar(x, share, yerr=[share - low, high - share], elinewidth=0.8, **looks)
    ax.set_ylim(-0.03, 1.03)
