"""Values that are asked for, and seconds, of sparse and dense transforms."""

import polars as pl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.sparse_scaling import quartiles
from paper_figs import palette

NEEDS = ("sparse_scaling",)

CAPTION = (
    "Left and middle: values of a function with 100 Walsh coefficients that `sparse_fwht` asks "
    "for, and seconds to recover the spectrum from them, over the number n of bits, beside the "
    "dense transform of all 2^n values. Right: seconds over the number of coefficients of "
    "functions of 40 bits. Without noise (circles) and with three repetitions against it "
    "(squares); dashed: to evaluate the function at the points, sign by sign. Medians of "
    "{rounds} interleaved timings on the same CPU, shades: quartiles."
)
_LOOKS = {"noiseless": (palette.BLUE, "o"), "nso": (palette.VERMILION, "s")}


def draw(df: pl.DataFrame) -> Figure:
    """Draw values and seconds over n, and seconds over K."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(8.2, 3.3))
    first = df["sparsity"].mode().min()
    for decoder, (color, marker) in _LOOKS.items():
        of_bits = df.filter(decoder=decoder, sparsity=first).sort("n")
        of_sparsity = df.filter(decoder=decoder, n=40).sort("sparsity")
        left.plot(
            of_bits["n"].to_list(),
            of_bits["samples"].to_list(),
            color=color,
            marker=marker,
            label=f"sparse, {decoder}",
        )
        _seconds(middle, of_bits, "n", "recover", color, marker)
        _seconds(middle, of_bits, "n", "sample", color, None)
        _seconds(right, of_sparsity, "sparsity", "recover", color, marker)
        _seconds(right, of_sparsity, "sparsity", "sample", color, None)
    dense = df.filter(decoder="noiseless", sparsity=first).sort("n")
    dense = dense.filter([row["seconds"].get("dense") is not None for row in dense.to_dicts()])
    bits = dense["n"].to_list()
    left.plot(bits, [2**n for n in bits], color=palette.BLACK, marker="D", label="dense")
    _seconds(middle, dense, "n", "dense", palette.BLACK, "D")
    right.set_xscale("log")
    for ax, words in ((left, "values"), (middle, "seconds"), (right, "seconds")):
        ax.set_yscale("log")
        ax.set_ylabel(words)
    left.set_xlabel("bits n")
    middle.set_xlabel("bits n")
    right.set_xlabel("coefficients K, n = 40")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def _seconds(
    ax: Axes, rows: pl.DataFrame, over: str, name: str, color: str, marker: str | None
) -> None:
    """Draw the seconds of one call."""
    drawn = list(rows.iter_rows(named=True))
    if not drawn:
        return
    x = [row[over] for row in drawn]
    middle, low, high = zip(*(quartiles(row, name) for row in drawn), strict=True)
    ax.plot(x, middle, color=color, marker=marker, linestyle="-" if marker else "--", linewidth=1.2)
    ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
