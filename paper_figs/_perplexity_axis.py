"""The axis of perplexities of a language model at several settings."""

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes

from paper_figs import palette

_MOST = 1e5
_ORDER = ("W4A16", "W4A8", "W4A4", "W4A4KV4", "W3A16", "W2A16")


def in_order(settings: Iterable[str]) -> list[str]:
    """Return the settings from the finest to the coarsest, those with groups last."""

    def place(setting: str) -> tuple[bool, int]:
        bits, _, group = setting.partition(" ")
        return bool(group), _ORDER.index(bits)

    return sorted(set(settings), key=place)


def set_perplexity_axis(ax: Axes, settings: Sequence[str], plain: float) -> None:
    """Make the axes those of perplexity by setting, with a line at the unquantized model."""
    ax.axhline(plain, color=palette.GUIDE, linestyle=":", linewidth=1)
    ax.annotate(
        f"not quantized: {plain:.1f}",
        (0.005, plain),
        xycoords=("axes fraction", "data"),
        xytext=(0, -9),
        textcoords="offset points",
        color=palette.GUIDE,
        fontsize=8,
    )
    ax.set_yscale("log")
    ax.set_ylim(plain / 2, _MOST)
    ax.set_xticks(
        range(len(settings)), [setting.replace(" g", "\ngroups of ") for setting in settings]
    )
    ax.set_xlim(-0.5, len(settings) - 0.5)
    for edge in range(len(settings) - 1):
        ax.axvline(edge + 0.5, color=palette.GUIDE, linewidth=0.4, alpha=0.5)
    ax.grid(visible=False, axis="x")
    ax.set_ylabel("perplexity")


def clipped(value: float) -> float:
    """Return a value, or the upper end of the axis if it is beyond."""
    return min(value, _MOST / 1.15)
