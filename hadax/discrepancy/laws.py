"""Laws of one coordinate: of a uniform unit vector, and of a sum of fair signs.

Everything here is numpy and scipy in float64: statistics, not transforms.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from hadax import _checks
from hadax.discrepancy import _discrepancy_checks

# Standard deviations beyond which a sum of fair signs has less mass than round-off.
DEVIATIONS = 9
_NEGLIGIBLE = 1e-24
_MOST_ATOMS = 1 << 22  # of 200 bytes each
_MOST_SUMMED = 22  # weights, whose 2**22 sums are written out where the lattice has more atoms
# Of the sphere's characteristic function: where to leave the hypergeometric series, how many terms
# of the other one then do, and where less than 1e-15 is left of it.
_LARGEST_HYPERGEOMETRIC = 256
_RAYLEIGH_TERMS = 20
_VANISHED = 8.5


def sphere_coordinate_cdf(t: ArrayLike | float, d: int) -> NDArray[np.float64]:
    r"""Distribution function of sqrt(d) times a coordinate of a uniform unit vector.

    $F(t) = \frac12 + \frac{\operatorname{sgn} t}{2}\, I_{t^2/d}(\frac12, \frac{d-1}{2})$ with the
    regularised incomplete beta function $I$; it tends to the normal law as d grows.

    Args:
        t: array (...), real: points in units of the standard deviation.
        d: dimension, at least 2.

    Returns:
        numpy array of the shape of `t`, float64.

    Raises:
        TypeError: `d` is not an integer, or the points are traced.
        ValueError: `d` is less than 2.

    Cost:
        One incomplete beta function a point, in scipy: it cannot be traced.

    Example:
        >>> from hadax.discrepancy import sphere_coordinate_cdf
        >>> sphere_coordinate_cdf([-1.0, 0.0, 1.0], 3)  # uniform on [-sqrt 3, sqrt 3]
        array([0.21132487, 0.5       , 0.78867513])

    See Also:
        scipy.stats.norm.cdf, its limit: about 0.138/d away, and at most 0.162/d from d = 4 on.
    """
    d = _checks.integer("d", d, minimum=2)
    t = _discrepancy_checks.points("t", t)
    inside = special.betainc(0.5, (d - 1) / 2, np.clip(t * t / d, 0, 1))
    return np.asarray(0.5 + 0.5 * np.sign(t) * inside)


def sphere_coordinate_pdf(t: ArrayLike | float, d: int) -> NDArray[np.float64]:
    r"""Density of sqrt(d) times a coordinate of a uniform unit vector.

    $f(t) = c_d\,(1 - t^2/d)^{(d-3)/2}$ on $|t| < \sqrt d$ and 0 elsewhere, with
    $c_d = \Gamma(\frac d2) / (\sqrt{\pi d}\,\Gamma(\frac{d-1}2))$.

    Args:
        t: array (...), real: points in units of the standard deviation.
        d: dimension, at least 2.

    Returns:
        numpy array of the shape of `t`, float64, with a relative error of at most 1e-11.

    Raises:
        TypeError: `d` is not an integer, or the points are traced.
        ValueError: `d` is less than 2.

    Cost:
        One power a point, in numpy: it cannot be traced.

    Example:
        >>> from hadax.discrepancy import sphere_coordinate_pdf
        >>> sphere_coordinate_pdf([0.0, 1.0, 2.0], 3)  # uniform on [-sqrt 3, sqrt 3]
        array([0.28867513, 0.28867513, 0.        ])

    See Also:
        `sphere_coordinate_cdf`, its integral; scipy.stats.norm.pdf, its limit.
    """
    d = _checks.integer("d", d, minimum=2)
    square = np.square(_discrepancy_checks.points("t", t)) / d
    scale = special.poch((d - 1) / 2, 0.5) / math.sqrt(math.pi * d)
    log_power = special.xlog1py((d - 3) / 2, -np.minimum(square, np.nextafter(1.0, 0.0)))
    return np.asarray(np.where(square < 1, scale * np.exp(log_power), 0.0))


def sphere_coordinate_cf(theta: ArrayLike | float, d: int) -> NDArray[np.float64]:
    r"""Characteristic function of sqrt(d) times a coordinate of a uniform unit vector.

    $E \cos(\theta \sqrt d\,u_1) = {}_0F_1(; \frac d2; -\frac{d\theta^2}4)
    = \Gamma(\nu + 1)\,(2/z)^\nu J_\nu(z)$ with $\nu = \frac d2 - 1$ and
    $z = \sqrt d\,\theta$. From d = 257 on, where the hypergeometric series overflows, it is
    $\exp(-\sum_n \sigma_n z^{2n}/n)$ with Rayleigh's function $\sigma_n$: the sum of the positive
    zeros of $J_\nu$ to the power -2n.

    Args:
        theta: array (...), real.
        d: dimension, at least 2.

    Returns:
        numpy array of the shape of `theta`, float64, with an absolute error of about 1e-15.

    Raises:
        TypeError: `d` is not an integer, or the points are traced.
        ValueError: `d` is less than 2.

    Cost:
        One hypergeometric function or twenty powers a point, in scipy: it cannot be traced.

    Example:
        >>> from hadax.discrepancy import sphere_coordinate_cf
        >>> sphere_coordinate_cf([0.0, 1.0], 3)  # sin(sqrt 3 theta) / (sqrt 3 theta)
        array([1.       , 0.5698601])

    See Also:
        scipy.special.hyp0f1, which overflows for large d.

    References:
        Kishore (1963), key `kishore1963`, for the recursion of Rayleigh's function.
    """
    d = _checks.integer("d", d, minimum=2)
    square = np.square(_discrepancy_checks.points("theta", theta))
    if d <= _LARGEST_HYPERGEOMETRIC:
        return np.asarray(special.hyp0f1(d / 2, -d * square / 4))
    inside = np.minimum(square, _VANISHED**2)  # the series converges up to about sqrt(d) / 2
    nu = d / 2 - 1
    sums = [d / (4 * (nu + 1))]  # sigma_n d**n
    while len(sums) < _RAYLEIGH_TERMS:
        products = sum(a * b for a, b in zip(sums, reversed(sums), strict=True))
        sums.append(products / (nu + len(sums) + 1))
    exponent = sum(total * inside**n / n for n, total in enumerate(sums, start=1))
    return np.where(square < _VANISHED**2, np.exp(-exponent), 0.0)


def rademacher_lattice_pmf(
    weights: ArrayLike,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    r"""Law of a sum of fair signs with integer weights.

    The law of $\sum_j \varepsilon_j a_j$ has the characteristic function $\prod_j \cos(a_j\theta)$,
    which a discrete Fourier transform inverts.

    Args:
        weights: array (n,), integers: the weights a_j, not all zero.

    Returns:
        The atoms, int64, increasing, and their probabilities, float64. Atoms more than 9 standard
        deviations out, whose mass is below 1e-17, are left out.

    Raises:
        ValueError: `weights` is not one-dimensional, has no weight other than zero, or has absolute
            values that sum to 2**31 or more; or more than 22 weights are not zero and the lattice
            has more than 2**22 atoms (a standard deviation of 460,000, in units of the greatest
            common divisor).
        TypeError: `weights` does not hold integers.

    Cost:
        O(m (u + log m)) for m atoms and u distinct weights, mostly far less. If the n weights other
        than zero have fewer sums, they are added up: O(n 2^n).

    Example:
        >>> from hadax.discrepancy import rademacher_lattice_pmf
        >>> atoms, probabilities = rademacher_lattice_pmf([1, 1, 2])
        >>> atoms
        array([-4, -2,  0,  2,  4])
        >>> probabilities.round(3)
        array([0.125, 0.25 , 0.25 , 0.25 , 0.125])

    See Also:
        scipy.stats.binom, the case of equal weights.
    """
    sizes = np.abs(_discrepancy_checks.lattice_vector("weights", weights))
    magnitudes, counts = np.unique(sizes[sizes > 0], return_counts=True)
    span = int(np.gcd.reduce(magnitudes))
    magnitudes = magnitudes // span
    total = int(magnitudes @ counts)
    deviation = math.sqrt(float(np.square(magnitudes.astype(np.float64)) @ counts))
    reach = min(total, math.ceil(DEVIATIONS * deviation))
    reach += (total - reach) % 2  # sums have the parity of the total
    size = reach + 1  # atoms -reach, -reach + 2, ..., reach
    if counts.sum() <= _MOST_SUMMED and 1 << int(counts.sum()) <= size:
        sums = np.zeros(1, np.int64)
        for weight in np.repeat(magnitudes, counts):
            sums = np.concatenate([sums - weight, sums + weight])
        atoms, repeats = np.unique(sums, return_counts=True)
        return span * atoms, repeats / sums.size
    if size > _MOST_ATOMS:
        _discrepancy_checks.too_fine_a_lattice("weights", size, _MOST_ATOMS)
    theta = np.pi * np.arange(size) / size
    place, value = np.arange(size), np.ones(size)
    # The heaviest weights first: soon most of the characteristic function is below round-off.
    for i in np.argsort(-counts * np.square(magnitudes.astype(np.float64))):
        value *= np.cos(magnitudes[i] * theta[place]) ** counts[i]
        alive = np.abs(value) > _NEGLIGIBLE
        place, value = place[alive], value[alive]
    characteristic = np.zeros(size, complex)
    characteristic[place] = value * np.exp(1j * reach * theta[place])
    mass = np.fft.fft(characteristic).real / size
    atoms = span * np.arange(-reach, reach + 1, 2, dtype=np.int64)
    return atoms, np.maximum(mass, 0.0)
