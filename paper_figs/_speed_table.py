"""The tables of times, as Markdown: made from the results, so that nobody types a number."""

import statistics
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from experiments._contenders import PEERS
from experiments._contract import Row
from experiments._provenance import name_states
from experiments._store import Results
from experiments._workloads import numpy_dtype
from paper_figs import _files, _results

Result: TypeAlias = Mapping[str, Any]
SHORT = (
    "limit, x + 1, donated",
    "hadax native, donated",
    "hadax native, fresh",
    "hadax xla, donated",
    "hadax xla, fresh",
    "textbook JAX, fresh",
    "fht-cpu, in place",
    "ffht-unofficial, in place",
    "torch, butterfly",
)
"""The contenders of the table for the README."""

LEGEND = (
    "Cells: median time of a call, and in brackets that over the time of the limit, x + 1 on a "
    "donated array, in the same race. Donated, in place: the output overwrites the input; fresh: "
    "each call makes a new array."
)
_MAIN = ("fwht", "float32")
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))


def write_speed_table(place: _results.Place, folder: Path) -> list[Path]:
    """Write speed_table.md: the main contenders as the README has them, then all of every race."""
    results = _results.find("speed", place)
    sections = [
        f"# Times\n\n{readme(results)}",
        *(_section(title, rows) for title, rows in _groups(results.rows)),
        _refusals(results.rows),
    ]
    with _files.together(folder) as (draft, files):
        (draft / "speed_table.md").write_text("\n".join(sections))
    return files


def readme(results: Results) -> str:
    """Return the table of the main contenders on float32, and where it comes from."""
    rows = [row for row in results.rows if (row["workload"], row.get("dtype")) == _MAIN]
    return f"{table(rows, SHORT)}\n\n{textwrap.fill(f'{LEGEND} {origin(results)}', 110)}\n"


def origin(results: Results) -> str:
    """Return the machine, the versions and the command, in a sentence."""
    run = results.runs[-1]
    packages = {name: run["packages"].get(name) for name in ("jax", "jaxlib", "numpy", *PEERS)}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
    return (
        f"Medians of interleaved rounds on {run['cpu']} ({run['machine']}), {run['utc'][:10]}, "
        f"{name_states(results.runs)}; {versions}. Made by `python -m experiments speed "
        f"{run['preset']}`."
    )


def _groups(rows: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    """Races by workload and dtype, vectors apart from batches."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.get("contenders"):
            kind = "one vector" if row["rows"] == 1 else "batches"
            groups.setdefault(f"{row['workload']}, {row['dtype']}, {kind}", []).append(row)
    return groups.items()


def _section(title: str, rows: Sequence[Row]) -> str:
    """All that was measured in races of one kind."""
    measures = {"Error": _error, "Compile time": _compile_time, "Temporary memory": _memory}
    parts = [f"## {title}\n\n{table(rows)}\n"]
    parts += [f"### {name}\n\n{table(rows, cell=cell)}\n" for name, cell in measures.items()]
    return "\n".join(parts)


def table(
    rows: Sequence[Row],
    names: Sequence[str] | None = None,
    cell: Callable[[Row, Result], str] | None = None,
) -> str:
    """Return a Markdown table: a line a contender, a column a race; by default of times."""
    cell = cell or _time
    by_race = [{each["name"]: each for each in row["contenders"]} for row in rows]
    if names is None:
        names = list(dict.fromkeys(name for race in by_race for name in race))
    lines = [
        ["contender", *(f"{row['rows']}x{_length(row['n'])}" for row in rows)],
        ["---", *("---:" for _ in rows)],
    ]
    for name in names:
        results = zip(rows, (race.get(name) for race in by_race), strict=True)
        cells = [cell(row, each) if each is not None else "" for row, each in results]
        if any(cells):
            lines.append([name, *(cell or "-" for cell in cells)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _time(row: Row, result: Result) -> str:
    """The time of a contender, and that over the limit's."""
    if not result["seconds"]:
        return ""
    limit = next((each for each in row["contenders"] if each["name"] == SHORT[0]), result)
    over = "" if limit is result else f" ({result['median'] / limit['median']:.3g})"
    return duration(result["median"]) + over


def _error(row: Row, result: Result) -> str:
    """The relative error in l2 against float64."""
    return "" if result["error"] is None else f"{result['error']:.2g}"


def _compile_time(row: Row, result: Result) -> str:
    """From the trace to the executable."""
    seconds = result["compile_seconds"]
    return duration(statistics.median(seconds)) if seconds else ""


def _memory(row: Row, result: Result) -> str:
    """The temporaries of the compiled program, over the size of its input."""
    if result["temp_bytes"] is None:
        return ""
    size = row["rows"] * row["n"] * numpy_dtype(row["dtype"]).itemsize
    return f"{result['temp_bytes'] / size:.2g}x"


def duration(seconds: float) -> str:
    """Return a time with three digits and its unit."""
    scale, unit = next((pair for pair in _UNITS if seconds >= pair[0]), _UNITS[-1])
    return f"{seconds / scale:.3g} {unit}"


def _length(n: int) -> str:
    """A length, as a power of two where it is a large one."""
    return f"2^{n.bit_length() - 1}" if n >= 1 << 14 and n & (n - 1) == 0 else str(n)


def _refusals(rows: Sequence[Row]) -> str:
    """Who was not timed, and why."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for each in row.get("contenders") or ():
            if each["status"] != "ok":
                where = f"{row['rows']}x{_length(row['n'])} {row['dtype']}"
                reasons.setdefault((each["name"], each["status"]), []).append(where)
    lines = [
        f"* {name}: {status} ({', '.join(dict.fromkeys(places))})"
        for (name, status), places in reasons.items()
    ]
    return "\n".join(["## Not timed\n", *lines, ""])
