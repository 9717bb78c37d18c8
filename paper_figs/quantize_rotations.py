"""Perplexity of the language model by kind of rotation and setting, one point a key."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs import palette
from paper_figs._perplexity_axis import clipped, in_order, set_perplexity_axis

NEEDS = ("quantize_rotations",)

_WIDTH = 0.84  # of the columns of a setting, of which one begins a unit after the other

CAPTION = (
    "Perplexity of the language model {model} on news text ({windows} windows of {time} tokens), "
    "rounded to nearest in other coordinates, by the kind of rotation, at settings that give the "
    "bits of weights (W), activations (A), keys and values (KV), and how many inputs share a scale "
    "where not all do; lower is better, and values beyond the axis stand at its upper end. Each "
    "point is one key (draws {draw:rotation=two blocks}; learned ones {draw:rotation=learned}, of "
    "{steps:rotation=learned} steps), bars are medians. Principal axes turn the stream and hidden "
    "vectors alone; activations are clipped to 0.9 of the largest but without a rotation, where "
    "both is shown. The shipped weights lie on 4-bit grids of 32 "
    "already, so rotation makes weights alone, rounded to nearest, worse; activations are what it "
    "mends."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw one panel for scales of channels and one for those of groups, if both are there."""
    rows = df.filter((pl.col("measure") == "perplexity") & (pl.col("setting") != "W16A16"))
    (plain,) = df.filter(setting="W16A16", measure="perplexity")["perplexity"]
    kinds = [name for name in palette.ROTATION_KINDS if name in rows["rotation"].to_list()]
    settings = in_order(rows["setting"])
    grouped = [setting for setting in settings if " g" in setting]
    panels = [part for part in (settings[: len(settings) - len(grouped)], grouped) if part]
    width = _WIDTH / len(kinds)
    size = (7.4, 0.8 + 2.8 * len(panels))
    figure, axes = plt.subplots(len(panels), figsize=size, squeeze=False)
    for ax, part in zip(axes.flat, panels, strict=True):
        for j, kind in enumerate(kinds):
            column = (j - (len(kinds) - 1) / 2) * width
            _draw_kind(ax, rows.filter(rotation=kind), kind, part, column, width)
        set_perplexity_axis(ax, part, plain)
    entries = {
        label: handle
        for ax in axes.flat
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=5)
    return figure


def _draw_kind(
    ax: Axes, rows: pl.DataFrame, kind: str, settings: list[str], column: float, width: float
) -> None:
    """Draw the points of one kind of rotation, and their median, in its column at each setting."""
    label: str | None = palette.ROTATION_KIND_LABELS[kind]
    for place, setting in enumerate(settings):
        values = rows.filter(setting=setting).sort("draw")["perplexity"]
        if values.is_empty():
            continue
        shown = [clipped(value) for value in values]
        middle = place + column
        spread = np.linspace(-0.3, 0.3, len(shown)) * width if len(shown) > 1 else np.zeros(1)
        ax.plot(
            middle + spread,
            shown,
            color=palette.ROTATION_KINDS[kind],
            marker=palette.ROTATION_KIND_MARKERS[kind],
            markersize=3,
            linestyle="none",
            label=label,
            alpha=0.8,
        )
        ends = (middle - 0.45 * width, middle + 0.45 * width)
        ax.hlines(float(np.median(shown)), *ends, color=palette.ROTATION_KINDS[kind])
        label = None
