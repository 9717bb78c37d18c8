"""How much noise may leave in a bin, and how many coefficients bins can carry."""

import functools
import math
from statistics import NormalDist

import numpy as np


def chi_square(freedom: int, exceeded: float) -> float:
    """What a chi-square variable exceeds with this probability, within 2 % from 20 degrees on.

    By the law of its cube root, which is nearly normal (Wilson and Hilferty, 1931); with four
    degrees it is up to 6 % too large at a millionth.
    """
    spread = 2 / (9 * freedom)
    root = 1 - spread - NormalDist().inv_cdf(exceeded) * spread**0.5
    return freedom * max(root, 0.0) ** 3


def normal_square(rarity: float) -> float:
    """What the square of a normal variable exceeds with a probability of exp(-rarity).

    By the ratio of Mills, above which no tail is: at most 1 % too large from a rarity of 8 on.
    """
    found = 2 * rarity
    for _ in range(4):
        found = 2 * rarity - math.log(found * math.pi / 2)
    return found


def energy(numbers: int, parts: int, exceeded: float) -> float:
    """What the energy of Gaussian numbers of variance 1 exceeds with this probability.

    Complex numbers have two parts, each with half of the variance.
    """
    return chi_square(parts * numbers, exceeded) / parts


@functools.cache
def fewest_bins(groups: int) -> float:
    """Bins, of all groups together, below which peeling fails: their number for one coefficient.

    A coefficient stays hidden after a round with probability p -> (1 - exp(-p / x))^(groups - 1), x
    being the bins of one group for each coefficient. That goes to zero if and only if x is above
    p / -log(1 - p^(1 / (groups - 1))) for every p.
    """
    p = np.linspace(1e-6, 1, 100_000, endpoint=False)
    return groups * float(np.max(p / -np.log1p(-(p ** (1 / (groups - 1))))))
