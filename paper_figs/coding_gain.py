"""What classical transforms lose to the KLT on AR(1), over the correlation, a panel a length."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from paper_figs import palette

NEEDS = ("coding_gain",)

CAPTION = (
    "Coding gain on an AR(1) covariance with correlation ρ of neighbours: what a transform loses "
    "to the KLT, in decibels, on {n} points. Computed from the covariance in float64; nothing is "
    "drawn. Proved: no loss is negative, and that of DCT-II vanishes as ρ tends to 1 (the "
    "KLT's gain grows without bound there); that of DCT-IV, which has no constant vector, grows "
    "without bound. Real Fourier, Walsh-Hadamard and Haar have the constant vector and keep a loss "
    "of their own. Markers: the correlations on the axis."
)

DRAWN = (8, 64)
TICKS = (0.5, 0.9, 0.95, 0.99, 0.999)


def draw(df: pl.DataFrame) -> Figure:
    """Draw a panel for each length."""
    lengths = [n for n in DRAWN if n in df["n"]] or df["n"].unique().sort().to_list()
    figure, axes = plt.subplots(
        1, len(lengths), figsize=(7.4, 3.4), sharex=True, sharey=True, squeeze=False
    )
    drawn = [name for name in palette.TRANSFORMS if name != "KLT" and name in df["transform"]]
    for ax, n in zip(axes[0], lengths, strict=True):
        for name in drawn:
            rows = df.filter(n=n, transform=name).sort("rho")
            ax.plot(
                1 - rows["rho"].to_numpy(),
                rows["loss"].to_numpy(),
                color=palette.TRANSFORMS[name],
                marker=palette.TRANSFORM_MARKERS[name],
                markevery=[i for i, rho in enumerate(rows["rho"]) if rho in TICKS],
                label=palette.TRANSFORM_LABELS[name],
            )
        ax.set_title(f"n = {n} points")
        ax.set_xlabel("correlation ρ of neighbours")
    ax = axes[0][0]
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.invert_xaxis()
    ax.set_xticks([1 - rho for rho in TICKS], [f"{rho:g}" for rho in TICKS])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_ylabel("loss to the KLT in dB")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure
