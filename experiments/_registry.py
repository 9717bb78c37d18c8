"""The experiments there are: a new one is one module of this folder and one line here."""

import importlib
from typing import Any

from experiments._contract import Experiment, UsageError

NAMES = (
    "kolmogorov",
    "kolmogorov_families",
    "quenched",
    "separation",
    "worst_case",
    "wasserstein",
    "empirical_transport",
    "fourth_moment",
    "permutation",
    "drive_bias",
    "lloyd_max",
    "mean_estimation",
    "johnson_lindenstrauss",
    "random_features",
    "group_residuals",
    "group_selection",
    "blind_recovery",
    "coding_gain",
    "real_signals",
    "real_groups",
    "covariance_risk",
    "basis_speed",
    "double_commutator",
    "automorphisms",
    "llm_rotation",
    "quantize",
    "quantize_rotations",
    "quantize_cost",
    "quantize_encoder",
    "quantize_layers",
    "quantize_sources",
    "speed",
    "qmc_convergence",
    "qmc_speed",
    "qmc_regression",
    "qmc_coverage",
    "sparse_transition",
    "sparse_noise",
    "sparse_scaling",
    "sparse_functions",
    "scaling",
)


def load(name: str) -> Experiment[Any, Any]:
    """Import the experiment of this name."""
    if name not in NAMES:
        raise UsageError(f"There is no experiment {name!r}. There are: {', '.join(NAMES)}, all.")
    try:
        return importlib.import_module(f"experiments.{name}").EXPERIMENT
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.partition(".")[0] in ("experiments", "hadax"):
            raise  # a fault of ours, not a missing package
        raise UsageError(
            f"Experiment {name!r} needs the package {error.name!r}. "
            "Install what experiments need: pip install -e '.[experiments]'"
        ) from error
