"""The search for the worst input of the two-block rotation in small dimensions.

Three kinds of rows:

* "support": the exact two-block distance (`discrepancy.kolmogorov_exact`) of every 0-1 vector, up
  to affine maps of the indices: exhaustive;
* "objective": `discrepancy.cf_discrepancy`, a smooth distance between characteristic functions, of
  equal entries on subspaces;
* "ascent": where gradient ascents of the objective on the sphere end, from perturbed indicators of
  subspaces and from random starts. Float32, and no proof that there are no other maxima.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from experiments import _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._inputs import Input, integer_vector
from experiments._settings import check_settings
from hadax import discrepancy

Kind: TypeAlias = Literal["support", "objective", "ascent"]

LIBRARY: tuple[Input, ...] = ("e1", "two", "plane4", "flat8", "flat16")
"""Equal entries on subspaces."""
CLASSES = {4: 4, 8: 9, 16: 31}
"""Boolean functions of so many arguments up to affine maps, without the zero function."""
PLANE_LIMIT = 1.5 / math.sqrt(2 * math.pi)
"""Of sqrt(d) times the distance for a plane of four: the largest that is known."""
_NEAR = 0.02  # of an entry


@dataclass(frozen=True)
class Config:
    """How large, how often."""

    seed: int = 0
    """Seed of every random key."""
    support_d: tuple[int, ...] = (4, 8, 16)
    """Dimensions of the exhaustive search."""
    ascent_d: tuple[int, ...] = (8, 16)
    """Dimensions of the ascent."""
    starts: int = 40
    """Starts of each ascent."""
    steps: int = 120
    """Steps from each start."""

    def __post_init__(self) -> None:
        check_settings(self, starts=1, steps=1)
        for option, dimensions in (("support", self.support_d), ("ascent", self.ascent_d)):
            if not set(dimensions) <= CLASSES.keys():
                raise ValueError(f"--{option}-d must be of {tuple(CLASSES)}, but is {dimensions}")


@dataclass(frozen=True)
class Trial:
    """One support, one objective, or the ascents of one dimension."""

    kind: Kind
    d: int
    index: int
    """Of the support's class, by increasing weight, or of the library's vector."""
    starts: int
    steps: int


def trials(config: Config) -> Iterator[Trial]:
    """List every class of supports, the library's objectives, and the ascents."""
    for d in config.support_d:
        for index in range(CLASSES[d]):
            yield Trial("support", d, index, 0, 0)
    for d in config.ascent_d:
        for index in range(len(library(d))):
            yield Trial("objective", d, index, 0, 0)
        yield Trial("ascent", d, 0, config.starts, config.steps)


def run(trial: Trial, key: jax.Array) -> Mapping[str, Any]:
    """Compute one row."""
    if trial.kind == "support":
        x = discrepancy.affine_classes(trial.d)[trial.index]
        names = [n for n in library(trial.d) if np.array_equal(x, integer_vector(n, trial.d))]
        return {
            "input": "".join(names),
            "weight": int(x.sum()),
            "distance": discrepancy.kolmogorov_exact(x),
        }
    if trial.kind == "objective":
        name = library(trial.d)[trial.index]
        x = jnp.asarray(integer_vector(name, trial.d), "float32")
        return {"input": name, "objective": float(discrepancy.cf_discrepancy(x))}
    found = discrepancy.search_worst(key, trial.d, starts=trial.starts, steps=trial.steps)
    ends = [_name(x) for x in np.asarray(found.vectors)]
    return {
        "input": ends[0],
        "objective": float(found.objective[0]),
        **{f"at_{name}": ends.count(name) for name in (*LIBRARY, "")},
    }


def library(d: int) -> tuple[Input, ...]:
    """Return the subspaces that there are in this dimension."""
    return LIBRARY[: d.bit_length()]


def _name(x: np.ndarray) -> str:
    """The library's vector with these entries up to their order and signs, or nothing."""
    sizes = np.sort(np.abs(x))
    for name in library(x.size):
        unit = np.sort(integer_vector(name, x.size).astype(np.float64))
        if np.max(np.abs(sizes - unit / np.linalg.norm(unit))) < _NEAR:
            return name
    return ""


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare the winners with bounds, with what is known to be worst, and with references."""
    supports = [row for row in rows if row["kind"] == "support"]
    return [
        *_support_checks(supports),
        *_ascent_checks(rows),
        *_reference_checks(supports, [row for row in rows if row["kind"] == "objective"]),
    ]


def _support_checks(supports: Sequence[Row]) -> Iterator[Check]:
    """The exhaustive search: all classes, none above the bound, a plane of four the worst."""
    for d in sorted({row["d"] for row in supports}):
        own = sorted((r for r in supports if r["d"] == d), key=lambda row: -row["distance"])
        yield Check(
            f"largest d_K of {len(own)} classes of 0-1 vectors, d={d}: the bound for every x",
            "ours, proved",
            own[0]["distance"],
            "at most",
            discrepancy.kolmogorov_bound(d),
        )
        yield Check(
            f"sqrt(d) d_K of {len(own)} classes of 0-1 vectors, d={d}: the limit of a plane of 4",
            "measured",
            math.sqrt(d) * own[0]["distance"],
            "at most",
            PLANE_LIMIT,
        )
        plane = [row["distance"] for row in own if row["input"] == "plane4"]
        if d > 4:
            yield Check(
                f"d_K(plane4, d={d}): the largest of all 0-1 vectors",
                "measured",
                plane[0],
                "equals",
                own[0]["distance"],
            )


def _ascent_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """No ascent ends above the best of the library."""
    for row in rows:
        if row["kind"] == "ascent":
            known = {
                r["input"]: r["objective"]
                for r in rows
                if r["kind"] == "objective" and r["d"] == row["d"]
            }
            best = max(known, key=lambda name: known[name])
            yield Check(
                f"best objective of {row['starts']} ascents, d={row['d']}: that of {best}",
                "measured",
                row["objective"],
                "equals",
                known[best],
                tolerance=1e-3 * known[best],
            )


def _reference_checks(supports: Sequence[Row], objectives: Sequence[Row]) -> Iterator[Check]:
    """The reference values, to the digits printed."""
    table = _references.load("worst_case")
    for d in sorted({row["d"] for row in supports}):
        own = np.array([row["distance"] for row in supports if row["d"] == d])
        if str(d) in table["supports"]:
            gaps = [np.min(np.abs(own - value)) for value in table["supports"][str(d)]]
            yield Check(
                f"d_K of 0-1 vectors, d={d}: {len(gaps)} reference values are found (largest gap)",
                "reference",
                float(max(gaps)),
                "at most",
                10.0 ** -table["digits"][str(d)],
            )
            yield Check(
                f"classes of 0-1 vectors, d={d}",
                "reference",
                len(own),
                "equals",
                table["classes"][str(d)],
            )
    for row in objectives:
        printed = table["objective"].get(str(row["d"]), {}).get(row["input"])
        if printed is not None:
            yield Check(
                f"objective of {row['input']}, d={row['d']}, over the step of the frequencies",
                "reference",
                row["objective"] / table["step"][str(row["d"])],
                "equals",
                printed,
                tolerance=1e-4,
            )


EXPERIMENT = Experiment(
    name="worst_case",
    question="Which input is worst for a coordinate after two blocks, in small dimensions?",
    presets={
        "smoke": Preset(Config(support_d=(4, 8), ascent_d=(4,), starts=4, steps=20), minutes=0.1),
        "quick": Preset(Config(ascent_d=(8,), starts=16, steps=80), minutes=0.3),
        "paper": Preset(Config(), minutes=3),
    },
    trials=trials,
    run=run,
    checks=checks,
)
