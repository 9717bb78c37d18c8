"""The exact law of a coordinate of the rotated vector, where signs can be enumerated.

All of it in float64.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hadax import _checks
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._lattice import lattice_mixture, lattice_reach, weight_spectra


def coordinate_law(
    x: ArrayLike, *, blocks: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Law of sqrt(d) times a coordinate of the one- or two-block rotation of x, exactly.

    $\sqrt d\,y_i$ for $y = H D_k \cdots H D_1 x / |x|_2$, the same law for every i. Two blocks
    enumerate the signs that D_1 puts on the support of x; given them, and for one block, the
    coordinate is a sum of fair signs on a lattice.

    Args:
        x: array (d,), integers, not all zero; d a power of two. Its length does not matter: 0-1
            vectors stand for flat vectors on their support.
        blocks: 1 or 2.

    Returns:
        The atoms, float64, increasing, and their probabilities, float64, exact to round-off. Atoms
        beyond 9 standard deviations, whose mass is below 1e-17, are left out.

    Raises:
        ValueError: d is not a power of two, x is zero, `blocks` is neither 1 nor 2, or x has too
            many nonzeros to enumerate.
        TypeError: `x` does not hold integers, or `blocks` is none.

    Cost:
        Two blocks: O(2^s r) for s nonzeros and r distinct rows of H on them, then one
        `rademacher_lattice_pmf` for each distinct set of weights.

    Example:
        >>> from hadax.discrepancy import coordinate_law
        >>> atoms, probabilities = coordinate_law([1, 1, 0, 0])  # two signs of length sqrt 2, or 0
        >>> atoms.round(3), probabilities.round(3)
        (array([-1.414,  0.   ,  1.414]), array([0.25, 0.5 , 0.25]))

    See Also:
        `kolmogorov_exact`, how far it is from that of a uniform vector, `sphere_coordinate_cdf`.
    """
    x = _discrepancy_checks.lattice_vector("x", x)
    _checks.power_of_two(x.size, why="the Walsh-Hadamard rotation")
    _discrepancy_checks.enumerable_blocks(blocks)
    length = math.sqrt(float(x @ x))
    weights, shares = x[None], np.ones(1)
    if blocks == 2:
        weights, shares = weight_spectra(x)
        length *= math.sqrt(x.size)
    reach = lattice_reach(length)
    mass = lattice_mixture(weights, shares, reach)
    atoms = np.flatnonzero(mass)
    return (atoms - reach) / length, mass[atoms]
