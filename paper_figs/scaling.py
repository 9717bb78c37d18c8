"""The transform across devices: exchanges measured, whole transforms against the model, carried."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from experiments._contract import Row
from experiments.scaling import (
    EXCHANGES,
    TOLERANCE,
    Line,
    exchange_bytes,
    exchange_seconds,
    fit,
    over_model,
    spread_rows,
)
from paper_figs import palette

NEEDS = ("scaling",)

CAPTION = (
    "A transform along an axis spread over devices. Left: what one exchange adds to the local "
    "stages, on virtual CPU devices of one process and on two processes that talk by gloo (medians "
    "of {rounds} calls, 99 % bands; backend: {backend}), and the fitted lines latency + bytes / "
    "bandwidth. Middle: the time of the whole transform over that of the model, local stages + exchanges; filled: natural "
    "order, two exchanges, from which the lines are fitted; open: the transposed layout, one "
    "exchange, which they have not seen. The grey band is the tolerance of a quarter. Right: the "
    "model with published numbers of two machines, 2^{log2_block} float32 on each of {devices} "
    "devices, at the peak of links and memories; solid: natural order, dashed: transposed, dotted: "
    "the local stages. The step of the H200 is the end of the NVLink switch at 8 devices, the drop "
    "of the TPU v5p the closing of its torus at 64."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw exchanges, whole transforms, and the machines they are carried to."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.6))
    for mesh, rows in spread_rows(df.to_dicts()).items():
        line = fit(rows)
        _exchanges(left, mesh, rows, line)
        if line is not None:
            _transforms(middle, mesh, rows, line)
    _machines(right, df.filter(pl.col("machine").is_not_null()).sort("devices"))
    middle.axhspan(1 - TOLERANCE, 1 + TOLERANCE, color=palette.GUIDE, alpha=0.15, linewidth=0)
    middle.axhline(1, color=palette.GUIDE, linewidth=1)
    left.set_xlabel("bytes sent by each device")
    left.set_ylabel("seconds of an exchange")
    middle.set_xlabel("length n")
    middle.set_ylabel("time / model")
    right.set_xlabel("devices")
    right.set_ylabel("seconds, predicted")
    left.set_xscale("log")
    for ax, ticks in (
        (middle, [2**e for e in df["log2_n"].drop_nulls().unique().sort()]),
        (right, df["devices"].drop_nulls().unique().sort()[::2].to_list()),
    ):
        ax.set_xscale("log", base=2)
        ax.set_xticks(ticks)
        ax.xaxis.set_minor_locator(NullLocator())
    left.set_yscale("log")
    right.set_yscale("log")
    middle.set_ylim(0, 2)
    handles, labels = left.get_legend_handles_labels()
    more, names = right.get_legend_handles_labels()
    figure.legend([*handles, *more], [*labels, *names], loc="outside lower center", ncols=5)
    return figure


def _exchanges(ax: Axes, mesh: str, rows: list[Row], line: Line | None) -> None:
    """Draw the measured exchanges of one mesh, and their line."""
    color = palette.MESHES[mesh]
    sent = np.array([exchange_bytes(row) for row in rows])
    middle, low, high = np.array([exchange_seconds(row) for row in rows]).T
    ax.errorbar(
        sent,
        middle,
        yerr=[middle - low, high - middle],
        color=color,
        marker=palette.MESH_MARKERS[mesh],
        linestyle="none",
        label=palette.MESH_LABELS[mesh],
    )
    if line is not None:
        grid = np.geomspace(sent[0], sent[-1])
        ax.plot(grid, [line.seconds(each) for each in grid], color=color)


def _transforms(ax: Axes, mesh: str, rows: list[Row], line: Line) -> None:
    """Draw the whole transforms of one mesh over the model."""
    color = palette.MESHES[mesh]
    for number, layout in enumerate(EXCHANGES):
        middle, low, high = np.array([over_model(row, layout, line) for row in rows]).T
        aside = 0.45 * list(palette.MESHES).index(mesh) + 0.2 * number - 0.55
        ax.errorbar(
            [2.0 ** (row["log2_n"] + aside) for row in rows],
            middle,
            yerr=[middle - low, high - middle],
            color=color,
            marker=palette.MESH_MARKERS[mesh],
            markerfacecolor=color if layout == "natural" else "white",
            linestyle="none",
        )


def _machines(ax: Axes, df: pl.DataFrame) -> None:
    """Draw the times that each machine is predicted to take."""
    for name, color in palette.MACHINES.items():
        for layout, style in (("natural", "-"), ("transposed", "--")):
            rows = df.filter(machine=name, layout=layout)
            total = (rows["local_seconds"] + rows["exchange_seconds"]).to_numpy()
            label = f"{name} (predicted)" if layout == "natural" else None
            ax.plot(rows["devices"].to_numpy(), total, style, color=color, label=label)
        rows = df.filter(machine=name, layout="natural")
        ax.plot(rows["devices"].to_numpy(), rows["local_seconds"].to_numpy(), ":", color=color)
