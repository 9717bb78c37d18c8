"""The transform across devices: exchanges measured, whole transforms against the model, carried."""

import numpy as np
import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from experiments._contract import Row
from experiments._scaling_fit import (
    Costs,
    exchange_bytes,
    exchange_seconds,
    fit,
    over_model,
    spread_rows,
)
from experiments._scaling_model import EXCHANGES, Layout
from experiments.scaling import TOLERANCE
from paper_figs import palette

NEEDS = ("scaling",)

CAPTION = (
    "A transform along an axis spread over devices. Left: what the second exchange of natural "
    "order takes, on virtual CPU devices of one process and on two processes that talk by gloo "
    "(medians of {rounds} calls, 99 % bands; backend: {backend}), and the fitted latency + bytes / "
    "bandwidth. Middle: the time of the whole transform over that of the model, local stages + "
    "start + exchanges, with two exchanges (natural order) and with one (transposed layout); the "
    "model is fitted to the filled points, the open ones are predicted, and the grey band is the "
    "tolerance of a quarter. Right: the model with published numbers of two machines, "
    "2^{log2_block} float32 on each of {devices} devices, at the peak of links and memories; "
    "solid: natural order, dashed: transposed, dotted: the local stages. The step of the H200 is "
    "the end of the NVLink switch at 8 devices, the drop of the TPU v5p the closing of its torus "
    "at 64."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw exchanges, whole transforms, and the machines they are carried to."""
    figure, axes = plt.subplot_mosaic(
        [["exchanges", "natural", "machines"], ["exchanges", "transposed", "machines"]],
        figsize=(9.6, 3.8),
    )
    left, right = axes["exchanges"], axes["machines"]
    for mesh, rows in spread_rows(df.to_dicts()).items():
        costs = fit(rows)
        _exchanges(left, mesh, rows, costs)
        if costs is not None:
            for layout in EXCHANGES:
                _transforms(axes[layout], mesh, rows, layout, costs)
    _machines(right, df.filter(pl.col("machine").is_not_null()).sort("devices"))
    left.set_xscale("log")
    left.set_yscale("log")
    left.set_xlabel("bytes sent by each device")
    left.set_ylabel("seconds of an exchange")
    lengths = df["log2_n"].drop_nulls().unique().sort()[::2].to_list()
    for layout in EXCHANGES:
        _set_devices_axis(axes[layout], [2**e for e in lengths])
        _set_ratio_axis(axes[layout], layout)
    axes["natural"].tick_params(labelbottom=False)
    axes["transposed"].set_xlabel("length n")
    _set_devices_axis(right, df["devices"].drop_nulls().unique().sort()[::2].to_list())
    right.set_yscale("log")
    right.set_xlabel("devices")
    right.set_ylabel("seconds, predicted")
    handles, labels = left.get_legend_handles_labels()
    more, names = right.get_legend_handles_labels()
    figure.legend([*handles, *more], [*labels, *names], loc="outside lower center", ncols=5)
    return figure


def _set_devices_axis(ax: Axes, ticks: list[int]) -> None:
    """Make the x axis one of powers of two."""
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks)
    ax.xaxis.set_minor_locator(NullLocator())


def _set_ratio_axis(ax: Axes, layout: Layout) -> None:
    """Make the y axis one of times over those of the model."""
    ax.axhspan(1 - TOLERANCE, 1 + TOLERANCE, color=palette.GUIDE, alpha=0.15, linewidth=0)
    ax.axhline(1, color=palette.GUIDE, linewidth=1)
    ax.set_ylim(0.4, 1.6)
    ax.set_ylabel("time / model")
    ax.set_title(layout, loc="left", pad=2)


def _exchanges(ax: Axes, mesh: str, rows: list[Row], costs: Costs | None) -> None:
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
    if costs is not None:
        grid = np.geomspace(sent[0], sent[-1])
        ax.plot(grid, [costs.exchange_seconds(each) for each in grid], color=color)


def _transforms(ax: Axes, mesh: str, rows: list[Row], layout: Layout, costs: Costs) -> None:
    """Draw the transforms of one mesh over the model: fitted ones filled, unseen ones open."""
    color = palette.MESHES[mesh]
    aside = 0.25 * (list(palette.MESHES).index(mesh) - 1)
    for first, face in ((0, color), (1, "white")):
        shown = rows[first::2]
        if not shown:
            continue
        middle, low, high = np.array([over_model(row, layout, costs) for row in shown]).T
        ax.errorbar(
            [2.0 ** (row["log2_n"] + aside) for row in shown],
            middle,
            yerr=[middle - low, high - middle],
            color=color,
            marker=palette.MESH_MARKERS[mesh],
            markerfacecolor=face,
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
