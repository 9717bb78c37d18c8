"""Rates of success: counts with exact binomial bands, and comparison with other counts."""

from typing import Any

from scipy import stats

CONFIDENCE = 0.999


def band(hits: int, repeats: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The Clopper-Pearson band of a rate."""
    interval = stats.binomtest(hits, repeats).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)


def p_value(hits: int, repeats: int, other_rate: float, other_repeats: int) -> float:
    """Fisher's exact test that a rate is the same as another measured one."""
    return _fisher(hits, repeats, other_rate, other_repeats, "two-sided")


def p_below(hits: int, repeats: int, other_rate: float, other_repeats: int) -> float:
    """Fisher's exact test that a rate is at least another measured one."""
    return _fisher(hits, repeats, other_rate, other_repeats, "less")


def _fisher(
    hits: int, repeats: int, other_rate: float, other_repeats: int, alternative: str
) -> float:
    """The p-value of hits and misses of both."""
    other = round(other_rate * other_repeats)
    table = [[hits, repeats - hits], [other, other_repeats - other]]
    result: Any = stats.fisher_exact(table, alternative=alternative)
    return float(result.pvalue)
