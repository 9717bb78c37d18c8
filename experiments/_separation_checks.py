"""What the experiment `separation` checks."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import stats

from experiments import _references
from experiments._contract import Check, Relation, Row, Source
from hadax import discrepancy

CONFIDENCE = 0.99
ERRORS = 4
LIMITS = {
    "direction": {"e1": float(stats.norm.cdf(1)) - 0.5, "two": 0.25},
    "overlap": {"two": 0.25},
    "largest_distance": {"two": 0.25},
}
"""Limits of what does not vanish."""


def radius(row: Row, column: str) -> float:
    """How far a column's true value may be from the measured one."""
    if column in ("coordinate", "direction", "overlap"):
        return row["radius"]
    if column == "largest_distance":
        return row["largest_radius"]
    return ERRORS * row[f"{column}_se"]


def checks(rows: Sequence[Row]) -> list[Check]:
    """Compare with exact laws, with what must not vanish, and with the reference table."""
    table = [row for row in rows if row["kind"] == "table"]
    failures = sorted(
        (row for row in rows if row["kind"] == "failure"), key=lambda row: (row["input"], row["d"])
    )
    return [
        *_exact_checks(rows),
        *_uniform_checks(table),
        *_failure_checks(failures),
        *_repair_checks(table),
        *_reference_checks(table),
    ]


def _exact_checks(rows: Sequence[Row]) -> Iterator[Check]:
    """Simulated distances are those of the exact laws."""
    for column in ("coordinate", "direction"):
        pairs = [(row, row[f"exact_{column}"]) for row in rows]
        pairs = [(row, exact) for row, exact in pairs if exact is not None]
        if pairs:
            wider = 1 - (1 - CONFIDENCE) / len(pairs)
            yield Check(
                f"d_K of a {column}: simulated = exact in {len(pairs)} rows (largest difference / "
                "DKW radius)",
                "measured",
                max(
                    abs(row[column] - exact)
                    / discrepancy.dkw_radius(row["samples"], confidence=wider)
                    for row, exact in pairs
                ),
                "at most",
                1.0,
            )


def _uniform_checks(table: Sequence[Row]) -> Iterator[Check]:
    """The 1-bit error of a uniform vector has a closed form."""
    for row in table:
        if row["blocks"] == 0:
            exact = (1 - 1 / row["d"]) * (1 - 2 / math.pi)
            statement = "1-bit error, uniform: (1 - 1/d)(1 - 2/pi)"
            yield _check(row, "one_bit", "equals", exact, statement, "measured")


def _failure_checks(failures: Sequence[Row]) -> Iterator[Check]:
    """What two blocks leave wrong, at every dimension."""
    for row in failures:
        name, d = row["input"], row["d"]
        if name in ("e1", "two"):
            limit = LIMITS["direction"][name]
            yield Check(
                f"d_K({name}, 2 blocks, d={d}) in the direction of a row of H: its limit",
                "ours, proved",
                row["exact_direction"],
                "equals",
                limit,
                tolerance=1 / d if name == "e1" else 1e-9,
            )
        if name == "two":
            yield Check(
                f"pairs of coordinates (two, 2 blocks, d={d}): some are copies",
                "ours, proved",
                row["pairs"],
                "equals",
                1.0,
                tolerance=1e-5,
            )
            yield _check(
                row,
                "overlap",
                "at least",
                0.2,
                f"d_K of the overlap (two, 2 blocks, d={d}) is at least 1/4: above 0.2",
                "ours, proved",
            )
            yield _check(
                row,
                "largest_distance",
                "at least",
                0.2,
                f"d_K of the largest coordinate (two, 2 blocks, d={d}) does not vanish: above 0.2",
                "measured",
            )


def _repair_checks(table: Sequence[Row]) -> Iterator[Check]:
    """Three blocks repair the overlap."""
    for row in table:
        if row["blocks"] == 3:
            statement = f"d_K of the overlap ({row['input']}, 3 blocks)"
            yield _check(row, "overlap", "at most", 0.03, statement, "measured")


def _check(
    row: Row, column: str, relation: Relation, reference: float, statement: str, source: Source
) -> Check:
    """Return a check of one measured column with its band."""
    return Check(
        statement,
        source,
        row[column],
        relation,
        reference,
        low=row[column] - radius(row, column),
        high=row[column] + radius(row, column),
    )


def _reference_checks(table: Sequence[Row]) -> Iterator[Check]:
    """The reference table, within the bands of both sides and the digits printed."""
    reference = _references.load("separation")
    columns = ("coordinate", "quenched", "direction", "overlap", "largest", "one_bit")
    cells = [
        (row, column, printed, reference["draws"][column])
        for row in table
        if row["d"] == reference["d"] and 1 <= row["blocks"] <= 3 and row["input"] in reference
        for column, printed in zip(columns, reference[row["input"]][row["blocks"] - 1], strict=True)
        if printed is not None
    ]
    cells += [
        (row, "largest_distance", printed, reference["draws"]["largest"])
        for row in table
        if row["d"] == reference["d"]
        for printed in [reference["largest_distance"].get(row["input"], {}).get(str(row["blocks"]))]
        if printed is not None
    ]
    for means in (False, True):
        part = [cell for cell in cells if (cell[1] in ("quenched", "largest", "one_bit")) == means]
        if part:
            off = [_ratio(*cell, comparisons=len(part)) for cell in part]
            worst = part[int(np.argmax(off))]
            yield Check(
                f"reference table, {len(part)} {'means' if means else 'distances'} (largest "
                f"difference / {'4 standard errors' if means else 'bands'} of both: {worst[1]}, "
                f"{worst[0]['input']}, {worst[0]['blocks']} blocks)",
                "reference",
                max(off),
                "at most",
                1.0,
            )


def _ratio(row: Row, column: str, printed: str, draws: int, *, comparisons: int) -> float:
    """How far a value is from the printed one beyond its rounding, over what both may be off."""
    rounding = 0.5 * 10.0 ** -len(printed.partition(".")[2]) * (1 + 1e-6)
    gap = max(0.0, abs(row[column] - float(printed)) - rounding)
    if gap == 0:
        return 0.0
    if f"{column}_se" in row:
        own = row["quenched_samples"] if column == "quenched" else row["samples"]
        allowed = ERRORS * row[f"{column}_se"] * math.sqrt(1 + own / draws)
    else:
        wider = 1 - (1 - CONFIDENCE) / (2 * comparisons)
        allowed = sum(discrepancy.dkw_radius(n, confidence=wider) for n in (row["samples"], draws))
        allowed *= 2 if column == "largest_distance" else 1
    return gap / allowed if allowed else math.inf
