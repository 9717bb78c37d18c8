"""Lloyd-Max codebooks: the 2^b levels of least mean squared error, to round-off.

Levels c are optimal where each is the mean of its cell, and the cells meet half-way between levels.
For the two laws here, both symmetric and log-concave, there is one such codebook. The partial
moments of a cell are known in closed form, so Newton's method finds it without any grid. All in
float64.
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from hadax import _checks

Reals: TypeAlias = NDArray[np.float64]

_MOST_BITS = 8
_NEWTON_STEPS = 30
# Newton's method squares the error: the step from here ends at round-off.
_NEAR = 1e-7


class Law(NamedTuple):
    """A symmetric law of variance one by its density and its partial moments above t."""

    density: Callable[[Reals], Reals]
    mass: Callable[[Reals], Reals]
    first: Callable[[Reals], Reals]
    second: Callable[[Reals], Reals]


def bits_of_a_codebook(value: object) -> int:
    """`value` as a number of bits that a codebook is made for."""
    bits = _checks.integer("bits", value)
    if not 1 <= bits <= _MOST_BITS:
        raise ValueError(f"Argument `bits` must be from 1 to {_MOST_BITS}, but is {bits}.")
    return bits


@functools.cache
def law(d: int | None) -> Law:
    """sqrt(d) times a coordinate of a uniform unit vector of dimension d >= 3; None: N(0, 1)."""
    return _normal() if d is None else _sphere(d)


@functools.cache
def codebook(bits: int, d: int | None = None) -> Reals:
    """The 2**bits levels for `law(d)`, increasing, odd about 0; read-only."""
    source = law(d)
    # Levels at density f^(1/3) are optimal in the limit of many: for the normal law that is
    # N(0, 3). On the sphere they must stay inside the support.
    quantiles = (2.0 ** (bits - 1) + np.arange(2 ** (bits - 1)) + 0.5) / 2**bits
    levels = math.sqrt(3) * special.ndtri(quantiles)
    if d is not None:
        levels *= math.sqrt(d) / math.hypot(math.sqrt(d), levels[-1])
    levels = _settle(source, levels)
    levels = np.concatenate([-levels[::-1], levels])
    levels.setflags(write=False)
    return levels


def thresholds(levels: Reals) -> Reals:
    """Where the cells of increasing levels meet."""
    return (levels[1:] + levels[:-1]) / 2


def distortion(levels: Reals, source: Law, *, rescaled: bool = False) -> float:
    """Mean squared error of rounding a draw to the nearest of levels that are odd about 0.

    Rescaled: of the nearest level times the one factor that is best.
    """
    upper = levels[len(levels) // 2 :]
    edges = _edges(upper)
    mass, first, second = (
        _cells(moment, edges) for moment in (source.mass, source.first, source.second)
    )
    if rescaled:
        return 1 - 2 * float(upper @ first) ** 2 / float(np.square(upper) @ mass)
    return 2 * float(np.sum(second - 2 * upper * first + np.square(upper) * mass))


def mean_magnitude(d: int) -> float:
    """E|U| for U of `law(d)`, d >= 2: sqrt(d / pi) Gamma(d/2) / Gamma((d + 1)/2)."""
    if d < 256:
        return math.sqrt(d / math.pi) * math.gamma(d / 2) / math.gamma((d + 1) / 2)
    # Large Gammas overflow and their logarithms cancel: Stirling's series is exact here.
    q = 1 / d
    series = 1 - q / 4 + q**2 / 32 + 5 * q**3 / 128 - 21 * q**4 / 2048 - 399 * q**5 / 8192
    return math.sqrt(2 / math.pi) / series


def _settle(source: Law, levels: Reals) -> Reals:
    """The fixed point of Lloyd's map on the positive levels, by Newton's method."""
    for _ in range(_NEWTON_STEPS):
        edges = _edges(levels)
        mass = _cells(source.mass, edges)
        means = _cells(source.first, edges) / mass
        gap = levels - means
        density = np.append(source.density(edges[:-1]), 0.0)
        # How the mean of a cell moves with its lower and its upper edge, halved: an edge is half
        # the sum of two levels. The lowest edge is 0 and stays.
        by_lower = density[:-1] * (means - edges[:-1]) / mass / 2
        by_lower[0] = 0.0
        upper_edge = np.append(edges[1:-1], 0.0)
        by_upper = density[1:] * (upper_edge - means) / mass / 2
        band = np.zeros((3, len(levels)))
        band[0, 1:] = -by_upper[:-1]
        band[1] = 1 - by_lower - by_upper
        band[2, :-1] = -by_lower[1:]
        step = linalg.solve_banded((1, 1), band, gap)
        levels = _kept_in_order(levels, step)
        if np.max(np.abs(gap)) < _NEAR:
            return levels
    raise ArithmeticError(f"No Lloyd-Max codebook of {2 * len(levels)} levels was found.")


def _kept_in_order(levels: Reals, step: Reals) -> Reals:
    """`levels - step`, with a step halved until the levels stay positive and increasing."""
    while np.any(np.diff(levels - step, prepend=0.0) <= 0):
        step = step / 2
    return levels - step


def _edges(levels: Reals) -> Reals:
    """Edges of the cells of positive levels, from 0 to infinity."""
    return np.concatenate([[0.0], thresholds(levels), [np.inf]])


def _cells(moment: Callable[[Reals], Reals], edges: Reals) -> Reals:
    """A partial moment over each cell, from the one above each edge."""
    return -np.diff(np.append(moment(edges[:-1]), 0.0))


def _normal() -> Law:
    """N(0, 1)."""

    def density(t: Reals) -> Reals:
        return np.exp(-t * t / 2) / math.sqrt(2 * math.pi)

    def mass(t: Reals) -> Reals:
        return special.ndtr(-t)

    return Law(density, mass, density, lambda t: t * density(t) + mass(t))


def _sphere(d: int) -> Law:
    """sqrt(d) times a coordinate of a uniform unit vector."""
    peak = mean_magnitude(d) * (d - 1) / (2 * d)  # the density at 0: `first` there is E|U| / 2

    def density(t: Reals) -> Reals:
        return peak * _bump(t, d, (d - 3) / 2)

    def mass(t: Reals, dimension: int = d) -> Reals:
        inside = np.clip(t * t / dimension, 0.0, 1.0)
        return special.betaincc(0.5, (dimension - 1) / 2, inside) / 2

    def first(t: Reals) -> Reals:
        return peak * d / (d - 1) * _bump(t, d, (d - 1) / 2)

    def second(t: Reals) -> Reals:
        # By parts: `first` is a density of the same kind, in dimension d + 2 and narrower.
        return t * first(t) + mass(t * math.sqrt((d + 2) / d), d + 2)

    return Law(density, mass, first, second)


def _bump(t: Reals, d: int, power: float) -> Reals:
    """(1 - t^2/d)^power on its support."""
    inside = np.clip(t * t / d, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inside < 1, np.exp(power * np.log1p(-inside)), 0.0)
