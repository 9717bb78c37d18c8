"""What the rows of `quantize_encoder` say about rotations, methods and the unquantized encoder.

Bands hold all at once with probability 0.99 (Bonferroni), where means are Gaussian. They are over
sentences, which are paired; over keys as well where there are three or more, else the keys are
those that were drawn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from scipy import stats

from experiments._contract import Check, Row

_CONFIDENCE = 0.99
_INVARIANT = 2e-3
_FEWEST_KEYS = 3

Pair: TypeAlias = tuple[str, np.ndarray]
"""A statement, and by how much one cosine is above the other: (keys, sentences)."""


def checks(rows: Sequence[Row]) -> list[Check]:
    """Return every statement that the rows are about."""
    invariance = list(_invariance(rows))
    if rows[0]["model"] == "tiny":  # random weights have nothing to lose
        return invariance
    pairs = [*_rotation(rows), *_gptq(rows)]
    return [*invariance, *(_gain(*pair, family=len(pairs)) for pair in pairs)]


def cosines(rows: Sequence[Row], method: str, rotation: str, setting: str) -> np.ndarray:
    """Return the cosines (draws, sentences) of a method at a setting, in the order of draws."""
    found = [
        row
        for row in rows
        if (row["measure"], row["method"], row["rotation"], row["setting"])
        == ("agreement", method, rotation, setting)
    ]
    return np.array([row["cosines"] for row in sorted(found, key=lambda row: row["draw"])])


def _invariance(rows: Sequence[Row]) -> Iterator[Check]:
    """With nothing rounded every method leaves the embeddings."""
    for row in rows:
        if row["measure"] == "invariance":
            rotation = "" if row["rotation"] == "none" else f" ({row['rotation']})"
            yield Check(
                f"largest difference of embeddings by {row['method']}{rotation}, nothing rounded",
                "ours, proved",
                row["difference"],
                "at most",
                _INVARIANT,
            )


def _rotation(rows: Sequence[Row]) -> Iterator[Pair]:
    """Rotation improves rounding to nearest, of weights alone and with activations."""
    for setting in ("W4A16", "W4A4"):
        plain = cosines(rows, "rtn", "none", setting)
        for rotation in _rotations(rows):
            rotated = cosines(rows, "quarot rtn", rotation, setting)
            if len(plain) and len(rotated):
                keys = f"{len(rotated)} keys"
                yield (
                    f"mean cosine at {setting}, to nearest, {rotation} ({keys}), over no rotation",
                    rotated - plain,
                )


def _gptq(rows: Sequence[Row]) -> Iterator[Pair]:
    """GPTQ improves on rounding to nearest, rotated and not."""
    pairs = [("rtn", "gptq", "none")]
    pairs += [("quarot rtn", "quarot", rotation) for rotation in _rotations(rows)]
    for nearest, better, rotation in pairs:
        for setting in dict.fromkeys(row["setting"] for row in rows if row["method"] == better):
            one = cosines(rows, nearest, rotation, setting)
            other = cosines(rows, better, rotation, setting)
            shared = min(len(one), len(other))
            if shared:
                words = "no rotation" if rotation == "none" else f"{rotation} ({shared} keys)"
                yield (
                    f"mean cosine of GPTQ at {setting}, {words}, over rounding to nearest",
                    other[:shared] - one[:shared],
                )


def _rotations(rows: Sequence[Row]) -> list[str]:
    """The kinds of rotation there are."""
    return [kind for kind in dict.fromkeys(row["rotation"] for row in rows) if kind != "none"]


def _gain(statement: str, gaps: np.ndarray, *, family: int) -> Check:
    """That gaps (keys, sentences) are positive on average.

    The variance of a mean over rows and columns is at most the sum of those of both margins.
    """
    mean = float(gaps.mean())
    check = Check(statement, "measured", mean, "at least", 0.0)
    margins = [gaps.mean(axis=0)]
    if len(gaps) >= _FEWEST_KEYS:
        margins.append(gaps.mean(axis=1))
    error = np.sqrt(sum(stats.sem(margin) ** 2 for margin in margins))
    freedom = min(len(margin) for margin in margins) - 1
    reach = float(stats.t.ppf(1 - (1 - _CONFIDENCE) / (2 * family), freedom) * error)
    return replace(check, low=mean - reach, high=mean + reach)
