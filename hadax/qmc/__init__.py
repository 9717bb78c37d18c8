"""Low-discrepancy points: lattices and digital nets, randomised."""

from hadax.qmc.construction import cbc, lattice_error
from hadax.qmc.halton import Halton, halton, permute_digits
from hadax.qmc.lattices import Lattice, lattice, random_shift
from hadax.qmc.nets import DigitalNet, digital_net, sobol
from hadax.qmc.scrambles import digital_shift, interlace, linear_scramble, nested_scramble

__all__ = [
    "DigitalNet",
    "Halton",
    "Lattice",
    "cbc",
    "digital_net",
    "digital_shift",
    "halton",
    "interlace",
    "lattice",
    "lattice_error",
    "linear_scramble",
    "nested_scramble",
    "permute_digits",
    "random_shift",
    "sobol",
]
