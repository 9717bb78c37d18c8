"""What the search for a group says of real signals: a table with a colour a verdict."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from paper_figs import palette

NEEDS = ("real_groups",)

CAPTION = (
    "What groups.discover says of windows of scikit-learn's two photographs and digits, of monthly "
    "sunspot numbers and of a Gaussian field of known covariance, from 64 windows to all of them. "
    "A cell names the best group other than the trivial one; blue: it matches; grey: no match, the "
    "KLT of these windows is proposed. Below: z, and what the proposed basis loses to the KLT of "
    "all windows, in dB. Few windows are content with a cosine transform or a small group; many "
    "refute all but the reversal, and often that too: neighbouring windows are not independent, "
    "and photographs are not Gaussian (measured)."
)

_SHORT = {
    "reflection": "reversal",
    "folded dihedral (DCT-II)": "DCT-II",
    "folded dihedral (DCT-II of 8 x DCT-II of 8)": "DCT-II 8 x 8",
}
_COLORS = {
    "match": palette.SKY,
    "no match": "#dddddd",
    "white": "white",
    "too few": "#f5ead0",
}


def draw(df: pl.DataFrame) -> Figure:
    """Draw a row for each kind of window, a column for each number of windows."""
    places = df.select("signal", "window").unique(maintain_order=True).rows()
    counts = df["count"].drop_nulls().unique().sort().to_list()
    figure, ax = plt.subplots(figsize=(7.4, 0.36 * len(places) + 1.4))
    for i, (signal, window) in enumerate(places):
        for j, count in enumerate((*counts, None)):
            column = pl.col("count")
            wanted = column.is_null() if count is None else column == count
            for row in df.filter(wanted, signal=signal, window=window).iter_rows(named=True):
                color = _COLORS[row["verdict"]]
                ax.add_patch(Rectangle((j - 0.48, i - 0.46), 0.96, 0.92, facecolor=color))
                ax.text(j, i - 0.2, _short(row["best"]), ha="center", va="center", fontsize=7.5)
                loss = row["klt_gain"] - row["gain"]
                numbers = f"z {row['z']:.1f}, loss {max(loss, 0):.2f}"
                ax.text(j, i + 0.22, numbers, ha="center", va="center", fontsize=6)
    seen = df["verdict"].unique().to_list()
    columns = [*(f"{count} windows" for count in counts), "all windows"]
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(places)), [f"{signal}, {window}" for signal, window in places])
    ax.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(places) - 0.5, -0.5)
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    handles = [Patch(color=_COLORS[name], label=name) for name in _COLORS if name in seen]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def _short(name: str) -> str:
    """A candidate's name for a small cell."""
    short = _SHORT.get(name, name)
    return short.removeprefix("folded dihedral (").removesuffix(")") if "DCT" in short else short
