"""What the rows of `quantize_sources` say about activations, GPTQ and the search of clips."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from experiments import _references
from experiments._contract import Check, Row
from experiments._methods import BY_GPTQ
from experiments._quantize_checks import has_references, reach_of_one, share_closed

_CONFIDENCE = 0.99


def checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Yield every statement that the rows are about."""
    (plain,) = (row for row in rows if row["method"] == "none")
    if plain["model"] == "tiny":  # random weights have nothing to lose
        return
    yield from _parts(rows, plain)
    yield from _scatter(rows)
    if has_references(plain):
        yield from _agreement(rows)


def searches(rows: Sequence[Row], setting: str) -> list[Row]:
    """Return the searches at a setting."""
    return [row for row in rows if (row["measure"], row["setting"]) == ("search", setting)]


def _parts(rows: Sequence[Row], plain: Row) -> Iterator[Check]:
    """Activations lose most; of what kernels add to it, GPTQ closes at least half."""
    by = {(row["method"], row["setting"]): row for row in rows if row["measure"] == "parts"}
    for nearest, better in BY_GPTQ.items():
        for activations in ("A4", "A4KV4"):
            wanted = ((nearest, "W4"), (nearest, "W16"), (better, "W4"))
            names = [(method, weights + activations) for method, weights in wanted]
            if any(name not in by for name in names):
                continue
            both, alone, mended = (np.array(by[name]["losses"]) for name in names)
            if nearest == "rtn":
                kept, low, high = share_closed(both - plain["losses"], both - alone)
                yield Check(
                    f"share of rtn's loss at W4{activations} that rounded activations lose alone, "
                    "with kernels as they are",
                    "measured", kept, "at least", 0.5, low=low, high=high,
                )  # fmt: skip
            share, low, high = share_closed(both - alone, mended - alone)
            yield Check(
                f"share that GPTQ closes of what rounded kernels add to rounded activations at "
                f"W4{activations}, {better}",
                "measured", share, "at least", 0.5, low=low, high=high,
            )  # fmt: skip


def _scatter(rows: Sequence[Row]) -> Iterator[Check]:
    """With one scale an output, equally good searches differ by more than 3 %."""
    for setting in ("W4A16", "W3A16"):
        logs = np.log([row["perplexity"] for row in searches(rows, setting)])
        if len(logs) < 2:
            continue
        # The band of a standard deviation, if these were Gaussian.
        freedom = len(logs) - 1
        ends = stats.chi2.ppf([(1 + _CONFIDENCE) / 2, (1 - _CONFIDENCE) / 2], freedom)
        spread = float(np.std(logs, ddof=1))
        low, high = spread * np.sqrt(freedom / ends)
        yield Check(
            f"standard deviation of log-perplexity at {setting} over {len(logs)} searches of clips",
            "measured", spread, "at least", 0.03, low=float(low), high=float(high),
        )  # fmt: skip


def _agreement(rows: Sequence[Row]) -> Iterator[Check]:
    """With one scale an output, what another program found is within the scatter of searches."""
    reference = _references.load("quantize")["rtn"]
    for setting in ("W4A16", "W3A16"):
        logs = np.log([row["perplexity"] for row in searches(rows, setting)])
        if len(logs) < 3:
            continue
        yield Check(
            f"log-perplexity of rtn at {setting}: mean of {len(logs)} searches of clips, against "
            "one of another program",
            "reference", float(logs.mean()), "equals", float(np.log(reference[setting])),
            tolerance=reach_of_one(logs),
        )  # fmt: skip
