"""Rates of success: counts with exact binomial bands, and comparison with other counts."""

from scipy import stats

CONFIDENCE = 0.999


def band(hits: int, repeats: int) -> tuple[float, float]:
    """The Clopper-Pearson band of a rate, at the level CONFIDENCE."""
    interval = stats.binomtest(hits, repeats).proportion_ci(CONFIDENCE, method="exact")
    return float(interval.low), float(interval.high)


def p_value(hits: int, repeats: int, other_rate: float, other_repeats: int) -> float:
    """Fisher's exact test that a rate is the same as another measured one."""
    _, p = stats.fisher_exact(_table(hits, repeats, other_rate, other_repeats))
    return float(p)


def p_below(hits: int, repeats: int, other_rate: float, other_repeats: int) -> float:
    """Fisher's exact test that a rate is at least another measured one."""
    table = _table(hits, repeats, other_rate, other_repeats)
    _, p = stats.fisher_exact(table, alternative="less")
    return float(p)


def _table(hits: int, repeats: int, other_rate: float, other_repeats: int) -> list[list[int]]:
    """Hits and misses of both."""
    other = round(other_rate * other_repeats)
    return [[hits, repeats - hits], [other, other_repeats - other]]
