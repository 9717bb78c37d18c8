"""Boosted trees and a graph, as a sparse transform finds them from few values."""

import math
from collections.abc import Iterable
from typing import Any

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import _references
from experiments.sparse_functions import GRAPH
from paper_figs import palette

NEEDS = ("sparse_functions",)

CAPTION = (
    "Functions of n bits recovered by `sparse_fwht`: from few of their 2^n values for n = 30 and "
    "34; up to n = 12, where it asks for most of them or for more than there are, to compare with "
    "what all of them say. Left: Walsh coefficients "
    "of boosted trees at the first instance of each data set, absolute values, the largest first: "
    "those of the trees (lines), computed from their nodes, and those that are found by asking the "
    "model (markers). Middle: Shapley values of 12 features of a patient, in units of log-odds, "
    "from the coefficients that are found, and by definition from all 4096 values. Right: friends "
    "in Zachary's karate club as they are found, the pairs with a Moebius coefficient of about -2, "
    "from how many pairs of friends a division of the club separates, with Gaussian noise (the "
    "largest of the standard deviations {noise}); in red, if there are any, pairs missed or wrong."
)
_LOOKS = {
    "diabetes": (palette.GREEN, "^", "diabetes, n = 10"),
    "breast_cancer_12": (palette.ORANGE, "s", "breast cancer, n = 12"),
    "breast_cancer": (palette.BLUE, "o", "breast cancer, n = 30"),
}
_EXPLAINED = "breast_cancer_12"
_EVERY = 4  # so many coefficients for a marker, that lines can be seen


def draw(df: pl.DataFrame) -> Figure:
    """Draw coefficients, Shapley values and the graph."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.6))
    first = df.filter(number=0)
    for name in _LOOKS:
        rows = first.filter(name=name)
        if len(rows):
            _coefficients(left, rows, name)
    left.set_yscale("log")
    left.set_xlabel("coefficients, the largest first")
    left.set_ylabel("absolute value")
    left.legend()
    explained = first.filter(name=_EXPLAINED)
    if len(explained):
        _shapley(middle, explained)
    cuts = first.filter(name=GRAPH).sort("noise")
    if len(cuts):
        _graph(right, cuts["edges"].to_list()[-1])
        right.set_title(f"cuts, n = {cuts['n'][0]}, {cuts['asked'][-1]} values")
    return figure


def _coefficients(ax: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw the largest coefficients of one model, exact and found."""
    color, marker, label = _LOOKS[name]
    exact = [abs(value) for value in rows["largest_exact"][0]]
    found = [abs(value) for value in rows["largest_found"][0]]
    ranks = range(1, len(exact) + 1)
    ax.plot(ranks, exact, color=color)
    looks: dict[str, Any] = {"color": color, "marker": marker, "mfc": "white", "linestyle": "none"}
    ax.plot(ranks[::_EVERY], found[::_EVERY], label=label, **looks)


def _shapley(ax: Axes, rows: pl.DataFrame) -> None:
    """Draw the Shapley values of one instance, the largest on top."""
    found, dense = rows["shapley"][0].to_list(), rows["dense_shapley"][0].to_list()
    order = sorted(range(len(found)), key=lambda i: abs(dense[i]))
    places = range(len(order))
    ax.barh(places, [dense[i] for i in order], color=palette.GREY, alpha=0.5, label="all values")
    looks: dict[str, Any] = {
        "color": palette.ORANGE,
        "marker": "s",
        "mfc": "white",
        "linestyle": "none",
    }
    ax.plot([found[i] for i in order], places, label="found", **looks)
    names = rows["features"][0].to_list()
    ax.set_yticks(places, [names[i] for i in order])
    ax.set_xlabel("Shapley value")
    ax.legend(loc="lower left")


def _graph(ax: Axes, found: Iterable[Iterable[int]]) -> None:
    """Draw the pairs that are found around a circle, and in another colour what is wrong."""
    graph = _references.load(GRAPH)
    n = graph["members"]
    angles = [2 * math.pi * i / n for i in range(n)]
    places = [(math.sin(angle), math.cos(angle)) for angle in angles]
    right, seen = ({tuple(edge) for edge in edges} for edges in (graph["edges"], found))
    for i, j in sorted(right | seen):
        ends = zip(places[i - 1], places[j - 1], strict=True)
        agreed = (i, j) in right & seen
        ax.plot(*ends, color=palette.BLUE if agreed else palette.VERMILION, linewidth=0.7)
    for number, (x, y) in enumerate(places, start=1):
        ax.text(1.1 * x, 1.1 * y, str(number), ha="center", va="center", fontsize=6)
    ax.plot(*zip(*places, strict=True), color=palette.BLACK, marker="o", linestyle="none", ms=3)
    ax.set_aspect("equal")
    ax.set_axis_off()
