"""What rotations do to what is rounded in a language model, layer by layer."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments._layers import KERNELS
from paper_figs import palette

NEEDS = ("quantize_layers",)

CAPTION = (
    "The language model {model}, layer by layer, without and with rotations of all its sites (one "
    "line a key, draws {draw:rotation=one block}; {windows:measure=layers} windows of "
    "{time:measure=layers} tokens). Top: kurtosis of what linears read; dashed: 3, that of a "
    "Gaussian. Middle: mean relative squared error of rounding it to 4 bits, a scale a token, to "
    "0.9 of the largest with a rotation and to all of it without. Bottom left: mean relative "
    "squared error of what a block adds to the stream, all of its linears at W4A4 (full) or their "
    "kernels alone at W4A16 (dotted), fed what the unquantized blocks make. Bottom right: relative "
    "squared error of kernels in 4 bits, a scale an output, median over layers. The shipped "
    "weights lie on 4-bit grids of 32 already, which rotations leave."
)

_PLACES = {
    "attention": "input of q, k, v",
    "output": r"input of $W_o$",
    "feed_forward": "input of gate, up",
    "down": r"input of $W_{down}$",
}


def draw(df: pl.DataFrame) -> Figure:
    """Draw a column for each place over a row of blocks and kernels."""
    rows = df.filter(measure="layers")
    figure = plt.figure(figsize=(7.4, 7.0))
    top = [[f"{what}_{place}" for place in _PLACES] for what in ("kurtosis", "error")]
    panels: Any = [*top, ["block", "block", "kernels", "kernels"]]
    axes = figure.subplot_mosaic(panels)
    for what in top:
        for name in what[1:]:
            axes[name].sharey(axes[what[0]])
            axes[name].tick_params(labelleft=False)
    for i, row in enumerate(rows.to_dicts()):
        kind = row["rotation"]
        color, label = palette.ROTATION_KINDS[kind], palette.ROTATION_KIND_LABELS[kind]
        is_first = kind not in rows["rotation"][:i].to_list()
        for name in (*top[0], *top[1]):
            _line(axes[name], row[name], color, label=label if is_first else None)
        _line(axes["block"], row["error_block"], color)
        _line(axes["block"], row["error_block_w4a16"], color, style=":")
        medians = [np.median(row[f"error_{name}_kernel"]) for name in KERNELS]
        marker = palette.ROTATION_KIND_MARKERS[kind]
        axes["kernels"].plot(medians, color=color, marker=marker, markersize=4, linestyle="none")
    for name, title in _PLACES.items():
        axes[f"kurtosis_{name}"].set_title(title)
        axes[f"kurtosis_{name}"].axhline(3, color=palette.GUIDE, linestyle="--", linewidth=1)
    for name in (*top[0], *top[1], "block"):
        axes[name].set_yscale("log")
    for name in (*top[1], "block"):
        axes[name].set_xlabel("layer")
    axes["kurtosis_attention"].set_ylabel("kurtosis")
    axes["error_attention"].set_ylabel("error of activations")
    axes["block"].set_ylabel("error of a block")
    axes["kernels"].set_ylabel("error of kernels")
    axes["kernels"].set_xticks(range(len(KERNELS)), KERNELS, rotation=30)
    handles, labels = axes["kurtosis_attention"].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def _line(
    ax: Axes, values: list[float], color: str, *, style: str = "-", label: str | None = None
) -> None:
    """Draw a value for each layer."""
    layers = np.arange(1, len(values) + 1)
    ax.plot(layers, values, color=color, linewidth=1, linestyle=style, label=label)
