"""Table of residuals as colours: what is left as it is in rows, transforms in columns."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from experiments.group_residuals import ALL, ROUND_OFF, STRUCTURES, TRANSFORMS

NEEDS = ("group_residuals",)

CAPTION = (
    "What a transform leaves off the diagonal of the matrices that a group leaves as they are, "
    "at 16 points: root mean square over Gaussian matrices of this kind, over that of their "
    "part without trace. Exact (computed from a basis of these matrices), no draws. A dot is "
    "zero to round-off: the transform is an eigenbasis of all of them, proved for each dot; all "
    "other cells are negative controls. In brackets the dimension of the space; rows are "
    "symmetric matrices where nothing else is said. Covariances that are circulant do not tell "
    "the Fourier transforms of C16 and D16 apart, circulants that are not symmetric do. The "
    "tree's group W4 has two eigenbases, Haar and Walsh-Hadamard. DCT-II serves S16 since it "
    "has the constant vector. The reversal and the trivial group have no eigenbasis. The tensor "
    "product of real Fourier transforms does not serve all symmetric matrices that C4 x C4 "
    "leaves as they are. The matching is this project's reading of a paper of which only the "
    "abstract was at hand."
)

LABELS = {
    "S16": "S16: Helmert",
    "S4 wr S4": "S4 wr S4: Helmert in blocks",
    "W4": "W4: Haar",
    "D4 wr Z2^2": "D4 wr Z2^2: Fourier in blocks",
    "D4 x D4": "D4 x D4: real Fourier, 2-D",
    "C4 x C4": "C4 x C4: Fourier, 2-D",
    "D16": "D16: real Fourier",
    "C16": "C16: Fourier",
    "Z2^4": "Z2^4: Walsh-Hadamard",
}
DARK = 0.6  # residuals above which numbers are written in white


def draw(df: pl.DataFrame) -> Figure:
    """Draw the table."""
    columns = [name for name in TRANSFORMS if name in df["transform"]]
    rows = [
        (name, space)
        for name in STRUCTURES
        for space in ("symmetric", "all")
        if df.filter(structure=name, space=space).height
    ]
    cells = {
        (row["structure"], row["space"], row["transform"]): row["residual"]
        for row in df.iter_rows(named=True)
    }
    table = [[cells[(*row, column)] for column in columns] for row in rows]
    figure, ax = plt.subplots(figsize=(8.2, 7.2))
    image = ax.imshow(table, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    ax.grid(visible=False)
    for i, line in enumerate(table):
        for j, residual in enumerate(line):
            exact = residual <= ROUND_OFF
            ax.text(
                j,
                i,
                "•" if exact else f"{residual:.2f}"[1 if residual < 0.995 else 0 :],
                ha="center",
                va="center",
                fontsize=11 if exact else 7,
                color="white" if residual > DARK else "black",
            )
    ax.set_xticks(range(len(columns)), [LABELS.get(name, name) for name in columns])
    ax.tick_params(axis="x", rotation=40, top=True, labeltop=True, bottom=False, labelbottom=False)
    plt.setp(ax.get_xticklabels(), ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), [_row_label(df, *row) for row in rows])
    ax.set_ylabel("matrices left as they are by")
    ax.spines[:].set_visible(False)
    figure.colorbar(image, ax=ax, label="residual off the diagonal", shrink=0.5, pad=0.02)
    return figure


def _row_label(df: pl.DataFrame, name: str, space: str) -> str:
    """Name, which matrices, and the dimension of their space."""
    dimension = df.filter(structure=name, space=space)["dimension"][0]
    note = " (all)" if name in ALL and space == "all" else ""
    return f"{name}{note} [{dimension}]"
