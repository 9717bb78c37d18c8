"""Which combinations of 15 shifts and 15 flips of bits commute with a covariance at 16 points?

The generalized eigenvalues lambda = |[A, R]|^2 / |A|^2 of `groups.double_commutator`, for one
random covariance of norm 1 of each group: of the covariance itself, and of sample covariances of L
Gaussian vectors. Noise lifts the values that are zero; by how much in the mean is known exactly
(the floor), so the sum over the true null space is compared to it. How many values are below four
times the floor, as a user would estimate it, is measured.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._covariances import (
    GROUPS,
    N,
    generator,
    sample_covariance,
    unit_covariance,
)
from experiments._settings import check_settings
from hadax import groups

POINTS = np.arange(N)
DICTIONARY = np.concatenate(
    [(POINTS + np.arange(1, N)[:, None]) % N, POINTS ^ np.arange(1, N)[:, None]]
)
SPAN = 26
"""Dimensions of the span of the dictionary without traces, as the reference has it."""
FACTOR = 4.0
"""Eigenvalues below so many floors count as zero."""
ROUND_OFF = 1e-12
KERNELS = {
    "null": "combinations of the dictionary that commute",
    "dimension": "dimensions that the dictionary spans without traces",
    "commuting": "matrices that commute",
    "rotations": "infinitesimal rotations that commute",
}
"""Dimensions of the covariance itself, with what they count."""
UNITS = np.eye(N * N).reshape(N * N, N, N)
SKEW = np.stack([UNITS[i * N + j] - UNITS[j * N + i] for i in range(N) for j in range(i)])


@dataclass(frozen=True)
class Config:
    """Which groups, how many vectors."""

    seed: int = 0
    """Seed of the vectors."""
    groups: tuple[str, ...] = tuple(GROUPS)
    """Whose covariances."""
    snapshots: tuple[int, ...] = (0, 64, 1024)
    """Numbers of vectors; 0 stands for the covariance itself."""
    draws: int = 400
    """Sample covariances of a row."""
    covariance: int = 1
    """Seed of the covariances, which are the same for all numbers of vectors."""

    def __post_init__(self) -> None:
        check_settings(self, snapshots=0, draws=2, covariance=0)
        if not set(self.groups) <= set(GROUPS):
            raise ValueError(f"--groups must be of {', '.join(GROUPS)}, but is {self.groups}")


@dataclass(frozen=True)
class Trial:
    """One group's covariance, seen through so many vectors."""

    group: str
    snapshots: int
    draws: int
    covariance: int


def trials(config: Config) -> Iterator[Trial]:
    """List every group with every number of vectors."""
    for group in config.groups:
        for snapshots in config.snapshots:
            yield Trial(group, snapshots, config.draws if snapshots else 1, config.covariance)


def run(trial: Trial, key: jax.Array) -> dict[str, float]:
    """Compute the spectrum, or simulate it."""
    R = unit_covariance(GROUPS[trial.group], np.random.default_rng(trial.covariance))
    with jax.enable_x64(True):
        exact = groups.double_commutator(R, DICTIONARY, snapshots=max(1, trial.snapshots))
        null = int(exact.nullity(ROUND_OFF))
        if trial.snapshots:
            rng = generator(key)
            sampled = [sample_covariance(R, trial.snapshots, rng) for _ in range(trial.draws)]
            return {"null": null, **_noisy(np.stack(sampled), exact, null, trial.snapshots)}
        return {
            "null": null,
            "dimension": int(exact.dimension),
            # All matrices, with the identity that the problem takes out, and all rotations.
            "commuting": 1 + int(groups.double_commutator(R, UNITS).nullity(ROUND_OFF)),
            "rotations": int(groups.double_commutator(R, SKEW).nullity(ROUND_OFF)),
            **_columns("value", np.asarray(exact.eigenvalues)[:SPAN]),
        }


def _noisy(
    sampled: NDArray[np.float64], exact: groups.CommutatorSpectrum, null: int, snapshots: int
) -> dict[str, float]:
    """What is seen of sample covariances (draws, n, n)."""
    found = _spectra(jnp.asarray(sampled), snapshots)
    values = np.asarray(found.eigenvalues)[:, :SPAN]
    below = (values <= FACTOR * np.asarray(found.floor)[:, :SPAN]).sum(axis=1)
    # The true null space in the estimates: the mean of what is left of it is the floor.
    members = np.eye(N)[DICTIONARY].transpose(0, 2, 1)
    combined = np.einsum("kj,kab->jab", np.asarray(exact.coefficients)[:, :null], members)
    lifts = np.array([np.square(combined @ R - R @ combined).sum() / null for R in sampled])
    return {
        "floor": float(np.asarray(exact.floor)[:null].mean()),
        "lift": float(lifts.mean()),
        "lift_se": float(lifts.std(ddof=1) / math.sqrt(lifts.size)),
        "at_least": float((below >= null).mean()),
        "exactly": float((below == null).mean()),
        **_columns("value", values.mean(axis=0)),
        **_columns("low", np.quantile(values, 0.05, axis=0)),
        **_columns("high", np.quantile(values, 0.95, axis=0)),
    }


@functools.partial(jax.jit, static_argnums=1)
def _spectra(sampled: jax.Array, snapshots: int) -> groups.CommutatorSpectrum:
    """The spectrum of each sample covariance."""
    problem = functools.partial(groups.double_commutator, snapshots=snapshots)
    return jax.vmap(lambda R: problem(R, DICTIONARY))(sampled)


def _columns(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """Each eigenvalue in a column."""
    return {f"{name}_{i + 1:02d}": float(value) for i, value in enumerate(values)}


def checks(rows: Sequence[Row]) -> list[Check]:
    """Null spaces are those of the reference, and noise lifts them as predicted."""
    return [*_reference_checks(rows), *_floor_checks(rows), *_count_checks(rows)]


def _reference_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Dimensions of kernels."""
    table = _references.load("double_commutator")
    for row in rows:
        if row["snapshots"] == 0:
            for column, what in KERNELS.items():
                yield Check(
                    f"{row['group']}: {what}",
                    "reference",
                    row[column],
                    "equals",
                    table[column][row["group"]],
                )


def _floor_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The lift of the null space is the floor: all rows together have 1 % false alarms."""
    noisy = [row for row in rows if row["snapshots"]]
    z = float(stats.norm.isf(0.01 / 2 / max(1, len(noisy))))
    for row in noisy:
        yield Check(
            f"{row['group']}, L = {row['snapshots']}: mean lift of the null space over its floor",
            "ours, proved",
            row["lift"] / row["floor"],
            "equals",
            1.0,
            low=(row["lift"] - z * row["lift_se"]) / row["floor"],
            high=(row["lift"] + z * row["lift_se"]) / row["floor"],
        )


def _count_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The null space is seen below a few floors; the 26 of S16 have nothing above them."""
    for row in rows:
        if row["snapshots"]:
            yield Check(
                f"{row['group']}, L = {row['snapshots']}: share of estimates with at least as many "
                f"values below {FACTOR:g} floors as are zero",
                "measured",
                row["at_least"],
                "at least",
                0.95,
            )


EXPERIMENT = Experiment(
    name="double_commutator",
    question="Which combinations of given permutations commute with a covariance, through noise?",
    presets={
        "smoke": Preset(
            Config(groups=("D16",), snapshots=(0, 1024), draws=20),
            minutes=0.1,
        ),
        "quick": Preset(Config(draws=100), minutes=0.4),
        "paper": Preset(Config(), minutes=1),
    },
    trials=trials,
    run=run,
    checks=checks,
)
