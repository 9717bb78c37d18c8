"""How far one coordinate of a rotated vector is from one of a uniformly rotated vector.

With the orthonormal Walsh-Hadamard matrix H of order d and independent diagonals D_1, D_2, ... of
fair signs, the k-block rotation of a unit vector x is y = H D_k ... H D_1 x. Given all blocks but
the last, a coordinate of sqrt(d) y is a sum of fair signs with weights z = H D_{k-1} ... H D_1 x;
its law is the same for every coordinate. For integer x the weights lie on a lattice, and the law is
exact to round-off. All of it in float64.
"""

import math
from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import ArrayLike, NDArray

from hadax import _checks
from hadax._typing import KeyArray
from hadax.discrepancy import _discrepancy_checks
from hadax.discrepancy._bootstrap import MIN_DRAWS, batch_sizes, bootstrap_radius
from hadax.discrepancy._lattice import lattice_mixture, lattice_reach
from hadax.discrepancy.coordinate import coordinate_law
from hadax.discrepancy.laws import sphere_coordinate_cdf
from hadax.transforms.walsh import fwht


class Band(NamedTuple):
    """A measured value and the confidence band [low, high] around it."""

    value: float
    low: float
    high: float


def kolmogorov_exact(x: ArrayLike, *, blocks: int = 2) -> float:
    r"""Kolmogorov distance of a coordinate of the rotated x from a uniformly rotated one, exactly.

    $\sup_t |P(\sqrt d\, y_i \le t) - F(t)|$ for $y = H D_k \cdots H D_1 x / |x|_2$ with F the
    `sphere_coordinate_cdf`. Two blocks enumerate the signs that D_1 puts on the support of x.

    Args:
        x: array (d,), integers, not all zero; d a power of two. Its length does not matter: 0-1
            vectors stand for flat vectors on their support.
        blocks: 1 or 2.

    Returns:
        The distance, exact to round-off (about 1e-14).

    Raises:
        ValueError: d is not a power of two, x is zero, `blocks` is neither 1 nor 2, the entries of
            x are too large (11 sqrt(d) times its length is at most 4e6), or two blocks and x has
            too many nonzeros to enumerate: s of them on r distinct rows of H need
            2^(s-1) r <= 2**23, which holds up to s = 12 in most places (r is at most 2^s, and at
            most d), and never from 20 on. `kolmogorov_sampled` takes more.
        TypeError: `x` does not hold integers, or `blocks` is none.

    Cost:
        Two blocks: O(2^s r) for s nonzeros and r distinct rows of H on them, then one
        `rademacher_lattice_pmf` for each distinct set of weights: about 3 s for 12 spread ones.

    Example:
        >>> import numpy as np
        >>> from hadax.discrepancy import kolmogorov_exact
        >>> round(kolmogorov_exact(np.eye(1, 64, dtype=int)[0]), 6)
        0.049673

    See Also:
        `kolmogorov_sampled` for integer x with more nonzeros; `kolmogorov_rao_blackwell` for
        generic real x; `ks_band` for simulated coordinates of any x.

    References:
        Zilca & Mendelson (2026), key `zilca2026`.
    """
    atoms, probabilities = coordinate_law(x, blocks=blocks)
    return _distance(atoms, np.cumsum(probabilities), np.size(x))


def kolmogorov_sampled(
    key: KeyArray, x: ArrayLike, *, draws: int = 1000, confidence: float = 0.99
) -> Band:
    r"""Kolmogorov distance for the two-block rotation of an integer x, over random first blocks.

    Only D_1 is drawn: given it, the law is known (`rademacher_lattice_pmf`), and the laws are
    averaged. The band is the `confidence` quantile of the largest deviation of the averaged
    distribution function, by a Gaussian-multiplier bootstrap over 40 batches of draws: asymptotic
    in the number of draws, and far narrower than that of `ks_band`.

    Args:
        key: one new-style key.
        x: array (d,), integers, not all zero; d a power of two.
        draws: how many D_1 are drawn, at least 40.
        confidence: of the band, between 0 and 1.

    Returns:
        The distance with its band, a `Band`.

    Raises:
        ValueError: d is not a power of two, x is zero, too few draws, a `confidence` outside
            (0, 1), or entries of x so large that 40 distribution functions on their lattice need
            half a gigabyte: sqrt(d) times its length, over the greatest common divisor, must be
            below 76,000. Round to a coarser unit then.
        TypeError: `x` does not hold integers, `key` is no key, or `confidence` no number.

    Cost:
        A transform and a `rademacher_lattice_pmf` a draw. At d = 1024 on one core 0.4 ms for one
        entry and 3 ms for a flat x; but 40 ms for entries up to 3, and 0.2 s for entries up to 24.

    Example:
        >>> import jax, numpy as np
        >>> from hadax.discrepancy import kolmogorov_exact, kolmogorov_sampled
        >>> flat = np.ones(16, int)
        >>> band = kolmogorov_sampled(jax.random.key(0), flat, draws=400)
        >>> band.low < kolmogorov_exact(flat) < band.high
        True

    See Also:
        `kolmogorov_exact`, which enumerates D_1 where that is possible.
    """
    x = _discrepancy_checks.lattice_vector("x", x)
    _checks.power_of_two(x.size, why="the Walsh-Hadamard rotation")
    _checks.integer("draws", draws, minimum=MIN_DRAWS)
    _discrepancy_checks.fraction("confidence", confidence)
    key_signs, key_bootstrap = jax.random.split(_checks.key(key))
    x = x // int(np.gcd.reduce(x))
    length = math.sqrt(float(x @ x) * x.size)
    reach = lattice_reach(length, arrays=MIN_DRAWS)
    batches = np.zeros((MIN_DRAWS, 2 * reach + 1))
    sizes = batch_sizes(draws)
    for batch, size in enumerate(sizes):
        signs = jax.random.rademacher(jax.random.fold_in(key_signs, batch), (size, x.size), "int32")
        spectra = np.asarray(fwht(signs * x.astype(np.int32)[None], norm="backward"))
        batches[batch] = np.cumsum(lattice_mixture(spectra, np.full(size, 1 / size), reach))
    mean, radius = bootstrap_radius(key_bootstrap, batches, sizes, confidence)
    value = _distance(np.arange(-reach, reach + 1) / length, mean, x.size)
    return Band(value, max(0.0, value - radius), min(1.0, value + radius))


def ks_band(samples: ArrayLike, d: int, *, confidence: float = 0.99) -> Band:
    r"""Kolmogorov distance of simulated coordinates from a uniform one, with its DKW band.

    By the inequality of Dvoretzky, Kiefer, Wolfowitz and Massart the distance of the law itself is
    within `dkw_radius` of the measured one with probability at least `confidence`. It holds for one
    coordinate of each of n independent draws. That is not checked, and cannot be: several
    coordinates of one draw depend on each other, and give a band that may be wrong.

    Args:
        samples: array (n,), real: sqrt(d) times **one** coordinate of n independent draws.
        d: dimension, at least 2.
        confidence: of the band, between 0 and 1.

    Returns:
        The distance with its band, a `Band`.

    Raises:
        ValueError: `samples` is empty, not one-dimensional or not finite, `d` less than 2, or
            `confidence` outside (0, 1).
        TypeError: `samples` is not real, or `confidence` is no number.

    Cost:
        O(n log n).

    Example:
        >>> import numpy as np
        >>> from hadax.discrepancy import ks_band
        >>> uniform = np.sqrt(3) * np.linspace(-1, 1, 10_001)  # a coordinate on the sphere in 3-D
        >>> ks_band(uniform, 3).low
        0.0

    See Also:
        scipy.stats.kstest, which tests for equality instead of bounding the distance.
    """
    ordered = np.sort(_discrepancy_checks.sample("samples", samples))
    target = sphere_coordinate_cdf(ordered, d)
    steps = np.arange(ordered.size + 1) / ordered.size
    value = float(max(np.max(steps[1:] - target), np.max(target - steps[:-1])))
    radius = dkw_radius(ordered.size, confidence=confidence)
    return Band(value, max(0.0, value - radius), min(1.0, value + radius))


def ks_two_band(samples: ArrayLike, others: ArrayLike, *, confidence: float = 0.99) -> Band:
    r"""Kolmogorov distance between two simulated laws, with its DKW band.

    $\sup_t |F_n(t) - G_m(t)|$ of the two empirical distribution functions; both are within their
    `dkw_radius` with probability at least `confidence`.

    Args:
        samples: array (n,), real: independent draws.
        others: array (m,), real: independent draws of the other law. If both laws have jumps at the
            same places, round both: round-off would tell the places apart.
        confidence: of the band, between 0 and 1.

    Returns:
        The distance with its band, a `Band`.

    Raises:
        ValueError: `samples` or `others` is empty, not one-dimensional or not finite, or
            `confidence` outside (0, 1).
        TypeError: `samples` or `others` is not real, or `confidence` is no number.

    Cost:
        O((n + m) log(n + m)).

    Example:
        >>> import numpy as np
        >>> from hadax.discrepancy import ks_two_band
        >>> ks_two_band(np.arange(3000), np.arange(3000) + 1500).value
        0.5

    See Also:
        scipy.stats.ks_2samp, which tests for equality; `ks_band`, where the other law is known.
    """
    one = np.sort(_discrepancy_checks.sample("samples", samples))
    two = np.sort(_discrepancy_checks.sample("others", others))
    confidence = _discrepancy_checks.fraction("confidence", confidence)
    places = np.concatenate([one, two])
    shares = [np.searchsorted(part, places, side="right") / part.size for part in (one, two)]
    value = float(np.max(np.abs(shares[0] - shares[1])))
    each = (1 + confidence) / 2
    radius = sum(dkw_radius(part.size, confidence=each) for part in (one, two))
    return Band(value, max(0.0, value - radius), min(1.0, value + radius))


def dkw_radius(count: int, *, confidence: float = 0.99) -> float:
    r"""Half width of the DKW confidence band of a distribution function.

    $\sqrt{\log(2/(1-c)) / (2n)}$ for n independent draws and confidence c.

    Args:
        count: how many independent draws, at least 1.
        confidence: of the band, between 0 and 1.

    Returns:
        The half width.

    Raises:
        ValueError: `count` is less than 1, or `confidence` outside (0, 1).

    Cost:
        None to speak of.

    Example:
        >>> from hadax.discrepancy import dkw_radius
        >>> round(dkw_radius(100_000), 5)
        0.00515

    See Also:
        `ks_band`, which puts it around a measured distance; scipy.stats.kstwo, the law it bounds.

    References:
        Dvoretzky, Kiefer & Wolfowitz (1956), key `dvoretzky1956`; Massart (1990), key
        `massart1990`.
    """
    count = _checks.integer("count", count, minimum=1)
    confidence = _discrepancy_checks.fraction("confidence", confidence)
    return math.sqrt(math.log(2 / (1 - confidence)) / (2 * count))


def _distance(atoms: NDArray[np.float64], cumulative: NDArray[np.float64], d: int) -> float:
    """Kolmogorov distance from F of a law, given by its distribution function at its atoms."""
    target = sphere_coordinate_cdf(atoms, d)
    below = np.concatenate([[0.0], cumulative[:-1]])
    return float(max(np.max(np.abs(cumulative - target)), np.max(np.abs(below - target))))
