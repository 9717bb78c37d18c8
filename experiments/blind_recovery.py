"""How often `groups.discover` finds a group under an unknown order of the points.

A trial draws covariances that a group on 16 points leaves as they are, shuffles the points, adds
white noise and draws L Gaussian vectors. A hit is a "match" with a group that leaves the same
matrices as the true one: the right family among some twenty, and the right order. "likelier"
counts misses of the search for the true family whose order is at least as likely as the true one:
these no estimate could tell. The other misses are those of the search, or of the choice of a
family. Where `snr_db` is null the covariance is known and without noise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from experiments import _rates, _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._covariances import (
    gaussian_vectors,
    generator,
    leave_the_same,
    random_covariance,
)
from experiments._settings import check_settings
from experiments.group_residuals import STRUCTURES
from hadax import groups

TRUTHS = ("D16", "Z2^4", "W4")
ASKED = (20, 512)
SMALLEST_P = 1e-3  # of some twenty tests
KNOWN = 10**6  # what a known covariance counts for, in vectors


@dataclass(frozen=True)
class Config:
    """How much data, how often."""

    seed: int = 0
    """Seed of every random key."""
    truths: tuple[str, ...] = TRUTHS
    """Groups to find."""
    snr_db: tuple[int, ...] = (20, 5)
    """Levels of the signal over white noise, in dB."""
    snapshots: tuple[int, ...] = (32, 128, 512, 2048, 8192)
    """Numbers of vectors."""
    repeats: int = 60
    """Covariances of a row."""
    repeats_asked: int = 300
    """Covariances of a row with 512 vectors at 20 dB, which the specification asks for."""

    def __post_init__(self) -> None:
        check_settings(self, snapshots=2, repeats=1, repeats_asked=1)
        if not set(self.truths) <= set(TRUTHS):
            raise ValueError(f"--truths must be of {', '.join(TRUTHS)}, but is {self.truths}")


@dataclass(frozen=True)
class Trial:
    """Hits for one true group and amount of data; no level and no vectors: a known covariance."""

    truth: str
    snr_db: int | None
    snapshots: int
    repeats: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for each group, without noise and for each level and number of vectors."""
    for truth in config.truths:
        yield Trial(truth, None, 0, config.repeats)
        for snr_db in config.snr_db:
            for snapshots in config.snapshots:
                asked = (snr_db, snapshots) == ASKED
                repeats = config.repeats_asked if asked else config.repeats
                yield Trial(truth, snr_db, snapshots, repeats)


def run(trial: Trial, key: jax.Array) -> dict[str, int | float]:
    """Draw, discover, and count."""
    rng = generator(key)
    truth = STRUCTURES[trial.truth]
    assert isinstance(truth, groups.PermutationGroup)
    hits = family = likelier = 0
    for repeat in range(trial.repeats):
        shuffle = rng.permutation(truth.degree)
        hidden = groups.relabelled(truth, np.argsort(shuffle))
        R = random_covariance(truth, rng, snr_db=trial.snr_db)[np.ix_(shuffle, shuffle)]
        snapshots = trial.snapshots or KNOWN
        if trial.snapshots:
            x = gaussian_vectors(R, snapshots, rng)
            R = x.T @ x / snapshots
        found = groups.discover(R, snapshots=snapshots, seed=repeat)
        hits += found.verdict == "match" and _is(found.group, hidden)
        own = next(each for each in found.candidates if _is_relabelled(each.group, truth))
        right = _is(own.group, hidden)
        family += right
        margin = groups.bic(hidden, R, snapshots=snapshots) - groups.bic(
            own.group, R, snapshots=snapshots
        )
        likelier += not right and margin >= 0
    low, high = _rates.band(hits, trial.repeats)
    return {"hits": hits, "low": low, "high": high, "family": family, "likelier": likelier}


def _is(group: object, truth: groups.PermutationGroup) -> bool:
    """Whether a group is the true one, or leaves the same covariances as they are."""
    return isinstance(group, groups.PermutationGroup) and leave_the_same(group, truth)


def _is_relabelled(group: object, truth: groups.PermutationGroup) -> bool:
    """Whether a candidate is the true group in some order."""
    return getattr(group, "group", None) == truth


def checks(rows: Sequence[Row]) -> list[Check]:
    """Known covariances give their group; rates reach those of the starts alone."""
    table = _references.load("blind_recovery")
    found, p_values = [], []
    for row in rows:
        rates = table["rates"].get(str(row["snr_db"]), {}).get(str(row["snapshots"]), {})
        if row["snr_db"] is None:
            found.append(_rate_check(row, "a known covariance", 1.0))
        elif row["truth"] in rates:
            rate = rates[row["truth"]]
            p_values.append(_rates.p_below(row["hits"], row["repeats"], rate, table["repeats"]))
            if (row["snr_db"], row["snapshots"]) == ASKED:
                found.append(_rate_check(row, "512 vectors at 20 dB", rate))
    if p_values:
        statement = f"hit rates not below {len(p_values)} of the starts alone (least p-value)"
        found.append(Check(statement, "reference", min(p_values), "at least", SMALLEST_P))
    return found


def _rate_check(row: Row, where: str, least: float) -> Check:
    """A rate to reach. All hits are all one can have: only a rate below 1 has a band."""
    band = {"low": row["low"], "high": row["high"]} if least < 1 else {}
    statement = f"{row['truth']}: hit rate in {row['repeats']} trials, {where}"
    return Check(statement, "reference", row["hits"] / row["repeats"], "at least", least, **band)


EXPERIMENT = Experiment(
    name="blind_recovery",
    question="How many vectors does it take to find a group if the order of the points is unknown?",
    presets={
        "smoke": Preset(
            Config(truths=("Z2^4",), snr_db=(20,), snapshots=(512,), repeats=2, repeats_asked=2),
            minutes=0.1,
        ),
        "quick": Preset(
            Config(snr_db=(20,), snapshots=(128, 512), repeats=20, repeats_asked=20), minutes=0.8
        ),
        "paper": Preset(Config(), minutes=9),
    },
    trials=trials,
    run=run,
    checks=checks,
)
