"""The figures there are: a new one is one module of this folder and one line here.

A figure module has

* ``NEEDS``: the names of the experiments whose results it draws; "NAME PRESET" where it is those of
  a preset that measures on another device;
* ``CAPTION``: Markdown, ready for a gallery. ``{column}`` in it stands for the values of a column
  of the results, ``{column:other=value}`` for those of the rows where another column has a value;
* ``draw(df) -> Figure``: one polars data frame for each name in NEEDS. It draws what the rows
  hold and computes nothing but scales; fits and bounds come from the experiment's module.

Colours come from ``palette.py`` and everything else of the looks from ``style.mplstyle``.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from experiments._contract import UsageError

NAMES = (
    "kolmogorov",
    "kolmogorov_constant",
    "kolmogorov_families",
    "exponents",
    "wasserstein",
    "empirical_transport",
    "fourth_moment",
    "quenched",
    "separation",
    "failures",
    "worst_case",
    "permutation",
    "drive_bias",
    "lloyd_max",
    "mean_estimation",
    "johnson_lindenstrauss",
    "random_features",
    "group_residuals",
    "group_selection",
    "blind_recovery",
    "real_groups",
    "coding_gain",
    "natural_images",
    "real_signals",
    "covariance_risk",
    "basis_speed",
    "double_commutator",
    "automorphisms",
    "llm_perplexity",
    "llm_activations",
    "quantize",
    "quantize_rotations",
    "quantize_encoder",
    "quantize_cost",
    "quantize_layers",
    "quantize_sources",
    "rotation_quality",
    "speed",
    "qmc_convergence",
    "qmc_coverage",
    "qmc_speed",
    "qmc_regression",
    "sparse_transition",
    "sparse_noise",
    "sparse_scaling",
    "sparse_functions",
    "scaling",
)
TABLES = ("statements", "speed_table")


@dataclass(frozen=True)
class FigureModule:
    """What a figure module says."""

    name: str
    needs: tuple[str, ...]
    caption: str
    draw: Callable[..., Figure]


def load(name: str) -> FigureModule:
    """Import the figure of this name."""
    if name not in NAMES:
        there = f"{', '.join(NAMES)}; tables: {', '.join(TABLES)}"
        raise UsageError(f"There is no figure {name!r}. There are: {there}.")
    module = importlib.import_module(f"paper_figs.{name}")
    return FigureModule(name, module.NEEDS, module.CAPTION, module.draw)
