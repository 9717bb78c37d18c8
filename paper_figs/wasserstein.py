"""W2 between the two-block rotation and the uniform law: formulas, simulation, bounds, limits."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.wasserstein import LIMITS, NORMAL_99, simulated_w2
from paper_figs import palette
from paper_figs._axes import set_dimension_axis

NEEDS = ("wasserstein",)

CAPTION = (
    "Wasserstein distance W2 between the two-block rotation of x and the uniform law on the unit "
    "sphere. Left: lines are the formulas for e_1 (exact) and for (e_1 + e_2)/sqrt(2) (one mean "
    "simulated), open markers the cost of the simulated optimal coupling, {samples} pairs a point "
    "(99 % bands, smaller than the markers); dotted: the limits 0.63579 and 0.93361. Every x lies "
    "between the black bounds: W2 does not vanish, and (e_1 + e_2)/sqrt(2) is the worst input in "
    "the limit. Right: simulated minus formula in standard errors; the grey band holds 99.7 % of "
    "correct points."
)


def draw(df: pl.DataFrame) -> Figure:
    """Draw the distances, and beside them the simulation against the formula."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.4, 3.3), sharex=True, width_ratios=(1.7, 1)
    )
    df = df.sort("d")
    for name in LIMITS:
        _input(left, right, df.filter(pl.col("input") == name), name)
    bounds = df.unique("d", keep="first", maintain_order=True)
    for column, style in (("upper", "-"), ("lower", "--")):
        left.plot(
            bounds["d"].to_numpy(),
            bounds[column].to_numpy(),
            color=palette.BOUND,
            linestyle=style,
            linewidth=1,
            label=f"{column} bound, every x",
        )
    right.axhspan(-3, 3, color=palette.GUIDE, alpha=0.15, linewidth=0)
    left.set_ylim(0, 1.05)
    right.set_ylim(-5, 5)
    left.set_ylabel("$W_2$ to the uniform law")
    right.set_ylabel("simulated $-$ formula, standard errors")
    for ax in (left, right):
        set_dimension_axis(ax)
    left.plot(
        [],
        [],
        color=palette.GUIDE,
        marker="o",
        markerfacecolor="white",
        linestyle="none",
        label="simulated coupling",
    )
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return figure


def _input(left: Axes, right: Axes, rows: pl.DataFrame, name: str) -> None:
    """Draw one input into both panels."""
    color, marker = palette.INPUTS[name], palette.INPUT_MARKERS[name]
    d = rows["d"].to_numpy()
    simulated = [simulated_w2(row) for row in rows.to_dicts()]
    values = [value for value, _ in simulated]
    bands = [NORMAL_99 * se for _, se in simulated]
    left.plot(d, rows["w2"].to_numpy(), color=color, label=palette.INPUT_LABELS[name])
    left.errorbar(
        d,
        values,
        yerr=bands,
        color=color,
        marker=marker,
        markerfacecolor="white",
        linestyle="none",
    )
    left.axhline(LIMITS[name], color=color, linestyle=":", linewidth=1)
    left.annotate(
        f"limit {LIMITS[name]:.5f}",
        (0.98, LIMITS[name]),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        color=color,
        fontsize=8,
    )
    scale = ((rows["w2_se"] ** 2).to_numpy() + [se**2 for _, se in simulated]) ** 0.5
    right.plot(
        d,
        (values - rows["w2"].to_numpy()) / scale,
        color=color,
        marker=marker,
        markerfacecolor="white",
        linestyle="none",
    )
