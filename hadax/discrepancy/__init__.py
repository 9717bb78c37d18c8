"""How far structured rotations are from uniformly random ones: exact laws, bounds, bands."""

from hadax.discrepancy.coordinate import coordinate_law
from hadax.discrepancy.kolmogorov import (
    MIN_DRAWS,
    Band,
    dkw_radius,
    kolmogorov_bound,
    kolmogorov_exact,
    kolmogorov_sampled,
    ks_band,
)
from hadax.discrepancy.laws import (
    rademacher_lattice_pmf,
    sphere_coordinate_cdf,
    sphere_coordinate_cf,
    sphere_coordinate_pdf,
)
from hadax.discrepancy.moments import fourth_moment
from hadax.discrepancy.quantized import DriveBias, drive_bias, lloyd_max_distortion
from hadax.discrepancy.wasserstein import (
    Estimate,
    w2_lower,
    w2_one_sparse,
    w2_sorted,
    w2_two_sparse,
    w2_upper,
    w2_upper_any,
)

__all__ = [
    "MIN_DRAWS",
    "Band",
    "DriveBias",
    "Estimate",
    "coordinate_law",
    "dkw_radius",
    "drive_bias",
    "fourth_moment",
    "kolmogorov_bound",
    "kolmogorov_exact",
    "kolmogorov_sampled",
    "ks_band",
    "lloyd_max_distortion",
    "rademacher_lattice_pmf",
    "sphere_coordinate_cdf",
    "sphere_coordinate_cf",
    "sphere_coordinate_pdf",
    "w2_lower",
    "w2_one_sparse",
    "w2_sorted",
    "w2_two_sparse",
    "w2_upper",
    "w2_upper_any",
]
