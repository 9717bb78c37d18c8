"""Perplexity of the language model by kind of rotation and setting, one point a key."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from paper_figs import palette
from paper_figs._perplexity_axis import clipped, in_order, set_perplexity_axis

NEEDS = ("quantize_rotations",)

CAPTION = (
    "Perplexity of the language model {model} on news text ({windows} windows of {time} tokens), "
    "rounded to nearest in other coordinates, by the kind of rotation, at settings that give the "
    "bits of weights (W), activations (A), keys and values (KV); lower is better, and values "
    "beyond the axis stand at its upper end. Each point is one key (draws "
    "{draw:rotation=two blocks}; learned ones {draw:rotation=learned}, of "
    "{steps:rotation=learned} steps), bars are medians. Principal axes turn the stream and hidden "
    "vectors alone; activations are clipped to 0.9 of the largest but without a rotation, where "
    "both is shown. The shipped weights lie on 4-bit grids of 32 "
    "already, so rotation makes weights alone, rounded to nearest, worse; activations are what it "
    "mends."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw one group of columns for each setting, one column a kind of rotation."""
    rows = df.filter((pl.col("measure") == "perplexity") & (pl.col("setting") != "W16A16"))
    (plain,) = df.filter(setting="W16A16", measure="perplexity").to_dicts()
    kinds = [name for name in palette.ROTATION_KINDS if name in rows["rotation"].to_list()]
    settings = in_order(rows["setting"])
    width = 0.84 / len(kinds)
    figure, ax = plt.subplots(figsize=(7.4, 3.6))
    for j, kind in enumerate(kinds):
        label = palette.ROTATION_KIND_LABELS[kind]
        for i, setting in enumerate(settings):
            values = rows.filter(rotation=kind, setting=setting).sort("draw")["perplexity"]
            if values.is_empty():
                continue
            shown = [clipped(value) for value in values]
            centre = i + (j - (len(kinds) - 1) / 2) * width
            spread = np.linspace(-0.3, 0.3, len(shown)) * width if len(shown) > 1 else [0.0]
            ax.plot(
                centre + np.asarray(spread),
                shown,
                color=palette.ROTATION_KINDS[kind],
                marker=palette.ROTATION_KIND_MARKERS[kind],
                markersize=3,
                linestyle="none",
                label=label,
                alpha=0.8,
            )
            middle = np.median(shown)
            ax.hlines(
                middle,
                centre - 0.45 * width,
                centre + 0.45 * width,
                color=palette.ROTATION_KINDS[kind],
            )
            label = None
    set_perplexity_axis(ax, settings, plain["perplexity"])
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure
