"""Axes that several figures share."""

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator


def set_dimension_axis(ax: Axes) -> None:
    """Make the x axis one of dimensions: powers of two, few enough to read."""
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_locator(LogLocator(base=2, numticks=8))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("dimension d")
