"""How often is the group of a covariance found from snapshots, under a hidden numbering?

Each repeat draws an invariant covariance at 16 points, numbers its points at random, and draws L
Gaussian vectors. Two things are counted: the anchors k = 1 ... 15 for which the permutation that
sends point 0 to k and comes closest to commuting with the estimate is an automorphism of the truth;
and whether `groups.approximate_automorphisms` returns a group with the orbitals of the true one.
Where it does not, every generator may be right (too small) or not (wrong). All of it is measured:
no theorem says that the search succeeds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from experiments import _rates, _references
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

FALSE_ALARM = 0.01
"""Of all bands of a run together."""
CLOSE = 1e-9
"""Norm below which a commutator with the true covariance is round-off."""


@dataclass(frozen=True)
class Config:
    """Which groups, how many vectors, how often."""

    seed: int = 0
    """Seed of covariances, numberings and vectors."""
    groups: tuple[str, ...] = ("D16", "Z2^4", "W4")
    """Whose covariances."""
    snapshots: tuple[int, ...] = (0, 4096, 512)
    """Numbers of vectors; 0 stands for the covariance itself."""
    repeats: int = 16
    """Covariances of a row."""

    def __post_init__(self) -> None:
        check_settings(self, snapshots=0, repeats=1)
        if not set(self.groups) <= set(GROUPS):
            raise ValueError(f"--groups must be of {', '.join(GROUPS)}, but is {self.groups}")


@dataclass(frozen=True)
class Trial:
    """One group, seen through so many vectors, by its covariances or their logarithms."""

    group: str
    snapshots: int
    log: bool
    repeats: int


def trials(config: Config) -> Iterator[Trial]:
    """List every group with every number of vectors."""
    for group in config.groups:
        for snapshots in config.snapshots:
            for log in (False, True):
                yield Trial(group, snapshots, log, config.repeats)


def run(trial: Trial, key: jax.Array) -> dict[str, int]:
    """Count over the repeats."""
    rng = generator(key)
    each = [_repeat(trial, rng) for _ in range(trial.repeats)]
    return {name: int(sum(counts[name] for counts in each)) for name in each[0]}


def _repeat(trial: Trial, rng: np.random.Generator) -> dict[str, int]:
    """One covariance."""
    group = GROUPS[trial.group]
    hidden = rng.permutation(N)
    R = unit_covariance(group, rng)[np.ix_(hidden, hidden)]
    labels = groups.orbitals(group)[np.ix_(hidden, hidden)]
    estimate = sample_covariance(R, trial.snapshots, rng) if trial.snapshots else R
    seen = _logarithm(estimate) if trial.log else estimate
    found = [groups.anchored_automorphism(seen, {0: k}) for k in range(1, N)]
    right = [p for p in found if _commutes(p, R)]
    answer = groups.approximate_automorphisms(
        estimate, snapshots=trial.snapshots or None, log=trial.log
    )
    same = _same(groups.orbitals(answer), labels)
    return {
        "anchors": len(right),
        "six": len(right) >= 6,
        "six_generate": len(right) >= 6 and _same(groups.orbitals(groups.generated(right)), labels),
        "found": same,
        "too_small": not same and all(_commutes(p, R) for p in answer.generators),
    }


def _logarithm(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of a covariance."""
    values, vectors = np.linalg.eigh(R)
    return (vectors * np.log(values)) @ vectors.T


def _commutes(p: NDArray[np.int64], R: NDArray[np.float64]) -> bool:
    """Whether a permutation is an automorphism."""
    return bool(np.linalg.norm(R[np.ix_(p, p)] - R) < CLOSE)


def _same(left: NDArray[np.int64], right: NDArray[np.int64]) -> bool:
    """Whether two labellings are the same but for the names."""
    both = np.unique(left * right.size + right).size
    return bool(both == left.max() + 1 == right.max() + 1)


def checks(rows: Sequence[Row]) -> list[Check]:
    """Anchors against the reference, the group of every known covariance, and its rates."""
    return [*_anchor_checks(rows), *_rate_checks(rows)]


def _anchor_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """The reference is one random covariance a row, without logarithms: rows are taken together."""
    table = _references.load("automorphisms")["anchors"]
    known = [
        row
        for row in rows
        if not row["log"] and str(row["snapshots"]) in table.get(row["group"], {})
    ]
    if known:
        yield Check(
            f"anchors of 15 that lead to an automorphism, in the mean over {len(known)} rows "
            "of the reference table",
            "reference",
            float(np.mean([row["anchors"] / row["repeats"] for row in known])),
            "at least",
            float(np.mean([table[row["group"]][str(row["snapshots"])] for row in known])),
        )


def _rate_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Known covariances always; estimates more often than not, all rows together."""
    for log in (False, True):
        search = "in logarithms" if log else "in covariances"
        exact = _together([row for row in rows if row["log"] == log and not row["snapshots"]])
        if exact["repeats"]:
            yield Check(
                f"share of {exact['repeats']} known covariances whose group is found, {search}",
                "measured",
                exact["found"] / exact["repeats"],
                "equals",
                1.0,
            )
        noisy = _together([row for row in rows if row["log"] == log and row["snapshots"]])
        if noisy["repeats"]:
            low, high = _rates.band(
                noisy["found"], noisy["repeats"], confidence=1 - FALSE_ALARM / 2
            )
            yield Check(
                f"share of {noisy['repeats']} estimates in which the group is found, {search}",
                "measured",
                noisy["found"] / noisy["repeats"],
                "at least",
                0.5,
                low=low,
                high=high,
            )


def _together(rows: Sequence[Row]) -> dict[str, int]:
    """The counts of several rows."""
    return {name: sum(row[name] for row in rows) for name in ("found", "repeats")}


EXPERIMENT = Experiment(
    name="automorphisms",
    question="How often is the group of a covariance found from snapshots, numbered at random?",
    presets={
        "smoke": Preset(Config(groups=("D16",), snapshots=(0, 4096), repeats=1), minutes=0.1),
        "quick": Preset(Config(repeats=2), minutes=0.6),
        "paper": Preset(Config(), minutes=4),
    },
    trials=trials,
    run=run,
    checks=checks,
)
