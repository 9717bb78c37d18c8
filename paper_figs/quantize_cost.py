"""How long quantization methods take on the language model, and how much memory."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from paper_figs import palette

NEEDS = ("quantize_cost",)

CAPTION = (
    "What it costs to quantize the language model {model} to {setting} on a CPU, each method in a "
    "process of its own. Left: seconds, compiling included (full), and seconds to evaluate "
    "{windows} windows of {time} tokens afterwards (hollow). Right: the most memory that the "
    "process held while it quantized; dashed: the weights alone."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a row for each method, the quickest at the top."""
    rows = df.sort("quantize_seconds").to_dicts()
    figure, (seconds, memory) = plt.subplots(1, 2, figsize=(7.4, 3.0), sharey=True)
    for i, row in enumerate(rows):
        color = palette.METHODS[row["method"]]
        marker = palette.METHOD_MARKERS[row["method"]]
        for ax, name in ((seconds, "quantize_seconds"), (memory, "peak_gib")):
            ax.hlines(i, 0 if ax is memory else 1, row[name], color=color, linewidth=1)
            ax.plot(row[name], i, color=color, marker=marker)
        seconds.plot(row["evaluate_seconds"], i, color=color, marker=marker, fillstyle="none")
    memory.axvline(rows[0]["model_gib"], color=palette.GUIDE, linestyle="--", linewidth=1)
    memory.set_xlim(left=0)
    memory.set_xlabel("memory (GiB)")
    seconds.set_xscale("log")
    seconds.set_xlim(left=1)
    seconds.set_xlabel("time (s)")
    seconds.set_yticks(range(len(rows)), [palette.METHOD_LABELS[row["method"]] for row in rows])
    seconds.invert_yaxis()
    for ax in (seconds, memory):
        ax.grid(visible=False, axis="y")
    return figure
