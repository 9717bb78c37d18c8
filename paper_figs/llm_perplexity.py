"""Perplexity of the language model by quantizer and rotation, one point a rotation drawn."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from experiments.llm_rotation import perplexity_over
from paper_figs import palette

NEEDS = ("llm_rotation",)

CAPTION = (
    "Perplexity of the language model {model} on news text ({windows:quantizer=W4A4} windows of "
    "{time} tokens) with weights (W) and activations (A) rounded to 4 bits, by the rotation that "
    "is folded into it; lower is better, and the dotted line is the unquantized model. Each point "
    "is one random rotation (draws {draw:rotation=two blocks} of each kind), bars are medians. "
    "Clipped grids reach to the least squared error of the weights and to 0.9 of each token's "
    "largest activation. The shipped weights lie on 4-bit grids of 32 already, so rotation makes "
    "weights alone worse; activations are what it mends. One block does best: what is large in "
    "the activations is large in few channels, and one block makes of a single channel a flat "
    "vector, which a uniform grid takes better than the Gaussian one that two blocks make of it."
)

_QUANTIZERS = ("W4A4", "W4A4 clipped", "W16A4", "W4A16")


def draw(df: pl.DataFrame) -> Figure:
    """Draw one group of columns for each quantizer."""
    figure, ax = plt.subplots(figsize=(7.4, 3.4))
    df = df.filter(pl.col("measure") == "perplexity")
    shown = [name for name in _QUANTIZERS if name in df["quantizer"].to_list()]
    width = 0.8 / len(palette.ROTATIONS)
    for j, (rotation, color) in enumerate(palette.ROTATIONS.items()):
        label = palette.ROTATION_LABELS[rotation]
        for i, quantizer in enumerate(shown):
            rows = df.filter(rotation=rotation, quantizer=quantizer).sort("draw")
            values = rows["perplexity"].to_numpy()
            if len(values) == 0:
                continue
            centre = i + (j - (len(palette.ROTATIONS) - 1) / 2) * width
            spread = np.linspace(-0.3, 0.3, len(values)) * width if len(values) > 1 else [0.0]
            ax.plot(
                centre + np.asarray(spread),
                values,
                color=color,
                marker=palette.ROTATION_MARKERS[rotation],
                linestyle="none",
                label=label,
                alpha=0.8,
            )
            ax.hlines(np.median(values), centre - 0.45 * width, centre + 0.45 * width, color=color)
            label = None
    (unquantized,) = df.filter(rotation="none", quantizer="off").to_dicts()
    plain = perplexity_over(unquantized, df.filter(pl.col("quantizer") != "off")["windows"][0])
    ax.axhline(plain, color=palette.GUIDE, linestyle=":", linewidth=1)
    ax.annotate(
        f"not quantized: {plain:.1f}",
        (0.01, plain),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        color=palette.GUIDE,
        fontsize=8,
    )
    ax.set_yscale("log")
    ax.set_ylim(bottom=plain / 1.6)
    ax.set_xticks(range(len(shown)), shown)
    ax.set_xlim(-0.5, len(shown) - 0.5)
    ax.grid(visible=False, axis="x")
    ax.set_ylabel("perplexity")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
