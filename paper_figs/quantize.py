"""Perplexity of the language model by quantization method and setting."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from experiments._quantize_checks import log_ratio
from paper_figs import palette
from paper_figs._perplexity_axis import clipped, in_order, set_perplexity_axis

NEEDS = ("quantize",)

CAPTION = (
    "Perplexity of the language model {model} on news text ({windows} windows of {time} tokens) by "
    "quantization method, at settings that give the bits of weights (W), activations (A), keys and "
    "values (KV); lower is better, and values beyond the axis stand at its upper end. Bars are "
    "99 % bands of the factor over the unquantized model, over windows. Methods are calibrated on "
    "text that follows; those that rotate have one key. SpinQuant takes "
    "{steps:method=spinquant} steps, FlatQuant {steps:method=flatquant} a layer. Activations are "
    "clipped to 0.9 of the largest after a rotation. The shipped weights lie on 4-bit grids of "
    "32 already, so rotation makes weights alone worse where these are rounded to nearest; "
    "activations are what it mends."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw one group of points for each setting, one point a method."""
    rows = df.filter(pl.col("measure") == "perplexity").to_dicts()
    (plain,) = (row for row in rows if row["method"] == "none")
    methods = [name for name in palette.METHODS if any(row["method"] == name for row in rows)]
    settings = in_order(row["setting"] for row in rows if row["method"] != "none")
    figure, ax = plt.subplots(figsize=(7.4, 3.6))
    for j, method in enumerate(methods):
        found = [row for row in rows if row["method"] == method]
        centres, values, bands = [], [], []
        for row in found:
            _, low, high = log_ratio(row, plain)
            centres.append(settings.index(row["setting"]) + 0.8 * ((j + 0.5) / len(methods) - 0.5))
            values.append(clipped(row["perplexity"]))
            ends = [clipped(plain["perplexity"] * float(np.exp(end))) for end in (low, high)]
            bands.append(
                [values[-1] - min(ends[0], values[-1]), max(ends[1], values[-1]) - values[-1]]
            )
        ax.errorbar(
            centres,
            values,
            yerr=np.transpose(bands),
            color=palette.METHODS[method],
            marker=palette.METHOD_MARKERS[method],
            linestyle="none",
            elinewidth=1,
            label=palette.METHOD_LABELS[method],
        )
    set_perplexity_axis(ax, settings, plain["perplexity"])
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure
