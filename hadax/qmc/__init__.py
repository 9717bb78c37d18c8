"""Low-discrepancy points, and kernel matrices on them in O(n log n)."""

from hadax.qmc._refinement import Cubature, Tolerance
from hadax.qmc.adaptive import adaptive_cubature
from hadax.qmc.bayesian import bayesian_cubature
from hadax.qmc.composed_kernels import (
    AdaptiveKernel,
    CombinedKernel,
    adaptive_kernel,
    combine,
    derivative,
)
from hadax.qmc.construction import cbc, lattice_error, load_vector
from hadax.qmc.dense_gram import DenseGram
from hadax.qmc.fitting import Fit, fit
from hadax.qmc.gram import gram
from hadax.qmc.halton import Halton, halton, permute_digits
from hadax.qmc.kernels import (
    DigitalKernel,
    ShiftInvariantKernel,
    digital_kernel,
    shift_invariant_kernel,
)
from hadax.qmc.lattices import Lattice, lattice, random_shift
from hadax.qmc.multitask import TaskPosterior, condition_tasks
from hadax.qmc.nets import DigitalNet, digital_net, sobol
from hadax.qmc.periodization import periodize
from hadax.qmc.regression import Posterior, condition, regression_loss
from hadax.qmc.scrambles import digital_shift, interlace, linear_scramble, nested_scramble
from hadax.qmc.structured_gram import Gram
from hadax.qmc.task_fitting import TaskFit, fit_tasks
from hadax.qmc.task_matrices import TaskGram, task_covariance, task_gram

__all__ = [
    "AdaptiveKernel",
    "CombinedKernel",
    "Cubature",
    "DenseGram",
    "DigitalKernel",
    "DigitalNet",
    "Fit",
    "Gram",
    "Halton",
    "Lattice",
    "Posterior",
    "ShiftInvariantKernel",
    "TaskFit",
    "TaskGram",
    "TaskPosterior",
    "Tolerance",
    "adaptive_cubature",
    "adaptive_kernel",
    "bayesian_cubature",
    "cbc",
    "combine",
    "condition",
    "condition_tasks",
    "derivative",
    "digital_kernel",
    "digital_net",
    "digital_shift",
    "fit",
    "fit_tasks",
    "gram",
    "halton",
    "interlace",
    "lattice",
    "lattice_error",
    "linear_scramble",
    "load_vector",
    "nested_scramble",
    "periodize",
    "permute_digits",
    "random_shift",
    "regression_loss",
    "shift_invariant_kernel",
    "sobol",
    "task_covariance",
    "task_gram",
]
