"""What averaging a sample covariance over a group gains: simulated risks against the exact formula.

Gaussian vectors of covariance R are drawn, L at a time; the squared Frobenius error of their sample
covariance is measured as it is ("plain") and averaged over the group, and both means are compared
with `hadax.groups.averaged_risk`, which is exact for any R.

R is "invariant", one random member of what the group leaves as it is, scaled to trace n: then both
risks fall as 1/L, and their quotient, the gain, does not depend on L. Or it is "AR(1)" with
correlation 0.9, which is exactly invariant under the reversal only: averaging over more has a bias
that does not fall, so that it wins for few vectors and loses for many.

Means come with standard errors over repetitions. What is checked of several rows together has a
false-alarm rate of 1 % in all (Bonferroni, normal means).
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from experiments._contract import Check, Experiment, Preset, Row
from experiments._covariances import random_covariance
from experiments._sampling import sample
from experiments._settings import check_settings
from experiments._signals import ar1
from hadax import groups

Covariance: TypeAlias = Literal["invariant", "AR(1)"]

RHO = 0.9
FALSE_ALARMS = 0.01
_D4 = groups.dihedral(4)
GROUPS: dict[str, groups.PermutationGroup] = {
    "reversal": groups.reflection(16),
    "D16": groups.dihedral(16),
    "Z2^4": groups.elementary_abelian(4),
    "W4": groups.iterated_wreath(4),
    "D4 x D4": groups.direct_product(_D4, _D4),
    "S16": groups.symmetric(16),
    "2 x C4": groups.copies(groups.cyclic(4), 2),
}
"""Those of the reference: 16 points, and two copies of 4."""
_SPREAD = 1.2  # standard deviation of the logarithms of eigenvalues, in their own units


@dataclass(frozen=True)
class Config:
    """Which groups, how many vectors, how often."""

    seed: int = 0
    """Seed of the invariant covariances and of every draw."""
    groups: tuple[str, ...] = tuple(GROUPS)
    """What is averaged over."""
    ar1_groups: tuple[str, ...] = ("reversal", "D16", "W4", "S16")
    """What AR(1) is averaged over; groups of 16 points."""
    snapshots: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
    """Numbers L of vectors."""
    repeats: int = 4_000
    """Samples of L vectors a row."""

    def __post_init__(self) -> None:
        check_settings(self, snapshots=1, repeats=2)
        for option, names in (("--groups", self.groups), ("--ar1-groups", self.ar1_groups)):
            if not set(names) <= set(GROUPS):
                raise ValueError(f"{option} must be of {', '.join(GROUPS)}, but is {names}")


@dataclass(frozen=True)
class Trial:
    """One group, one covariance, one number of vectors."""

    group: str
    covariance: Covariance
    snapshots: int
    repeats: int
    covariance_seed: int


def trials(config: Config) -> Iterator[Trial]:
    """List every group with its invariant covariance, then AR(1)."""
    cases: tuple[tuple[Covariance, tuple[str, ...]], ...] = (
        ("invariant", config.groups),
        ("AR(1)", config.ar1_groups),
    )
    for covariance, names in cases:
        for name in names:
            for L in config.snapshots:
                yield Trial(name, covariance, L, config.repeats, config.seed)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Simulate both risks, and compute them."""
    group = GROUPS[trial.group]
    R = _covariance(trial.group, trial.covariance, trial.covariance_seed)
    root = jnp.asarray(np.linalg.cholesky(R), "float32")
    measure = functools.partial(_errors, group, trial.snapshots, root, jnp.asarray(R, "float32"))
    errors = sample(measure, key, trial.repeats, size=trial.snapshots * group.degree)
    plain, averaged = errors.astype(np.float64).T
    with jax.enable_x64(True):
        exact_plain, exact = (
            float(groups.averaged_risk(each, jnp.asarray(R), snapshots=trial.snapshots))
            for each in (groups.trivial(group.degree), group)
        )
        bias = float(np.square(R - np.asarray(groups.reynolds(group, R))).sum())
    return {
        **_mean("plain", plain),
        **_mean("averaged", averaged),
        **_mean("saved", plain - averaged),
        "exact_plain": exact_plain,
        "exact": exact,
        "bias": bias,
    }


@functools.partial(jax.jit, static_argnums=(0, 1))
def _errors(
    group: groups.PermutationGroup, snapshots: int, root: jax.Array, R: jax.Array, keys: jax.Array
) -> jax.Array:
    """Squared errors (keys, 2) of sample covariances, as they are and averaged."""

    def one(key: jax.Array) -> jax.Array:
        x = jax.random.normal(key, (snapshots, group.degree), "float32") @ root.T
        plain = x.T @ x / snapshots
        both = jnp.stack([plain, groups.reynolds(group, plain)])
        return jnp.sum(jnp.square(both - R[None]), axis=(1, 2))

    return jax.vmap(one)(keys)


def _covariance(name: str, kind: Covariance, seed: int) -> NDArray[np.float64]:
    """AR(1), or a random invariant covariance of trace n: the same for all rows of a group."""
    group = GROUPS[name]
    if kind == "AR(1)":
        return ar1(group.degree, RHO)
    return random_covariance(group, np.random.default_rng(seed), spread=_SPREAD)


def _mean(name: str, draws: NDArray[np.float64]) -> dict[str, float]:
    """A mean and its standard error, as columns."""
    error = float(draws.std(ddof=1) / np.sqrt(draws.size))
    return {name: float(draws.mean()), f"{name}_error": error}


def exact_risk(row: Row, snapshots: NDArray) -> NDArray[np.float64]:
    """The averaged covariance's risk for other numbers of vectors: bias, and variance over L."""
    return row["bias"] + (row["exact"] - row["bias"]) * row["snapshots"] / snapshots


def crossover(row: Row) -> float:
    """The number of vectors at which averaging stops to win; infinite without bias."""
    saved = (row["exact_plain"] - row["exact"] + row["bias"]) * row["snapshots"]
    return saved / row["bias"] if row["bias"] > 1e-12 * row["exact"] else np.inf


def checks(rows: Sequence[Row]) -> list[Check]:
    """The formula, and who wins on AR(1)."""
    return [*_formula_checks(rows), *_winner_checks(rows)]


def errors_allowed(statements: int) -> float:
    """How many standard errors so many statements may be off, all together."""
    return NormalDist().inv_cdf(1 - FALSE_ALARMS / (2 * statements))


def _formula_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Simulated risks are those of the formula."""
    kinds = (("invariant", "averaged", "exact"), ("AR(1)", "averaged", "exact"))
    for kind, measured, exact in (*kinds, ("invariant", "plain", "exact_plain")):
        off = [
            abs(row[measured] - row[exact]) / row[f"{measured}_error"]
            for row in rows
            if row["covariance"] == kind
        ]
        if off:
            yield Check(
                f"{measured} risk, {kind} covariances: simulated = formula in {len(off)} rows "
                "(largest difference in standard errors)",
                "measured",
                max(off),
                "at most",
                errors_allowed(len(off)),
            )


def _winner_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """AR(1): averaging wins below the crossover and loses above, by both a factor of 2 away."""
    found = [
        row
        for row in rows
        if row["covariance"] == "AR(1)" and not 0.5 < row["snapshots"] / crossover(row) < 2
    ]
    allowed = errors_allowed(max(1, len(found)))
    for row in found:
        L, limit = row["snapshots"], crossover(row)
        claim: dict[str, Any] = {"relation": "at least" if limit > L else "at most"}
        verb = "wins" if limit > L else "loses"
        radius = allowed * row["saved_error"]
        yield Check(
            f"AR(1), {row['group']}, L={L}: averaging {verb} (plain less averaged squared error)",
            "measured",
            row["saved"],
            reference=0.0,
            low=row["saved"] - radius,
            high=row["saved"] + radius,
            **claim,
        )


EXPERIMENT = Experiment(
    name="covariance_risk",
    question="What does averaging a sample covariance over a group gain, and when does it lose?",
    presets={
        "smoke": Preset(
            Config(
                groups=("D16", "2 x C4"), ar1_groups=("D16",), snapshots=(4, 256), repeats=1_000
            ),
            minutes=0.1,
        ),
        "quick": Preset(Config(snapshots=(4, 32, 256), repeats=1_000), minutes=0.4),
        "paper": Preset(Config(), minutes=2),
    },
    trials=trials,
    run=run,
    checks=checks,
)
