"""Real functions of many bits, recovered from some of their values.

* Boosted trees (scikit-learn, on data that it ships) at one instance: f(x) is what the model says
  where only the features in x are known, the others being replaced by their averages. The model is
  called, as by someone who has no more than that; what is found is compared with the exact spectrum
  of its trees (`_boosted.py`), and, where 2^n values can be had, with Shapley values and
  interactions of all of them.
* Zachary's karate club, a graph of 34 members: f(x) is how many pairs of friends a division of the
  club separates, with or without Gaussian noise. Its edges are the pairs with a Moebius coefficient
  of -2.

Nobody knows the number of coefficients beforehand: it is doubled from `START` on until a transform
says that it explains all values it asked for. Values are counted as often as they are asked for: up
to 12 bits, which are there to compare with all values, that may be more than there are. In float64.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import hadax
from experiments import _boosted, _references
from experiments._contract import Check, Experiment, Preset, Row
from experiments._settings import check_settings
from hadax import sparse

GRAPH = "karate_club"
START = 64
"""Coefficients that there may be, at first."""
ATTEMPTS = 4
EXACT = 1e-9
"""The largest difference from what is known exactly, in units of the largest coefficient."""
FEW = 0.01
"""Share of all values that is few, of a function of 30 bits or more."""
DENSE_BITS = 12
"""Bits up to which all values are asked for, to compare with."""
SHOWN = 100
"""Coefficients that a row holds, the largest."""


@dataclass(frozen=True)
class Config:
    """Which models, and how much noise."""

    seed: int = 0
    """Seed of every random key."""
    models: tuple[str, ...] = _boosted.NAMES
    """Data sets, each with a model."""
    trees: int = 200
    """Trees of a model."""
    depth: int = 4
    """Depth of a tree, at most."""
    instances: int = 5
    """How many instances of each data set are explained, the first ones."""
    noises: tuple[float, ...] = (0.0, 1.0)
    """Standard deviations of the noise of a value of a cut."""
    repeats: int = 5
    """How many times each cut function is recovered, with other keys."""

    def __post_init__(self) -> None:
        check_settings(self, trees=(1, 1000), depth=(1, 6), instances=(1, 400), repeats=1)
        if unknown := set(self.models) - set(_boosted.NAMES):
            raise ValueError(
                f"--models must be of {', '.join(_boosted.NAMES)}, but has {', '.join(unknown)}"
            )
        if not all(0 <= noise <= 100 for noise in self.noises):
            raise ValueError(f"--noises must be between 0 and 100, but is {self.noises}")


@dataclass(frozen=True)
class Trial:
    """One function: a model at an instance, or a cut at a level of noise; zeros for the other."""

    name: str
    number: int
    trees: int = 0
    depth: int = 0
    noise: float = 0.0


def trials(config: Config) -> Iterator[Trial]:
    """List the functions."""
    for name in config.models:
        for instance in range(config.instances):
            yield Trial(name, instance, config.trees, config.depth)
    for noise in config.noises:
        for repeat in range(config.repeats):
            yield Trial(GRAPH, repeat, noise=noise)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Recover one function, and compare it with what is known of it."""
    with jax.enable_x64(True):
        return _cut(trial, key) if trial.name == GRAPH else _model(trial, key)


def _model(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """What is found of a model at one instance."""
    model = _boosted.explained(trial.name, trial.trees, trial.depth, trial.number)
    exact = model.spectrum()
    found, asked = _doubled(model, model.n, key, on_host=True)
    known = found.to_dict()
    largest = sorted(exact, key=lambda k: -abs(exact[k]))[:SHOWN]
    shapley = np.asarray(sparse.shapley_values(found))
    result = {
        **_summary(found, asked, exact, known),
        "largest_exact": [exact[k] for k in largest],
        "largest_found": [known.get(k, 0.0) for k in largest],
        "features": list(model.features),
        "shapley": shapley.tolist(),
    }
    if model.n > DENSE_BITS:
        return result | dict.fromkeys(("dense_shapley", "shapley_error", "interaction_error"))
    bits = np.arange(1 << model.n)[:, None] >> np.arange(model.n) & 1
    values = model(bits)
    dense = _shapley_by_definition(values)
    scale = max(map(abs, exact.values()))
    return result | {
        "dense_shapley": dense.tolist(),
        "shapley_error": float(np.abs(shapley - dense).max()) / scale,
        "interaction_error": _interaction_error(found, values) / scale,
    }


def _cut(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """What is found of the cuts of the graph."""
    graph = _references.load(GRAPH)
    n = graph["members"]
    edges = np.array(graph["edges"]) - 1
    key_noise, key_found = jax.random.split(key)

    def cut(x: jax.Array) -> jax.Array:
        apart = jnp.sum(x[:, edges[:, 0]] != x[:, edges[:, 1]], axis=1)
        # Every batch of points has a noise of its own.
        words = sparse.pack_bits(x)
        seed = jax.random.fold_in(jax.random.fold_in(key_noise, words[0, 0]), words[-1, 0])
        return apart.astype(float) + trial.noise * jax.random.normal(seed, apart.shape)

    exact = {1 << int(i) | 1 << int(j): -0.5 for i, j in edges} | {0: len(edges) / 2}
    options: dict[str, Any] = {"decoder": "nso"} if trial.noise else {}
    found, asked = _doubled(cut, n, key_found, **options)
    pairs = sparse.interactions(found, "moebius", order=2)
    joined = sorted(pair for pair, value in pairs.items() if len(pair) == 2 and value < -1)
    right = {(int(i), int(j)) for i, j in edges}
    return {
        **_summary(found, asked, exact, found.to_dict()),
        "edges": [[i + 1, j + 1] for i, j in joined],
        "missing_edges": len(right - set(joined)),
        "wrong_edges": len(set(joined) - right),
    }


def _doubled(
    f: Callable[..., Any], n: int, key: jax.Array, **options: Any
) -> tuple[sparse.SparseSpectrum, int]:
    """The first spectrum that explains its values, and how many values it took to get there."""
    asked = 0
    for attempt in range(ATTEMPTS):
        key_attempt = jax.random.fold_in(key, attempt)
        found = sparse.sparse_fwht(f, n, START << attempt, key_attempt, **options)
        asked += found.samples
        if found.success:
            break
    return found, asked


def _summary(
    found: sparse.SparseSpectrum, asked: int, exact: dict[int, float], known: dict[int, float]
) -> dict[str, Any]:
    """How a spectrum compares with the exact one; errors in units of the largest coefficient."""
    error = max(abs(known.get(k, 0.0) - exact.get(k, 0.0)) for k in known.keys() | exact.keys())
    return {
        "n": found.n,
        "coefficients": len(exact),
        "degree": max(k.bit_count() for k in exact),
        "asked": asked,
        "share": asked / 2**found.n,
        "success": bool(found.success),
        "missing": len(exact.keys() - known.keys()),
        "wrong": len(known.keys() - exact.keys()),
        "error": error / max(map(abs, exact.values())),
    }


def _shapley_by_definition(values: np.ndarray) -> np.ndarray:
    """Shapley values from all 2^n values: sums over all sets of other players."""
    n = len(values).bit_length() - 1
    sets = np.arange(len(values))
    sizes = np.bitwise_count(sets)
    weights = np.array([1 / (n * math.comb(n - 1, s)) for s in range(n)])
    found = []
    for i in range(n):
        without = sets[sets >> i & 1 == 0]
        found.append(np.sum(weights[sizes[without]] * (values[without | 1 << i] - values[without])))
    return np.array(found)


def _interaction_error(found: sparse.SparseSpectrum, values: np.ndarray) -> float:
    """The largest difference of Shapley interactions of one and two players from those of all
    values."""
    n = len(values).bit_length() - 1
    moebius = np.asarray(hadax.moebius(jnp.asarray(values)))
    known = sparse.interactions(found, "sii", order=2)
    sets = np.arange(len(values))
    worst = 0.0
    for players in (*((i,) for i in range(n)), *itertools.combinations(range(n), 2)):
        own = sum(1 << i for i in players)
        above = sets[sets & own == own]
        right = np.sum(moebius[above] / (np.bitwise_count(above) - len(players) + 1.0))
        worst = max(worst, abs(known[players] - float(right)))
    return worst


def checks(rows: Sequence[Row]) -> list[Check]:
    """What is found is what there is."""
    found = []
    for name in dict.fromkeys(row["name"] for row in rows):
        for noise in dict.fromkeys(row["noise"] for row in rows if row["name"] == name):
            chosen = [row for row in rows if (row["name"], row["noise"]) == (name, noise)]
            found += _checks_of_graph(chosen) if name == GRAPH else _checks_of_model(chosen)
    return found


def _checks_of_model(rows: Sequence[Row]) -> list[Check]:
    """Those of a model, over all instances."""
    what = f"{rows[0]['name']}, n = {rows[0]['n']}, {len(rows)} instances"
    found = [
        _at_most(f"{what}: coefficients missed or wrong", rows, _faults, 0.0),
        _at_most(f"{what}: error of a coefficient / the largest", rows, "error", EXACT),
    ]
    if rows[0]["n"] <= DENSE_BITS:
        errors = {"shapley_error": "Shapley value", "interaction_error": "Shapley interaction"}
        found += [
            _at_most(f"{what}: error of a {each} / the largest coefficient", rows, field, EXACT)
            for field, each in errors.items()
        ]
    else:
        found.append(_at_most(f"{what}: share of the values asked for", rows, "share", FEW))
    return found


def _checks_of_graph(rows: Sequence[Row]) -> list[Check]:
    """Those of the graph at one level of noise, over all keys."""
    what = f"cuts of {rows[0]['n']} members, noise {rows[0]['noise']:g}, {len(rows)} keys"
    faults = _at_most(
        f"{what}: edges missed or wrong",
        rows,
        lambda row: row["missing_edges"] + row["wrong_edges"],
        0.0,
    )
    return [faults, _at_most(f"{what}: share of the values asked for", rows, "share", FEW)]


def _faults(row: Row) -> float:
    """How many coefficients are missing, or there without reason."""
    return row["missing"] + row["wrong"]


def _at_most(
    statement: str, rows: Sequence[Row], value: str | Callable[[Row], float], most: float
) -> Check:
    """The largest value of the rows is no larger."""
    worst = max(row[value] if isinstance(value, str) else value(row) for row in rows)
    return Check(f"{statement} (largest)", "measured", float(worst), "at most", most)


EXPERIMENT = Experiment(
    name="sparse_functions",
    question="Are boosted trees and the edges of a graph recovered from few of their values?",
    presets={
        "smoke": Preset(
            Config(models=("diabetes",), trees=5, depth=2, instances=1, noises=(0.0,), repeats=1),
            minutes=0.1,
        ),
        "quick": Preset(Config(trees=100, depth=3, instances=1, repeats=1), minutes=0.5),
        "paper": Preset(Config(), minutes=4),
    },
    trials=trials,
    run=run,
    checks=checks,
)
