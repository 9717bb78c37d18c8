"""How far structured rotations are from uniformly random ones: exact laws, bounds, bands."""

from hadax.discrepancy._bootstrap import MIN_DRAWS
from hadax.discrepancy.bounds import kolmogorov_bound, kolmogorov_certificate
from hadax.discrepancy.coordinate import coordinate_law
from hadax.discrepancy.joint import linf_law, max_sliced, overlap_law, pair_dependence
from hadax.discrepancy.kolmogorov import (
    Band,
    dkw_radius,
    kolmogorov_exact,
    kolmogorov_sampled,
    ks_band,
    ks_two_band,
)
from hadax.discrepancy.laws import (
    rademacher_lattice_pmf,
    sphere_coordinate_cdf,
    sphere_coordinate_cf,
    sphere_coordinate_pdf,
)
from hadax.discrepancy.moments import fourth_moment
from hadax.discrepancy.quantized import DriveBias, drive_bias, lloyd_max_distortion
from hadax.discrepancy.quenched import quenched_ks
from hadax.discrepancy.rao_blackwell import kolmogorov_rao_blackwell
from hadax.discrepancy.search import (
    Ascent,
    Support,
    affine_classes,
    cf_discrepancy,
    search_worst,
    worst_supports,
)
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
    "Ascent",
    "Band",
    "DriveBias",
    "Estimate",
    "Support",
    "affine_classes",
    "cf_discrepancy",
    "coordinate_law",
    "dkw_radius",
    "drive_bias",
    "fourth_moment",
    "kolmogorov_bound",
    "kolmogorov_certificate",
    "kolmogorov_exact",
    "kolmogorov_rao_blackwell",
    "kolmogorov_sampled",
    "ks_band",
    "ks_two_band",
    "linf_law",
    "lloyd_max_distortion",
    "max_sliced",
    "overlap_law",
    "pair_dependence",
    "quenched_ks",
    "rademacher_lattice_pmf",
    "search_worst",
    "sphere_coordinate_cdf",
    "sphere_coordinate_cf",
    "sphere_coordinate_pdf",
    "w2_lower",
    "w2_one_sparse",
    "w2_sorted",
    "w2_two_sparse",
    "w2_upper",
    "w2_upper_any",
    "worst_supports",
]
