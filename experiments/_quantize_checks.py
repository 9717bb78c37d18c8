"""What the rows of `quantize` say about references, papers and the unquantized model."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from experiments import _references
from experiments._contract import Check, Relation, Row
from experiments._methods import BY_GPTQ

_CONFIDENCE = 0.99
_INVARIANT = 2e-3


def checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Yield every statement that the rows are about."""
    yield from _invariance(rows)
    if rows[0]["model"] == "tiny":  # random weights have nothing to lose
        return
    (plain,) = (row for row in rows if row["method"] == "none")
    if has_references(plain):
        yield from _agreement(rows)
    yield from _rotation(rows)
    yield from _gptq(rows)
    yield from _learning(rows)


def has_references(row: Row) -> bool:
    """Return whether a row is of the model and text that another program was run on."""
    seen = (row["model"], row["text"], row["time"], row["windows"])
    return seen == ("smollm2", "lee", 512, 8)


def reach_of_one(logs: Sequence[float] | np.ndarray) -> float:
    """Return how far from the mean of logarithms one more of them is less than once in a thousand
    times, if they were Gaussian."""
    return 3.29 * float(np.std(logs, ddof=1)) * float(np.sqrt(1 + 1 / len(logs)))


def perplexities(rows: Sequence[Row], method: str, setting: str) -> list[float]:
    """Return the perplexity of every draw of a method at a setting."""
    return [row["perplexity"] for row in _of(rows, method, setting)]


def log_ratio(one: Row, other: Row) -> tuple[float, float, float]:
    """Return log(perplexity / other perplexity) with its band over windows, which are paired."""
    gaps = np.subtract(one["losses"], other["losses"])
    mean = float(np.mean(gaps))
    if len(gaps) < 2:
        return mean, -np.inf, np.inf
    spread = stats.t.ppf((1 + _CONFIDENCE) / 2, len(gaps) - 1) * stats.sem(gaps)
    return mean, mean - spread, mean + spread


def _of(rows: Sequence[Row], method: str, setting: str) -> list[Row]:
    """The rows of a method at a setting, a draw each."""
    return [
        row
        for row in rows
        if (row["measure"], row["method"], row["setting"]) == ("perplexity", method, setting)
    ]


def _pairs(rows: Sequence[Row], one: str, other: str, setting: str) -> Iterator[tuple[Row, Row]]:
    """The rows of two methods at a setting that have the same key; none where one is not there."""
    first = {row["draw"]: row for row in _of(rows, one, setting)}
    for row in _of(rows, other, setting):
        if row["draw"] in first:
            yield first[row["draw"]], row


def _invariance(rows: Sequence[Row]) -> Iterator[Check]:
    """With nothing rounded every method leaves the logits."""
    for row in rows:
        if row["measure"] == "invariance":
            yield Check(
                f"largest difference of logits by {row['method']} with nothing rounded",
                "ours, proved",
                row["logit_difference"],
                "at most",
                _INVARIANT,
            )


def _agreement(rows: Sequence[Row]) -> Iterator[Check]:
    """Rounding to nearest is as another program found it."""
    reference = _references.load("quantize")
    (plain,) = _of(rows, "none", "W16A16")
    value = reference["unquantized"]
    yield Check(
        "perplexity, not quantized", "reference", plain["perplexity"], "equals", value,
        tolerance=0.01 * value,
    )  # fmt: skip
    for setting, value in reference["rtn"].items():
        for found in perplexities(rows, "rtn", setting):
            yield Check(
                f"perplexity of rtn at {setting}",
                "reference",
                found,
                "equals",
                value,
                tolerance=0.03 * value,
            )


def _rotation(rows: Sequence[Row]) -> Iterator[Check]:
    """Rotation turns the collapse of rounded activations into a working model."""
    for setting in ("W4A4", "W4A4KV4"):
        for plain in _of(rows, "rtn", setting):
            for row in _of(rows, "quarot rtn", setting):
                yield _below(
                    f"log-perplexity of quarot rtn at {setting} over a tenth of rtn's",
                    row,
                    plain,
                    -float(np.log(10)),
                )


def _gptq(rows: Sequence[Row]) -> Iterator[Check]:
    """GPTQ closes at least half of what rounding to nearest loses, in log-perplexity."""
    (plain,) = _of(rows, "none", "W16A16")
    for nearest, better in BY_GPTQ.items():
        settings = {row["setting"] for row in rows if row["method"] == better}
        for setting in sorted(settings - {"W16A16"}):
            for one, other in _pairs(rows, nearest, better, setting):
                lost = np.subtract(one["losses"], plain["losses"])
                left = np.subtract(other["losses"], plain["losses"])
                share, low, high = share_closed(lost, left)
                yield Check(
                    f"share of rtn's loss that GPTQ closes at {setting}, {better}",
                    "measured",
                    share,
                    "at least",
                    0.5,
                    low=low,
                    high=high,
                )


def share_closed(lost: np.ndarray, left: np.ndarray) -> tuple[float, float, float]:
    """Return the share of a loss that is not left, means over windows, with the band of leaving
    one out at a time."""
    share, count = 1 - left.mean() / lost.mean(), len(lost)
    if count < 2:
        return share, -np.inf, np.inf
    without = 1 - (left.sum() - left) / (lost.sum() - lost)
    error = np.sqrt((count - 1) * np.mean((without - without.mean()) ** 2))
    reach = stats.t.ppf((1 + _CONFIDENCE) / 2, count - 1) * error
    return float(share), float(share - reach), float(share + reach)


def _learning(rows: Sequence[Row]) -> Iterator[Check]:
    """What is learned improves on what is random, and is said where it does not."""
    for better, worse in (
        ("spinquant rtn", "quarot rtn"),
        ("spinquant", "quarot"),
        ("flatquant", "quarot rtn"),
    ):
        for setting in ("W4A4", "W4A4KV4"):
            for other, row in _pairs(rows, worse, better, setting):
                yield _below(
                    f"log-perplexity of {better} over {worse} at {setting}, one key, over windows",
                    row,
                    other,
                    0.0,
                )


def _below(statement: str, row: Row, other: Row, bound: float) -> Check:
    """That one model predicts better than another by so much."""
    ratio, low, high = log_ratio(row, other)
    relation: Relation = "at most"
    return Check(statement, "measured", ratio, relation, bound, low=low, high=high)
