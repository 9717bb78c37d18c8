"""Error of a compressed mean over the number of clients, one panel an input."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from hadax.compression import expected_nmse
from paper_figs import palette

NEEDS = ("mean_estimation",)
ERRORS = 4  # standard errors of a bar

CAPTION = (
    "Error of the mean of compressed vectors over the number of clients, relative to the mean "
    "squared length of a vector, d = {d}; {repeats} repetitions a point, bars: 4 standard errors. "
    "Solid lines: the least number of bits an entry; dashed: the largest. Black: the error of a "
    "uniform rotation of a long vector over the number of clients. Left: lognormal entries, drawn "
    "anew for each client. Middle: every client has (.8, .6, 0, ...), on which one block has a "
    "bias that averaging does not remove; it is sparse, which stochastic rounding likes. Right: "
    "gradients of a small network. Two blocks suffice in all three (measured)."
)

_TITLES = {"lognormal": "lognormal", "pair": "(.8, .6, 0, ...)", "gradient": "gradient"}
_STYLES = ("-", "--")


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each input, with the least and the largest number of bits."""
    names = [name for name in _TITLES if name in df["input"]]
    widths = df["bits"].unique().sort().to_list()
    widths = list(dict.fromkeys((widths[0], widths[-1])))
    clients = df["clients"].unique().sort().to_list()
    figure, axes = plt.subplots(
        1, len(names), figsize=(7.4, 3.4), sharex=True, sharey=True, squeeze=False
    )
    for ax, name in zip(axes[0], names, strict=True):
        for bits, style in zip(widths, _STYLES, strict=False):
            rows = df.filter((pl.col("input") == name) & (pl.col("bits") == bits)).sort("clients")
            for (method, blocks), series in rows.group_by("method", "blocks", maintain_order=True):
                _series(ax, series, _codec(str(method), int(str(blocks))), style)
            theory = [expected_nmse(bits) / count for count in clients]
            ax.plot(clients, theory, color=palette.BOUND, linestyle=style, linewidth=0.8, zorder=1)
        ax.set_title(_TITLES[name])
        ax.set_xscale("log", base=2)
        ax.set_xticks(clients, [str(count) for count in clients])
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("clients")
    axes[0][0].set_yscale("log")
    axes[0][0].set_ylabel("error of the mean")
    figure.legend(handles=_legend(df, widths), loc="outside lower center", ncols=4)
    return figure


def _codec(method: str, blocks: int) -> str:
    """Return the name that a way to send has in the palette."""
    return method if method == "stochastic" else f"{blocks} block" + "s" * (blocks > 1)


def _series(ax: Axes, rows: pl.DataFrame, codec: str, style: str) -> None:
    """Draw one way to send over the number of clients."""
    ax.errorbar(
        rows["clients"].to_numpy(),
        rows["nmse"].to_numpy(),
        yerr=ERRORS * rows["nmse_se"].to_numpy(),
        color=palette.CODECS[codec],
        marker=palette.CODEC_MARKERS[codec],
        linestyle=style,
    )


def _legend(df: pl.DataFrame, widths: list[int]) -> list[Line2D]:
    """Return the entries of the legend."""
    drawn = {_codec(*pair) for pair in df.select("method", "blocks").unique().iter_rows()}
    codecs = [
        Line2D(
            [],
            [],
            color=palette.CODECS[codec],
            marker=palette.CODEC_MARKERS[codec],
            label=palette.CODEC_LABELS[codec],
        )
        for codec in palette.CODECS
        if codec in drawn
    ]
    styles = [
        Line2D([], [], color=palette.BOUND, linestyle=style, linewidth=0.8,
               label=f"uniform rotation, {bits} bit" + "s" * (bits > 1))
        for bits, style in zip(widths, _STYLES, strict=False)
    ]  # fmt: skip
    return [*codecs, *styles]
