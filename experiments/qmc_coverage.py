"""How often cubatures to a tolerance keep what they promise.

A row repeats one cubature over independent randomisations of its points, and counts how often the
integral was within the tolerance, and how often within the error bound that came with it. Bands of
shares are exact (Clopper and Pearson) and hold together over all rows at 99 %. Of each integrand
the integral is asked for with an absolute tolerance, and that of its negative with a relative one.
All of it is float64. Seconds leave the first run out, which compiles.

"Bayesian lattice, not widened" reports the interval of the Gaussian process itself. It is there to
be compared with, and not checked.

The bound of the adaptive cubature holds for functions whose coefficients fall regularly, that of
the Bayesian one with the given probability for draws of its Gaussian process; these integrands are
not known to be either. That shares are at least 0.95 is measured.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import jax
import numpy as np

from experiments import _rates
from experiments._contract import Check, Experiment, Preset, Row
from experiments._integrands import NAMES, Name, integrand
from experiments._settings import check_settings
from hadax import qmc

Cubature: TypeAlias = Literal[
    "adaptive lattice",
    "adaptive net",
    "Bayesian lattice",
    "Bayesian lattice, not widened",
    "Bayesian net",
]
Tolerance: TypeAlias = Literal["absolute", "relative"]

CUBATURES: tuple[Cubature, ...] = get_args(Cubature)
PROMISED = 0.95
CONFIDENCE = 0.99
_LEAST, _MOST = 1 << 8, 1 << 20  # points
_NARROW = "not widened"


@dataclass(frozen=True)
class Config:
    """What is integrated to which tolerance, by what, how often."""

    seed: int = 0
    """Seed of every random key."""
    integrands: tuple[Name, ...] = NAMES[:7]
    """What is integrated: Keister's function and those of Genz."""
    keister_dimensions: tuple[int, ...] = (2, 3)
    """Dimensions of Keister's."""
    genz_dimensions: tuple[int, ...] = (3, 4)
    """Dimensions of those of Genz."""
    cubatures: tuple[Cubature, ...] = CUBATURES
    """By what."""
    error: float = 1e-3
    """The error that is tolerated, over the integral."""
    runs: int = 400
    """Independent randomisations."""

    def __post_init__(self) -> None:
        check_settings(self, runs=2, keister_dimensions=(1, 10), genz_dimensions=(1, 10))
        for name, known in (("integrands", NAMES[:7]), ("cubatures", CUBATURES)):
            if unknown := set(getattr(self, name)) - set(known):
                raise ValueError(
                    f"--{name} must be of {', '.join(known)}, but has {', '.join(unknown)}"
                )
        if not 1e-9 <= self.error <= 0.1:
            raise ValueError(f"--error must be between 1e-9 and 0.1, but is {self.error}")


@dataclass(frozen=True)
class Trial:
    """One integral by one cubature."""

    integrand: Name
    dimensions: int
    cubature: Cubature
    tolerance: Tolerance
    error: float
    runs: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for every integral, cubature and kind of tolerance."""
    for name in config.integrands:
        is_keister = name == "keister"
        for d in config.keister_dimensions if is_keister else config.genz_dimensions:
            for cubature in config.cubatures:
                for tolerance in get_args(Tolerance):
                    yield Trial(name, d, cubature, tolerance, config.error, config.runs)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Integrate by every randomisation, and count."""
    # Every function has programs of its own, a dozen for its numbers of points: a hundred rows of
    # them are more than a process may map.
    jax.clear_caches()
    with jax.enable_x64(True):
        function, exact = _problem(trial)
        keys = jax.random.split(key, trial.runs)
        found = [_integrated(trial, function, exact, _points(trial, one)) for one in keys]
        errors = np.array([abs(float(each.integral) - exact) for each in found])
        bounds = np.array([float(each.error_bound) for each in found])
    n = np.array([each.n for each in found])
    return {
        "within_tolerance": int((errors <= trial.error * abs(exact)).sum()),
        "within_bound": int((errors <= bounds).sum()),
        "converged": sum(bool(each.converged) for each in found),
        "n": float(np.median(n)),
        "n_low": int(n.min()),
        "n_high": int(n.max()),
        "error_median": float(np.median(errors) / abs(exact)),
        "error_largest": float(errors.max() / abs(exact)),
        "bound_median": float(np.median(bounds) / abs(exact)),
        "seconds": float(np.median([each.seconds for each in found[1:]])),
    }


def _problem(trial: Trial) -> tuple[Callable[[jax.Array], jax.Array], float]:
    """The function and its integral: the negative ones where the tolerance is relative."""
    found = integrand(trial.integrand, trial.dimensions)
    if trial.tolerance == "absolute":
        return found.function, found.exact
    return _negative(trial.integrand, trial.dimensions), -found.exact


@functools.cache
def _negative(name: Name, dimensions: int) -> Callable[[jax.Array], jax.Array]:
    """The negative of a function, the same object each time: programs are kept for it."""
    function = integrand(name, dimensions).function
    return lambda x: -function(x)


def _points(trial: Trial, key: jax.Array) -> qmc.Lattice | qmc.DigitalNet:
    """The points of one randomisation."""
    if "lattice" in trial.cubature:
        return qmc.random_shift(key, qmc.lattice(_vector(trial.dimensions)))
    key_scramble, key_shift = jax.random.split(key)
    net = qmc.linear_scramble(key_scramble, qmc.sobol(trial.dimensions))
    return qmc.digital_shift(key_shift, net)


@functools.cache
def _vector(dimensions: int) -> np.ndarray:
    """A generating vector for every number of points."""
    return qmc.cbc(dimensions, _MOST, n_min=_LEAST)


def _integrated(
    trial: Trial,
    function: Callable[[jax.Array], jax.Array],
    exact: float,
    points: qmc.Lattice | qmc.DigitalNet,
) -> qmc.Cubature:
    """One run, as a user has it who knows the size of the integral."""
    tolerances: dict[str, Any]
    if trial.tolerance == "absolute":
        tolerances = {"abs_tol": trial.error * abs(exact), "rel_tol": 0.0}
    else:
        tolerances = {"abs_tol": 0.0, "rel_tol": trial.error}
    if trial.cubature.startswith("adaptive"):
        return qmc.adaptive_cubature(function, points, n_max=_MOST, **tolerances)
    widen = False if trial.cubature.endswith(_NARROW) else None
    return qmc.bayesian_cubature(function, points, n_max=_MOST, widen=widen, **tolerances)


def share(row: Row, name: str, *, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """The share of runs whose error was "within_tolerance" or "within_bound", and its band."""
    return row[name] / row["runs"], *_rates.band(row[name], row["runs"], confidence=confidence)


def checks(rows: Sequence[Row]) -> list[Check]:
    """Both shares of every row against what is promised."""
    rows = [row for row in rows if not row["cubature"].endswith(_NARROW)]
    confidence = 1 - (1 - CONFIDENCE) / (2 * len(rows))
    found = []
    for name, words in (("within_tolerance", "the tolerance"), ("within_bound", "its bound")):
        for row in rows:
            value, low, high = share(row, name, confidence=confidence)
            sign = "-" if row["tolerance"] == "relative" else ""
            what = f"{row['cubature']}, {sign}{row['integrand']}, d = {row['dimensions']}"
            how = f"{row['tolerance']} tolerance {row['error']:g}"
            statement = f"{what}, {how}: share of {row['runs']} runs within {words}"
            found.append(Check(statement, "measured", value, "at least", PROMISED, low, high))
    return found


EXPERIMENT = Experiment(
    name="qmc_coverage",
    question="How often do cubatures to a tolerance keep what they promise?",
    presets={
        "smoke": Preset(
            Config(
                integrands=("gaussian",),
                genz_dimensions=(2,),
                cubatures=("adaptive net", "Bayesian lattice"),
                error=1e-2,
                runs=200,
            ),
            minutes=0.1,
        ),
        "quick": Preset(
            Config(
                integrands=("keister", "gaussian"),
                keister_dimensions=(3,),
                error=1e-2,
                runs=200,
            ),
            minutes=0.7,
        ),
        "paper": Preset(Config(), minutes=10),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
