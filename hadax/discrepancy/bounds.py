"""Upper bounds of the Kolmogorov distance of a coordinate, each with its source."""

import math
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from hadax import _checks
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._unit import unit_float64
from hadax.discrepancy.laws import rademacher_lattice_pmf

BoundSource: TypeAlias = Literal["berry-esseen", "paper"]

_BERRY_ESSEEN = 0.56
_SPHERE_TO_NORMAL = 0.162  # times 1/d; docs/theory/rotations.md, the lemma of Theorem A
_NORMAL_CUBE = 2 * math.sqrt(2 / math.pi)  # E|g|^3


def kolmogorov_bound(d: int, *, source: BoundSource = "berry-esseen") -> float:
    r"""Upper bound of the Kolmogorov distance for every x and any number of blocks from two on.

    "berry-esseen", proved: $0.56 \cdot 2\sqrt{2/\pi}\,/\sqrt d + 0.162/d$. Given all blocks but the
    last, a coordinate is a sum of fair signs of variance one exactly; the Berry-Esseen theorem
    (constant 0.56) bounds its distance from the normal law by the third absolute moment of the
    weights, which Khinchine's inequality with Haagerup's constant bounds in turn. The last term is
    the distance of the normal law from the coordinate of a uniform vector. Proof:
    docs/theory/rotations.md, Theorem A.

    "paper": $d^{-1/5}$, the rate that the abstract of the paper states for two blocks. It states no
    constant: 1 is taken here, so this is a rate to compare with and no bound that is known to hold.

    Args:
        d: dimension, at least 4.
        source: "berry-esseen" or "paper".

    Returns:
        The bound: 0.894 / sqrt(d) for large d, or d ** -0.2.

    Raises:
        ValueError: `d` is less than 4, or `source` is neither of its words.
        TypeError: `d` is no integer.

    Cost:
        None to speak of.

    Example:
        >>> from hadax.discrepancy import kolmogorov_bound
        >>> round(kolmogorov_bound(1024), 4), round(kolmogorov_bound(1024, source="paper"), 4)
        (0.0281, 0.25)

    See Also:
        `kolmogorov_certificate`, for one x; `kolmogorov_exact`: at most 0.5984 / sqrt(d) for all
        inputs known.

    References:
        Shevtsova (2010), key `shevtsova2010`; Haagerup (1981), key `haagerup1981`; Zilca &
        Mendelson (2026), key `zilca2026`.
    """
    d = _checks.integer("d", d, minimum=4)
    _checks.choice("source", source, get_args(BoundSource))
    return d**-0.2 if source == "paper" else _berry_esseen(_NORMAL_CUBE, d)


def kolmogorov_certificate(x: ArrayLike) -> float:
    r"""Upper bound of the Kolmogorov distance for this x, after two blocks.

    $0.56\,E|\langle\sigma, x\rangle|^3/\sqrt d + 0.162/d$ with fair signs $\sigma$ and $|x|_2 = 1$:
    `kolmogorov_bound` before Khinchine's inequality. For integer x the moment is exact. For real x
    it is bounded by the lesser of $\sqrt{3 - 2|x|_4^4}$ (Cauchy and Schwarz between the second and
    the fourth moment; no loss for one or two equal entries) and $2\sqrt{2/\pi}$.

    Args:
        x: array (d,), real, finite, not all zero; d a power of two, at least 4. Its length does not
            matter.

    Returns:
        The bound: between 0.56 / sqrt(d) and `kolmogorov_bound`.

    Raises:
        ValueError: x is no vector, zero or not finite, or d is no power of two or less than 4.
        TypeError: x is not real.

    Cost:
        O(d), for integers one `rademacher_lattice_pmf`.

    Example:
        >>> import numpy as np
        >>> from hadax.discrepancy import kolmogorov_certificate, kolmogorov_exact
        >>> x = np.array([1, 1] + 62 * [0])
        >>> round(kolmogorov_exact(x), 4), round(kolmogorov_certificate(x), 4)
        (0.07, 0.1015)

    See Also:
        `kolmogorov_bound`, for every x.

    References:
        Shevtsova (2010), key `shevtsova2010`; Haagerup (1981), key `haagerup1981`.
    """
    weights = _discrepancy_checks.direction("x", x)
    _checks.power_of_two(weights.size, why="the Walsh-Hadamard rotation")
    _checks.integer("d", weights.size, minimum=4)
    unit = unit_float64(weights)
    if np.issubdtype(weights.dtype, np.integer):
        atoms, probabilities = rademacher_lattice_pmf(weights)
        cube = float(np.abs(atoms / math.sqrt(float(weights @ weights))) ** 3 @ probabilities)
    else:
        cube = min(math.sqrt(3 - 2 * float(np.sum(unit**4))), _NORMAL_CUBE)
    return _berry_esseen(cube, weights.size)


def _berry_esseen(cube: float, d: int) -> float:
    """Bound from E|<sigma, x>|^3."""
    return _BERRY_ESSEEN * cube / math.sqrt(d) + _SPHERE_TO_NORMAL / d
