"""Boosted trees of scikit-learn as functions of which features are known, and their exact spectra.

A bit says whether a feature of one instance is known; one that is not has the value it has on
average. A tree then depends on the few features at which its paths part, and its Walsh spectrum
follows from its nodes, without a call of the model.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

# name: data set, its model, and how many of its features are used (the first ones)
_MODELS: dict[str, tuple[Callable[..., Any], Any, int]] = {
    "diabetes": (load_diabetes, GradientBoostingRegressor, 10),
    "breast_cancer_12": (load_breast_cancer, GradientBoostingClassifier, 12),
    "breast_cancer": (load_breast_cancer, GradientBoostingClassifier, 30),
}
NAMES = tuple(_MODELS)

# Coefficients that cancel leave round-off, which is none of the spectrum.
_ROUND_OFF = 1e-12


@dataclass(frozen=True, eq=False)
class Explained:
    """A model at one instance, whose features may be replaced by their averages."""

    model: Any
    instance: np.ndarray
    average: np.ndarray
    features: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many features there are."""
        return len(self.features)

    def __call__(self, known: np.ndarray) -> np.ndarray:
        """What the model says: the target, or the log-odds of a class."""
        x = np.where(known.astype(bool), self.instance, self.average)
        decide = getattr(self.model, "decision_function", self.model.predict)
        return np.asarray(decide(x), float)

    def spectrum(self) -> dict[int, float]:
        """The coefficients F of $f(x) = \\sum_k F_k (-1)^{<k, x>}$ by index, bit i a feature."""
        found: dict[int, float] = {}
        for tree in self.model.estimators_[:, 0]:
            for k, value in _of_node(self, tree.tree_, 0, {}).items():
                found[k] = found.get(k, 0.0) + self.model.learning_rate * value
        everything = sum(value * (-1) ** k.bit_count() for k, value in found.items())
        found[0] = found.get(0, 0.0) + float(self(np.ones((1, self.n)))[0]) - everything
        least = _ROUND_OFF * max(map(abs, found.values()))
        return {k: value for k, value in found.items() if abs(value) > least}


@functools.cache
def _fitted(name: str, trees: int, depth: int) -> tuple[Any, np.ndarray, tuple[str, ...]]:
    """A model, the data it was fitted to, and the names of its features."""
    load, kind, count = _MODELS[name]
    data = load()
    x = data.data[:, :count]
    model = kind(n_estimators=trees, max_depth=depth, random_state=0).fit(x, data.target)
    return model, x, tuple(map(str, data.feature_names[:count]))


def explained(name: str, trees: int, depth: int, instance: int) -> Explained:
    """The model of a data set, at one of its instances."""
    model, x, features = _fitted(name, trees, depth)
    return Explained(model, x[instance], x.mean(axis=0), features)


def _of_node(case: Explained, tree: Any, node: int, known: dict[int, bool]) -> dict[int, float]:
    """The spectrum of what is below a node, where some features are decided."""
    if tree.children_left[node] < 0:
        return {0: float(tree.value[node, 0, 0])}
    feature = int(tree.feature[node])

    def side(x: np.ndarray) -> int:
        # scikit-learn compares in single precision.
        is_left = np.float32(x[feature]) <= tree.threshold[node]
        return int((tree.children_left if is_left else tree.children_right)[node])

    with_it, without = side(case.instance), side(case.average)
    if feature in known or with_it == without:
        child = with_it if known.get(feature, True) else without
        return _of_node(case, tree, child, known)
    found: dict[int, float] = {}
    for child, is_known in ((without, False), (with_it, True)):
        below = _of_node(case, tree, child, {**known, feature: is_known})
        for k, value in below.items():
            # (1 + s) / 2 where the feature is not known, (1 - s) / 2 where it is, s its character.
            found[k] = found.get(k, 0.0) + value / 2
            other = k ^ 1 << feature
            found[other] = found.get(other, 0.0) + (-value if is_known else value) / 2
    return found
