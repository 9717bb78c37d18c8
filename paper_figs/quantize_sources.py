"""Where rounding's loss comes from, and how far searches of clips scatter."""

from typing import Any

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments import _references
from experiments._methods import BY_GPTQ
from paper_figs import palette

NEEDS = ("quantize_sources",)

CAPTION = (
    "The language model {model} on news text ({windows} windows of {time} tokens). Left: what "
    "rounding loses, in nats a token, at 4-bit kernels and 4-bit activations (A4), keys and values "
    "too (A4KV4), without a rotation and with those of QuaRot: the part that rounded activations "
    "lose alone, with kernels as they are, what kernels by GPTQ add to it, and what GPTQ closes "
    "of the loss of kernels rounded to nearest. Right: kernels alone, to nearest; perplexity by "
    "how many clips are tried, evenly from the whole range down to a share of it. Triangles at "
    "the edge: what another program found with a search of its own."
)

_PARTS = (
    ("activations alone", palette.GREY),
    ("kernels by GPTQ", palette.VERMILION),
    ("closed by GPTQ", palette.ORANGE),
)
_SETTINGS = {"W3A16": palette.BLUE, "W4A16": palette.BLACK, "W4A16 g96": palette.GREEN}
_LABELS = {"W4A16 g96": "W4A16, groups of 96"}
_NAMES = {"rtn": "no rotation", "quarot rtn": "QuaRot"}
_MARKERS = ("o", "s", "^", "v", "D")


def draw(df: pl.DataFrame) -> Figure:
    """Draw a bar for each setting beside a point for each search."""
    figure, (parts, search) = plt.subplots(1, 2, figsize=(7.4, 3.4))
    _stack(parts, df.filter(measure="parts").to_dicts())
    _scatter(search, df.filter(measure="search").to_dicts())
    handles, labels = parts.get_legend_handles_labels()
    others, names = search.get_legend_handles_labels()
    figure.legend([*handles, *others], [*labels, *names], loc="outside lower center", ncols=3)
    return figure


def _stack(ax: Axes, rows: list[dict[str, Any]]) -> None:
    """Draw what is lost, one part on the other."""
    loss = {(row["method"], row["setting"]): float(np.mean(row["losses"])) for row in rows}
    plain = loss["none", "W16A16"]
    ticks = []
    for nearest, better in BY_GPTQ.items():
        for activations in ("A4", "A4KV4"):
            if (nearest, f"W4{activations}") not in loss:
                continue
            ends = [
                loss[nearest, f"W16{activations}"],
                loss[better, f"W4{activations}"],
                loss[nearest, f"W4{activations}"],
            ]
            lost = np.subtract(ends, plain)
            for (label, color), below, height in zip(
                _PARTS, [0.0, *lost[:-1]], np.diff(lost, prepend=0.0), strict=True
            ):
                is_first = not ticks
                ax.bar(
                    len(ticks), height, 0.7, below, color=color, label=label if is_first else None
                )
            ticks.append(f"{activations}\n{_NAMES[nearest]}")
    ax.set_xticks(range(len(ticks)), ticks)
    ax.grid(visible=False, axis="x")
    ax.set_ylabel("nats a token lost")


def _scatter(ax: Axes, rows: list[dict[str, Any]]) -> None:
    """Draw the perplexity of every search."""
    reference = _references.load("quantize")["rtn"]
    ends = sorted({row["least"] for row in rows}, reverse=True)
    for setting, color in _SETTINGS.items():
        for least, marker in zip(ends, _MARKERS, strict=False):
            found = [row for row in rows if (row["setting"], row["least"]) == (setting, least)]
            if not found:
                continue
            ax.plot(
                [row["clips"] for row in found],
                [row["perplexity"] for row in found],
                color=color,
                marker=marker,
                markersize=4,
                linewidth=0.8,
                label=f"{_LABELS.get(setting, setting)}, down to {least:g}",
            )
        if any(row["setting"] == setting for row in rows):
            ax.plot(
                1.0, reference[setting], marker="<", color=color, clip_on=False,
                transform=ax.get_yaxis_transform(),
            )  # fmt: skip
    ax.set_yscale("log")
    ax.set_xlabel("clips tried")
    ax.set_ylabel("perplexity")
