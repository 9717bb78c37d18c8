"""How many times faster than the fastest peer are points, columns, solutions and steps of fits."""

from typing import Any

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments._qmc_contenders import PEERS
from experiments._speed_checks import ratio
from experiments.qmc_speed import precision
from paper_figs import palette

NEEDS = ("qmc_speed",)

CAPTION = (
    "Time of the fastest of qmcpy, fastgps and scipy, named on the right, over that of hadax, on "
    "the same CPU: filled markers hadax in float64, as the peers, open ones in float32. Points are "
    "in ten dimensions, columns of kernel matrices too, fits in two; integrals to a tolerance, of "
    "n points at most, are those of Keister's function in three. Medians of up to {rounds} "
    "interleaved timings with 99 % bootstrap bands. Right of the line hadax is the faster one. A "
    "nested scrambling is drawn by Threefry (circles) or by a fast hash (triangles)."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a line for each race, and a marker for each of ours."""
    races = list(df.iter_rows(named=True))
    figure, ax = plt.subplots(figsize=(7.4, 0.6 + 0.22 * len(races)))
    labels = []
    for place, row in enumerate(races):
        labels.append(f"{row['workload']}, $n = 2^{{{row['n'].bit_length() - 1}}}$")
        timed = [each for each in row["contenders"] if each["seconds"]]
        peers = [each for each in timed if each["family"] in PEERS]
        if peers:
            best = min(peers, key=lambda each: each["median"])
            for own in (each for each in timed if each["family"] not in PEERS):
                _ratio(ax, best, own, place)
            ax.text(1.01, place, best["family"], transform=ax.get_yaxis_transform(), va="center")
    ax.axvline(1, color=palette.BOUND, linewidth=1)
    ax.set_yticks(range(len(races)), labels)
    ax.invert_yaxis()
    ax.set_xscale("log")
    ax.set_xlabel("time of the fastest peer / of hadax")
    figure.legend(handles=_entries(), loc="outside lower center", ncols=3)
    return figure


def _ratio(ax: Axes, peer: dict[str, Any], own: dict[str, Any], place: int) -> None:
    """Draw one ratio with its band."""
    band = ratio(peer, own)
    is_wide = precision(own["name"]) == "float64"
    color = palette.BLUE if is_wide else palette.VERMILION
    ax.errorbar(
        [band.value],
        [place],
        xerr=[[band.value - band.low], [band.high - band.value]],
        color=color,
        marker="^" if "multiply" in own["name"] else "o",
        markerfacecolor=color if is_wide else "white",
        linestyle="none",
    )


def _entries() -> list[Line2D]:
    """The legend: precisions."""
    looks: dict[str, Any] = {"marker": "o", "linestyle": "none"}
    return [
        Line2D([], [], color=palette.BLUE, label="hadax in float64", **looks),
        Line2D([], [], color=palette.VERMILION, mfc="white", label="hadax in float32", **looks),
    ]
