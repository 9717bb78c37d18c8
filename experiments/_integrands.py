"""Integrands over the unit cube whose integrals are known, for comparing ways to integrate.

A batch function takes points (n, d) in [0, 1) to values (n,), in the dtype of the points, and can
be compiled. Integrals are computed in float64 by closed forms; that of the option has none, and is
a stored value with its standard error.
"""

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri
from numpy.typing import NDArray
from scipy.special import erf, ndtr

from experiments import _references

Family: TypeAlias = Literal[
    "oscillatory", "product peak", "corner peak", "gaussian", "continuous", "discontinuous"
]
Name: TypeAlias = Literal["keister", Family, "asian", "asian, controlled"]

NAMES: tuple[Name, ...] = ("keister", *get_args(Family), "asian", "asian, controlled")
SMOOTH: tuple[Name, ...] = ("oscillatory", "product peak", "corner peak", "gaussian")
"""Those with all derivatives on the closed cube. Keister's has infinite ones at its faces."""

# Sums of the coefficients, that is difficulties, as `barthelmann2000` has them.
_DIFFICULTIES: dict[Family, float] = {
    "oscillatory": 9.0,
    "product peak": 7.25,
    "corner peak": 1.85,
    "gaussian": 7.03,
    "continuous": 20.4,
    "discontinuous": 4.3,
}
_START, _STRIKE, _RATE, _VOLATILITY = 100.0, 100.0, 0.05, 0.2


@dataclass(frozen=True)
class Integrand:
    """A function of points (n, d), and its integral, with the standard error of a stored one."""

    name: Name
    dimensions: int
    function: Callable[[jax.Array], jax.Array]
    exact: float
    exact_se: float = 0.0


@functools.cache
def integrand(name: Name, dimensions: int) -> Integrand:
    """The integrand of a name in so many dimensions."""
    if name == "keister":
        return Integrand(name, dimensions, _keister, _keister_integral(dimensions))
    if name in ("asian", "asian, controlled"):
        return _asian(name, dimensions)
    return _genz(name, dimensions)


def _normal(x: jax.Array) -> jax.Array:
    """Normal numbers of uniform ones; 0, which stands for what was cut off, is moved inside."""
    return ndtri(jnp.maximum(x, float(jnp.finfo(x.dtype).eps) / 4))


def _keister(x: jax.Array) -> jax.Array:
    """pi^(d/2) cos |t| for t of the density pi^(-d/2) exp(-|t|^2) (`keister1996`)."""
    radius = jnp.linalg.norm(_normal(x), axis=-1) * 0.5**0.5
    return math.pi ** (x.shape[-1] / 2) * jnp.cos(radius)


def _keister_integral(d: int) -> float:
    """The integral of cos(r) exp(-r^2) over spheres, by Gauss's rule: beyond 10 there is 1e-44."""
    nodes, weights = np.polynomial.legendre.leggauss(100)
    r = 5 * (nodes + 1)
    sphere = 2 * math.pi ** (d / 2) / math.gamma(d / 2)
    return float(sphere * 5 * np.sum(weights * np.cos(r) * np.exp(-(r**2)) * r ** (d - 1)))


def _parameters(family: Family, d: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients a and places w (d,), always the same for a family and dimension."""
    rng = np.random.default_rng((get_args(Family).index(family), d))
    a = rng.uniform(0.5, 1.5, d)
    return a * _DIFFICULTIES[family] / a.sum(), rng.uniform(0.2, 0.8, d)


def _genz(family: Family, d: int) -> Integrand:
    """One of the families of Genz (`genz1984`)."""
    a, w = _parameters(family, d)

    def function(x: jax.Array) -> jax.Array:
        scales, places = jnp.asarray(a[None], x.dtype), jnp.asarray(w[None], x.dtype)
        return _GENZ[family](x, scales, places)

    return Integrand(family, d, function, float(_GENZ_INTEGRALS[family](a, w)))


def _oscillatory(x: jax.Array, a: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.cos(2 * math.pi * w[0, 0] + jnp.sum(a * x, axis=-1))


def _product_peak(x: jax.Array, a: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.prod(1 / (1 / a**2 + jnp.square(x - w)), axis=-1)


def _corner_peak(x: jax.Array, a: jax.Array, w: jax.Array) -> jax.Array:
    return (1 + jnp.sum(a * x, axis=-1)) ** -(x.shape[-1] + 1)


def _gaussian(x: jax.Array, a: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.exp(-jnp.sum(jnp.square(a * (x - w)), axis=-1))


def _continuous(x: jax.Array, a: jax.Array, w: jax.Array) -> jax.Array:
    return jnp.exp(-jnp.sum(a * jnp.abs(x - w), axis=-1))


def _discontinuous(x: jax.Array, a: jax.Array, w: jax.Array) -> jax.Array:
    inside = jnp.all(x[:, :2] <= w[:, :2], axis=-1)
    return jnp.where(inside, jnp.exp(jnp.sum(a * x, axis=-1)), 0.0)


def _corner_integral(a: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """The alternating sum over corners, in fractions: nearly all of it cancels."""
    exact = [Fraction(value) for value in a]
    total = sum(
        (-1) ** sum(corner) / (1 + sum(itertools.compress(exact, corner)))
        for corner in itertools.product((0, 1), repeat=len(a))
    )
    return float(total / (math.factorial(len(a)) * math.prod(exact)))


def _box_integral(a: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """Of exp(a x) up to w in the first two coordinates, up to 1 in the others."""
    ends = np.concatenate([w[:2], np.ones(len(a))[2:]])
    return float(np.prod(np.expm1(a * ends) / a))


_GENZ: dict[Family, Callable[[jax.Array, jax.Array, jax.Array], jax.Array]] = {
    "oscillatory": _oscillatory,
    "product peak": _product_peak,
    "corner peak": _corner_peak,
    "gaussian": _gaussian,
    "continuous": _continuous,
    "discontinuous": _discontinuous,
}
_GENZ_INTEGRALS: dict[Family, Callable[[NDArray, NDArray], Any]] = {
    "oscillatory": lambda a, w: (
        np.cos(2 * np.pi * w[0] + a.sum() / 2) * np.prod(np.sinc(a / (2 * np.pi)))
    ),
    "product peak": lambda a, w: np.prod(a * (np.arctan(a * (1 - w)) + np.arctan(a * w))),
    "corner peak": _corner_integral,
    "gaussian": lambda a, w: np.prod(np.sqrt(np.pi) / (2 * a) * (erf(a * (1 - w)) + erf(a * w))),
    "continuous": lambda a, w: np.prod((2 - np.exp(-a * w) - np.exp(-a * (1 - w))) / a),
    "discontinuous": _box_integral,
}


def _asian(name: Literal["asian", "asian, controlled"], d: int) -> Integrand:
    """A call on the mean of a stock at d dates of a year; minus that on its geometric mean, whose
    value is known, where it is controlled."""
    known = _references.load("asian_option")
    if d != known["dates"]:
        raise ValueError(f"The value of the option is stored for {known['dates']} dates, not {d}.")
    dates = np.arange(1, d + 1) / d
    # Principal components of Brownian motion: the first numbers of a point matter most.
    variances, axes = np.linalg.eigh(np.minimum(dates[:, None], dates[None]))
    paths = (axes * np.sqrt(variances))[:, ::-1]
    drifts = (_RATE - _VOLATILITY**2 / 2) * dates
    geometric = _geometric_call(d)

    def function(x: jax.Array) -> jax.Array:
        steps = _normal(x) @ jnp.asarray(_VOLATILITY * paths.T, x.dtype)
        logs = steps + jnp.asarray(drifts[None], x.dtype)
        means = jnp.mean(jnp.exp(logs), axis=-1)
        values = _call(means)
        if name == "asian":
            return values
        return values - _call(jnp.exp(jnp.mean(logs, axis=-1))) + geometric

    return Integrand(name, d, function, known["value"], known["standard_error"])


def _call(prices: jax.Array) -> jax.Array:
    """What is paid for prices in units of the first one, today."""
    return math.exp(-_RATE) * jnp.maximum(_START * prices - _STRIKE, 0.0)


def _geometric_call(d: int) -> float:
    """The value of the call on the geometric mean, which is lognormal (`kemna1990`)."""
    dates = np.arange(1, d + 1) / d
    mean = math.log(_START) + (_RATE - _VOLATILITY**2 / 2) * dates.mean()
    deviation = _VOLATILITY * math.sqrt(np.minimum(dates[:, None], dates[None]).mean())
    upper = (mean + deviation**2 - math.log(_STRIKE)) / deviation
    forward = math.exp(mean + deviation**2 / 2)
    return math.exp(-_RATE) * float(forward * ndtr(upper) - _STRIKE * ndtr(upper - deviation))
