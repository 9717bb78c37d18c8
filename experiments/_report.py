"""Tables of checks: for the terminal, as Markdown, as rows of a CSV file."""

from collections.abc import Sequence

from experiments._contract import Check

COLUMNS = ("statement", "source", "measured", "band", "reference", "holds")


def cells(check: Check) -> tuple[str, ...]:
    """Return one check as text, in the order of COLUMNS."""
    band = check.missing
    if check.low is not None and check.high is not None:
        band = "exact" if check.low == check.high else f"[{check.low:.5g}, {check.high:.5g}]"
    sign = {"at most": "<=", "at least": ">=", "equals": "="}[check.relation]
    reference = f"{sign} {check.reference:.6g}"
    if check.tolerance:
        reference += f" +- {check.tolerance:.2g}"
    return (
        check.statement,
        check.source,
        "nothing" if check.missing else f"{check.measured:.6g}",
        band,
        reference,
        check.holds,
    )


def text_table(checks: Sequence[Check]) -> str:
    """Return the checks as aligned columns."""
    table = [COLUMNS, *(cells(check) for check in checks)]
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return "\n".join(lines)


def markdown_table(checks: Sequence[Check]) -> str:
    """Return the checks as a Markdown table."""
    rule = ("---",) * len(COLUMNS)
    rows = [COLUMNS, rule, *(cells(check) for check in checks)]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in rows)


def summary(checks: Sequence[Check]) -> str:
    """Return in words how many hold, and name those that do not."""
    holding = sum(check.holds == "yes" for check in checks)
    line = f"{holding} of {len(checks)} checks hold"
    for verdict, word in (("undecided", "undecided"), ("no", "DO NOT HOLD")):
        if count := sum(check.holds == verdict for check in checks):
            line += f", {count} {word}"
    return line


def _escaped(cell: str) -> str:
    """Return a cell that does not end its column."""
    return cell.replace("|", "\\|")
