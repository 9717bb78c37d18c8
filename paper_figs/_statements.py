"""The table of every checked statement, as Markdown and CSV."""

import csv
from pathlib import Path

from experiments import _registry, _report
from experiments._contract import UsageError
from paper_figs import _results


def write_statements(place: _results.Place, folder: Path) -> list[Path]:
    """Write statements.md and statements.csv from all finished results at `place`."""
    sections, rows = [], []
    for name in _registry.NAMES:
        try:
            results = _results.find(name, place)
            if not results.complete:
                raise UsageError(f"The results in {results.path.name} are unfinished.")
            experiment = _registry.load(name)
        except UsageError as error:
            sections.append(f"## {name}\n\n{error}\n")
            continue
        checks = experiment.checks(results.rows)
        sections.append(
            f"## {name}\n\n{experiment.question} (preset {results.runs[-1]['preset']}: "
            f"{_report.summary(checks)}.)\n\n{_report.markdown_table(checks)}\n"
        )
        rows += [(name, *_report.cells(check)) for check in checks]
    folder.mkdir(parents=True, exist_ok=True)
    markdown, table = folder / "statements.md", folder / "statements.csv"
    markdown.write_text("# Checked statements\n\n" + "\n".join(sections))
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("experiment", *_report.COLUMNS), *rows])
    return [markdown, table]
