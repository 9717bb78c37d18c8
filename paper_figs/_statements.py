"""The table of every checked statement, as Markdown and CSV."""

import csv
from pathlib import Path

from experiments import _registry, _report
from experiments._contract import UsageError
from experiments._provenance import name_states
from paper_figs import _files, _results


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
            f"## {name}\n\n{experiment.question} (preset {results.runs[-1]['preset']}, made at "
            f"{name_states(results.runs)}: {_report.summary(checks)}.)\n\n"
            f"{_report.markdown_table(checks)}\n"
        )
        rows += [(name, *_report.cells(check)) for check in checks]
    with _files.together(folder) as (draft, files):
        text = "# Checked statements\n\n" + "\n".join(sections)
        (draft / "statements.md").write_text(text)
        with (draft / "statements.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("experiment", *_report.COLUMNS), *rows])
    return files
