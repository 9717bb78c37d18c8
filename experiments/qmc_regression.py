"""A Gaussian process on a lattice or a net, by fast transforms and by dense matrices.

A trial fits values of one function, with noise, at n points, in float64 and in one process. Timed
in turn, compiled and waited for, are

* a step: the likelihood and its gradient by the scale and the weights of the kernel;
* a solution: the coefficients of the posterior mean, from the kernel on.

The dense program forms the kernel's matrix and factors it by Cholesky; gradients are JAX's for
both. What both posterior means differ by at other points is round-off. Beyond a number of points
there is no dense one, and the row has the times of the fast one alone.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp

from experiments import _speed_checks
from experiments._contract import Check, Experiment, Preset, Row
from experiments._integrands import integrand
from experiments._settings import check_settings
from experiments._turns import timings
from hadax import qmc

Kind: TypeAlias = Literal["lattice", "net"]
Kernel: TypeAlias = qmc.ShiftInvariantKernel | qmc.DigitalKernel
Points: TypeAlias = qmc.Lattice | qmc.DigitalNet

DIMENSIONS = 3
NOISE = 1e-4
"""Variance of what is added to the values."""
TESTED = 256
"""Points at which the means are compared."""
AGREEMENT = 1e-8
"""The largest difference of the means, over the largest mean."""
GAIN_FROM = 256
"""Points from which on the fast program is to be the faster one."""
_FEWER = ((2.0, 1), (0.3, 3))  # rounds of calls of so many seconds


@dataclass(frozen=True)
class Config:
    """How many points, and how thoroughly programs are timed."""

    seed: int = 0
    """Seed of every random key."""
    kinds: tuple[Kind, ...] = ("lattice", "net")
    """Where values are known."""
    bits: tuple[int, ...] = tuple(range(6, 21, 2))
    """Binary logarithms of the numbers of points."""
    dense_bits: int = 12
    """That of the largest number for which there is a dense matrix."""
    rounds: int = 11
    """Timings of each program; 3 where a call takes longer than 0.3 seconds, 1 beyond 2 seconds."""
    milliseconds: float = 4.0
    """Length of a timing, at least: it averages so many calls."""

    def __post_init__(self) -> None:
        check_settings(self, bits=(2, 24), dense_bits=(2, 14), rounds=1)
        if unknown := set(self.kinds) - {"lattice", "net"}:
            raise ValueError(f"--kinds must be of lattice, net, but has {', '.join(unknown)}")
        if not 0 < self.milliseconds <= 10_000:
            raise ValueError(f"--milliseconds must be in (0, 10000], but is {self.milliseconds}")


@dataclass(frozen=True)
class Trial:
    """One number of points of one kind."""

    kind: Kind
    n: int
    has_dense: bool
    rounds: int
    milliseconds: float


def trials(config: Config) -> Iterator[Trial]:
    """List the fits, small ones first."""
    for bits in config.bits:
        for kind in config.kinds:
            has_dense = bits <= config.dense_bits
            yield Trial(kind, 1 << bits, has_dense, config.rounds, config.milliseconds)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Time both programs, and compare what they predict."""
    with jax.enable_x64(True):
        return _run(trial, *jax.random.split(key, 3))


def _run(
    trial: Trial, key_points: jax.Array, key_noise: jax.Array, key_tested: jax.Array
) -> dict[str, Any]:
    """The same, where numbers are float64."""
    points = _points(trial, key_points)
    function = integrand("gaussian", DIMENSIONS).function
    y = function(points(trial.n)) + NOISE**0.5 * jax.random.normal(key_noise, (trial.n,))
    logs = {"scale": jnp.zeros(()), "weights": jnp.full(DIMENSIONS, -1.0)}
    losses = [_fast_loss, _dense_loss] if trial.has_dense else [_fast_loss]
    solutions = [_fast_solution, _dense_solution] if trial.has_dense else [_fast_solution]
    compiled = [_compiled(jax.value_and_grad(loss), logs, points, y) for loss in losses]
    solved = [_compiled(solution, logs, points, y) for solution in solutions]
    effort = {"rounds": trial.rounds, "milliseconds": trial.milliseconds}
    steps, solves = (timings(each, **effort, fewer=_FEWER) for each in (compiled, solved))
    found: dict[str, Any] = {"fast_step": steps[0], "fast_solve": solves[0]}
    if not trial.has_dense:
        return found | dict.fromkeys(("dense_step", "dense_solve", "difference", "loss_difference"))
    tested = jax.random.uniform(key_tested, (TESTED, DIMENSIONS))
    fast = qmc.condition(_kernel(logs, points), points, y, noise=NOISE).mean(tested)
    dense = _dense_mean(logs, points, y, solved[1](), tested)
    fast_loss, dense_loss = (program()[0] for program in compiled)
    return found | {
        "dense_step": steps[1],
        "dense_solve": solves[1],
        "difference": float(jnp.max(jnp.abs(fast - dense)) / jnp.max(jnp.abs(dense))),
        "loss_difference": float(jnp.abs(fast_loss - dense_loss) / jnp.abs(dense_loss)),
    }


def _points(trial: Trial, key: jax.Array) -> Points:
    """Points with random shifts."""
    if trial.kind == "lattice":
        return qmc.random_shift(key, qmc.lattice(qmc.cbc(DIMENSIONS, trial.n)))
    key_scramble, key_shift = jax.random.split(key)
    return qmc.digital_shift(key_shift, qmc.linear_scramble(key_scramble, qmc.sobol(DIMENSIONS)))


def _kernel(logs: dict[str, jax.Array], points: Points) -> Kernel:
    """The kernel of logarithms of its scale and weights."""
    is_lattice = isinstance(points, qmc.Lattice)
    make = qmc.shift_invariant_kernel if is_lattice else qmc.digital_kernel
    return make(DIMENSIONS, scale=jnp.exp(logs["scale"]), weights=jnp.exp(logs["weights"]))


def _compiled(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """A program on its arguments."""
    return functools.partial(jax.jit(function), *arguments)


def _fast_loss(logs: dict[str, jax.Array], points: Points, y: jax.Array) -> jax.Array:
    return qmc.regression_loss(_kernel(logs, points), points, y, noise=NOISE)


def _fast_solution(logs: dict[str, jax.Array], points: Points, y: jax.Array) -> jax.Array:
    return qmc.condition(_kernel(logs, points), points, y, noise=NOISE).coefficients


def _dense_loss(logs: dict[str, jax.Array], points: Points, y: jax.Array) -> jax.Array:
    root = _root(logs, points, len(y))
    gaps = y - jnp.mean(y)
    whitened = jax.scipy.linalg.solve_triangular(root, gaps, lower=True)
    logdet = 2 * jnp.sum(jnp.log(jnp.diagonal(root)))
    return (whitened @ whitened + logdet + len(y) * jnp.log(2 * jnp.pi)) / 2


def _dense_solution(logs: dict[str, jax.Array], points: Points, y: jax.Array) -> jax.Array:
    return jax.scipy.linalg.cho_solve((_root(logs, points, len(y)), True), y - jnp.mean(y))


def _root(logs: dict[str, jax.Array], points: Points, n: int) -> jax.Array:
    """The Cholesky factor of the kernel's matrix with the noise on its diagonal."""
    words = points.words(n)
    matrix = _kernel(logs, points)(words[:, None], words[None])
    return jnp.linalg.cholesky(matrix + NOISE * jnp.eye(n))


def _dense_mean(
    logs: dict[str, jax.Array],
    points: Points,
    y: jax.Array,
    coefficients: jax.Array,
    x: jax.Array,
) -> jax.Array:
    """The posterior mean at points x (q, d), in one product."""
    kernel = _kernel(logs, points)
    if isinstance(points, qmc.Lattice):
        rows = kernel(x[:, None], points(len(y))[None])
    else:
        # Both have 64 bits, of which a float64 holds 53.
        words = (x * 2.0**53).astype(jnp.uint64) << 11
        rows = kernel(words[:, None], points.words(len(y))[None])
    return jnp.mean(y) + rows @ coefficients


def checks(rows: Sequence[Row]) -> list[Check]:
    """Both say the same, and the fast one is faster from some number of points on."""
    both = [row for row in rows if row["has_dense"]]
    found = []
    for name, what in (("difference", "posterior means"), ("loss_difference", "likelihoods")):
        if both:
            largest = max(row[name] for row in both)
            found.append(
                Check(
                    f"{what}, fast against dense, {len(both)} fits (largest relative difference)",
                    "measured",
                    largest,
                    "at most",
                    AGREEMENT,
                )
            )
    for row in both:
        if row["n"] >= GAIN_FROM:
            found += [_gain(row, what) for what in ("step", "solve")]
    return found


def _gain(row: Row, what: str) -> Check:
    """How much longer the dense program takes."""
    band = _speed_checks.ratio(row[f"dense_{what}"], row[f"fast_{what}"])
    ends = (band.low, band.high) if band.low < band.high else (None, None)
    statement = f"{what} on a {row['kind']}, n = {row['n']}: dense / fast"
    return Check(statement, "measured", band.value, "at least", 1.0, *ends)


EXPERIMENT = Experiment(
    name="qmc_regression",
    question="How much faster is a Gaussian process by fast transforms than by dense matrices?",
    presets={
        "smoke": Preset(
            Config(kinds=("net",), bits=(5, 6), dense_bits=5, rounds=2, milliseconds=0.1),
            minutes=0.1,
        ),
        "quick": Preset(
            Config(bits=(6, 8, 10, 14), dense_bits=10, rounds=5, milliseconds=2.0), minutes=0.7
        ),
        "paper": Preset(Config(), minutes=6),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
