"""Panels of transforms on windows of real signals: the loss to the KLT, and the residual."""

from typing import Any

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments._signals import SHAPES
from experiments.real_signals import CLOSE
from paper_figs import palette

LEAST = 3e-3  # dB: where the axis of losses ends
_DRAWN = ("separable KLT", "DCT-II", "real DFT", "WHT", "Haar")
_GAP = 0.14  # between transforms of a window


def draw_panels(df: pl.DataFrame, titles: dict[str, str]) -> Figure:
    """Draw a column of two panels for each signal that there is."""
    signals = [name for name in titles if name in df["signal"]]
    widths = [df.filter(signal=name)["window"].n_unique() + 0.5 for name in signals]
    figure, axes = plt.subplots(
        2,
        len(signals),
        figsize=(7.4, 5.2),
        sharey="row",
        sharex="col",
        squeeze=False,
        width_ratios=widths,
    )
    for (above, below), name in zip(axes.T, signals, strict=True):
        rows = df.filter(signal=name)
        windows = [window for window in SHAPES if window in rows["window"]]
        for place, window in enumerate(windows):
            _draw_window(above, below, rows.filter(window=window), place)
        above.axhline(CLOSE, color=palette.GUIDE, linestyle="--", linewidth=1)
        above.set_title(titles[name])
        below.set_xticks(range(len(windows)), [_label(name, window) for window in windows])
        below.set_xlim(-0.5, len(windows) - 0.5)
    axes[0][0].set_yscale("log")
    axes[0][0].set_ylim(bottom=LEAST)
    axes[0][0].set_ylabel("loss to the KLT in dB")
    axes[1][0].set_ylim(bottom=0)
    axes[1][0].set_ylabel("residual δ")
    figure.legend(handles=_legend(df), loc="outside lower center", ncols=4)
    return figure


def _draw_window(above: Axes, below: Axes, rows: pl.DataFrame, place: int) -> None:
    """Draw all transforms of one kind of window, side by side."""
    for i, name in enumerate(_DRAWN):
        x = place + _GAP * (i - (len(_DRAWN) - 1) / 2)
        color, marker = palette.TRANSFORMS[name], palette.TRANSFORM_MARKERS[name]
        for row in rows.filter(transform=name).iter_rows(named=True):
            on_grid = row["grid"] == "disjoint"
            fill = "white" if on_grid else color
            aside = x + (_GAP / 3 if on_grid else 0)
            _point(above, row, "loss", aside, color=color, marker=marker, mfc=fill, least=LEAST)
            if not on_grid:
                _point(below, row, "log_delta", x, color=color, marker=marker, mfc=color)
                below.plot(x, row["delta"], color=color, marker="_", markersize=7)


def _point(
    ax: Axes, row: dict, measure: str, x: float, *, least: float = 0.0, **looks: Any
) -> None:
    """Draw one measured value with its band, as far as the axis goes."""
    low, high = (max(least, row[f"{measure}_{end}"]) for end in ("low", "high"))
    ax.vlines(x, low, high, color=looks["color"], linewidth=1)
    ax.plot(x, max(least, row[measure]), linestyle="none", **looks)


def _label(signal: str, window: str) -> str:
    """How a kind of window is called under an axis."""
    what, length = window.split()
    if signal == "sunspots":
        return f"{length} months"
    return {"row": f"row\n{length}", "column": f"col.\n{length}", "block": "block\n8 × 8"}[what]


def _legend(df: pl.DataFrame) -> list[Line2D]:
    """Return the entries of the legend."""
    entries = [
        Line2D(
            [],
            [],
            color=palette.TRANSFORMS[name],
            marker=palette.TRANSFORM_MARKERS[name],
            linestyle="none",
            label=palette.TRANSFORM_LABELS[name],
        )
        for name in _DRAWN
        if name in df["transform"]
    ]
    grey = palette.GUIDE
    entries += [
        Line2D([], [], color=grey, linestyle="--", linewidth=1, label=f"{CLOSE:g} dB"),
        Line2D([], [], color=grey, marker="_", markersize=7, linestyle="none", label="δ(R)"),
    ]
    if "disjoint" in df["grid"]:
        entries.append(
            Line2D(
                [],
                [],
                color=grey,
                marker="o",
                mfc="white",
                linestyle="none",
                label="on JPEG's grid",
            )
        )
    return entries
