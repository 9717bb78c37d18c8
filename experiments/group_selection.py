"""How often the right group is chosen from a library, by BIC and by estimated risk.

A trial draws covariances that one of the groups leaves as they are, with white noise added, and L
Gaussian vectors of each; a hit is the true group at the head of `groups.select`. The library holds
nine structures on 16 points, all in their natural order. Rates have exact binomial bands at 99.9 %.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from experiments import _rates, _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._covariances import gaussian_vectors, generator, random_covariance
from experiments._settings import check_settings
from experiments.group_residuals import STRUCTURES
from hadax import groups

LIBRARY = ("trivial", "reversal", "D16", "Z2^4", "W4", "S4 wr S4", "D4 x D4", "S16", "DCT-II")
TRUTHS = LIBRARY[1:]
LEAST = {name: 0.8 if name == "S4 wr S4" else 0.9 for name in TRUTHS}
"""What the specification asks of BIC at 20 dB and 64 vectors."""
SMALLEST_P = 1e-4  # of about 100 tests
RISKED = 256  # vectors, above which the risk is not estimated: it takes n^2 numbers a vector


@dataclass(frozen=True)
class Config:
    """Which groups, how much data, how often."""

    seed: int = 0
    """Seed of every random key."""
    truths: tuple[str, ...] = TRUTHS
    """Groups to find."""
    snr_db: tuple[int, ...] = (20, 0, -5)
    """Levels of the signal over white noise, in dB."""
    snapshots: tuple[int, ...] = (4, 16, 64, 256, 1024)
    """Numbers of vectors."""
    repeats: int = 200
    """Covariances of a row."""

    def __post_init__(self) -> None:
        check_settings(self, snapshots=2, repeats=1)
        if not set(self.truths) <= set(TRUTHS):
            raise ValueError(f"--truths must be of {', '.join(TRUTHS)}, but is {self.truths}")


@dataclass(frozen=True)
class Trial:
    """Hits for one true group and amount of data."""

    truth: str
    snr_db: int
    snapshots: int
    repeats: int


def trials(config: Config) -> Iterator[Trial]:
    """List a row for each group, level and number of vectors."""
    for snr_db in config.snr_db:
        for snapshots in config.snapshots:
            for truth in config.truths:
                yield Trial(truth, snr_db, snapshots, config.repeats)


def run(trial: Trial, key: jax.Array) -> dict[str, int | float | None]:
    """Draw covariances and vectors, and count the hits."""
    rng = generator(key)
    truth = STRUCTURES[trial.truth]
    covariances = (random_covariance(truth, rng, snr_db=trial.snr_db) for _ in range(trial.repeats))
    x = np.stack([gaussian_vectors(R, trial.snapshots, rng) for R in covariances])
    library = [STRUCTURES[name] for name in LIBRARY]
    by_bic = sum(groups.select(vectors, library)[0].group == truth for vectors in x)
    found = {"bic": by_bic, **_banded("bic", by_bic, trial.repeats)}
    if trial.snapshots > RISKED:
        return {**found, "risk": None, "risk_low": None, "risk_high": None}
    risks = np.stack([_risks(structure, x) for structure in library])
    by_risk = int(np.sum(risks.argmin(axis=0) == LIBRARY.index(trial.truth)))
    return {**found, "risk": by_risk, **_banded("risk", by_risk, trial.repeats)}


def _banded(name: str, hits: int, repeats: int) -> dict[str, float]:
    """The band of a rate as two columns."""
    low, high = _rates.band(hits, repeats)
    return {f"{name}_low": low, f"{name}_high": high}


def _risks(structure: groups.PermutationGroup | groups.FoldedAlgebra, x: np.ndarray) -> np.ndarray:
    """The estimated risk (repeats,) of one structure, a few covariances at a time."""
    chunk = max(1, (1 << 20) // (x.shape[1] * x.shape[2] ** 2))
    x = x.astype(np.float32)
    parts = [_risk(structure, x[i : i + chunk]) for i in range(0, len(x), chunk)]
    return np.concatenate(jax.device_get(parts))


@functools.partial(jax.jit, static_argnums=0)
def _risk(structure: groups.PermutationGroup | groups.FoldedAlgebra, x: jax.Array) -> jax.Array:
    """The estimated risk for each set of vectors."""
    return jax.vmap(functools.partial(groups.estimated_risk, structure))(x)


def checks(rows: Sequence[Row]) -> list[Check]:
    """Rates at 20 dB and 64 vectors, and those of the reference table."""
    found = [_rate_check(row) for row in rows if (row["snr_db"], row["snapshots"]) == (20, 64)]
    table = _references.load("group_selection")
    for place, name in enumerate(("bic", "risk")):
        values = [
            _rates.p_value(row[name], row["repeats"], rates[row["truth"]][place], table["repeats"])
            for row in rows
            if row[name] is not None
            and (rates := table["rates"].get(str(row["snr_db"]), {}).get(str(row["snapshots"])))
        ]
        if values:
            statement = f"hit rates by {name}: {len(values)} of the reference (least p-value)"
            found.append(Check(statement, "reference", min(values), "at least", SMALLEST_P))
    return found


def _rate_check(row: Row) -> Check:
    """The rate that the specification asks of BIC."""
    return Check(
        f"{row['truth']}: hit rate by BIC, 64 vectors at 20 dB",
        "measured",
        row["bic"] / row["repeats"],
        "at least",
        LEAST[row["truth"]],
        low=row["bic_low"],
        high=row["bic_high"],
    )


EXPERIMENT = Experiment(
    name="group_selection",
    question="How many vectors does it take to choose the right group from a library?",
    presets={
        "smoke": Preset(
            Config(truths=("D16", "DCT-II"), snr_db=(20,), snapshots=(64,), repeats=4), minutes=0.1
        ),
        "quick": Preset(Config(snr_db=(20,), snapshots=(4, 16, 64), repeats=40), minutes=0.4),
        "paper": Preset(Config(repeats=400), minutes=5),
    },
    trials=trials,
    run=run,
    checks=checks,
)
