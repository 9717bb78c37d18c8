"""How far a quantized sentence encoder is from itself, by method, rotation and setting."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from paper_figs import palette
from paper_figs._perplexity_axis import in_order

NEEDS = ("quantize_encoder",)

CAPTION = (
    "A sentence encoder, {model}, whose weights were never rounded before, at settings that give "
    "the bits of weights (W) and activations (A), by quantization method and rotation; lower is "
    "better. Top: one minus the cosine of a sentence's embedding to that of the unquantized "
    "encoder, mean over {sentences} sentences of news. Bottom: one minus the rank correlation of "
    "the similarities of all pairs of them. Full markers are rounded to nearest, hollow ones by "
    "GPTQ. Rotations have a point a key (draws {draw:rotation=two blocks}; GPTQ the first two), "
    "and bars are medians. What is calibrated is so on sentences of other articles."
)

_PANELS = {"cosine": "1 - cosine", "rank_correlation": "1 - rank correlation"}


def draw(df: pl.DataFrame) -> Figure:
    """Draw one group of columns for each setting: methods, then rotations with and without GPTQ."""
    rows = df.filter(measure="agreement")
    settings = in_order(rows["setting"])
    kinds = rows.select("method", "rotation").unique(maintain_order=True).rows()
    columns = sorted(kinds, key=lambda kind: kind[1] != "none")
    figure, axes = plt.subplots(2, 1, figsize=(7.4, 5.2), sharex=True)
    for ax, (name, label) in zip(axes, _PANELS.items(), strict=True):
        for j, kind in enumerate(columns):
            _column(
                ax, rows, name, kind, settings, (j + 0.5) / len(columns) - 0.5, 1 / len(columns)
            )
        ax.set_yscale("log")
        ax.set_ylabel(label)
        ax.grid(visible=False, axis="x")
        for edge in range(len(settings) - 1):
            ax.axvline(edge + 0.5, color=palette.GUIDE, linewidth=0.4, alpha=0.5)
    axes[1].set_xlim(-0.5, len(settings) - 0.5)
    axes[1].set_xticks(
        range(len(settings)), [setting.replace(" g", "\ngroups of ") for setting in settings]
    )
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _column(
    ax: Axes,
    rows: pl.DataFrame,
    name: str,
    kind: tuple[str, str],
    settings: Sequence[str],
    place: float,
    width: float,
) -> None:
    """Draw one method or rotation at all settings."""
    method, rotation = kind
    if rotation == "none":
        color, marker = palette.METHODS[method], palette.METHOD_MARKERS[method]
        label = palette.METHOD_LABELS[method]
    else:
        color, marker = palette.ROTATION_KINDS[rotation], palette.ROTATION_KIND_MARKERS[rotation]
        label = palette.ROTATION_KIND_LABELS[rotation]
    is_solved = method == "quarot"
    label = f"{label}, GPTQ" if is_solved else label
    for i, setting in enumerate(settings):
        values = rows.filter(method=method, rotation=rotation, setting=setting).sort("draw")[name]
        if values.is_empty():
            continue
        gaps = 1 - values.to_numpy()
        centre = i + 0.86 * place
        spread = np.linspace(-0.25, 0.25, len(gaps)) * width if len(gaps) > 1 else np.zeros(1)
        ax.plot(
            centre + spread,
            gaps,
            color=color,
            marker=marker,
            markersize=3 if len(gaps) > 1 else 4.5,
            markerfacecolor="white" if is_solved else color,
            linestyle="none",
            label=label,
        )
        if len(gaps) > 1:
            ends = (centre - 0.4 * width, centre + 0.4 * width)
            ax.hlines(np.median(gaps), *ends, color=color, linewidth=1)
        label = None
