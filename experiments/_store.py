"""Result files: JSON lines that survive a kill.

Each line is an object with one key that says what it is:

* ``{"run": {...}}``  where the rows below it come from; every start that adds rows writes one;
* ``{"row": {"id": ..., **trial, **result}}``  one finished trial;
* ``{"end": {...}}``  the run above it went through: seconds and how many trials it added.

Rows hold no times, so the row lines of a run that was killed and resumed are the same, byte for
byte, as those of an unbroken run; only the "run" and "end" lines tell the difference.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments._contract import Row, UsageError

try:
    import fcntl
except ImportError:  # Windows: there, two runs at once on one file are not caught
    fcntl = None


def results_folder() -> Path:
    """Return the folder of results: experiments/results, or $HADAX_RESULTS."""
    return Path(os.environ.get("HADAX_RESULTS") or Path(__file__).parent / "results")


@dataclass
class Results:
    """What a result file holds."""

    path: Path
    runs: list[dict[str, Any]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Return whether every trial of the work list is there."""
        return bool(self.runs) and len(self.rows) == self.runs[-1]["trials"]


def read(path: Path) -> Results:
    """Read a result file; a torn last line, left by a kill, does not count."""
    results = Results(path)
    for number, line in _whole_lines(path):
        try:
            ((kind, content),) = json.loads(line).items()
        except (ValueError, AttributeError) as error:
            raise UsageError(
                f"Line {number} of {path} is not a line of results: the file is damaged. "
                "Start it afresh with --fresh, or restore it."
            ) from error
        if kind == "run":
            results.runs.append(content)
        elif kind == "row":
            results.rows.append(content)
    return results


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line) for every line that ends in a newline."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield number, line


class Writer:
    """A result file held open for one run: rows go to the disk before the next trial starts.

    Entering takes the file for this process alone and cuts a torn last line off. Leaving removes
    the file if it holds nothing: a run that fails before its first row leaves nothing behind.
    """

    def __init__(self, path: Path, run: Mapping[str, Any]):
        self._path = path
        self._run = run
        self._started = False

    def __enter__(self) -> "Writer":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        if fcntl is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                self._file.close()
                raise UsageError(f"Another process is writing {self._path} just now.") from error
        self._file.truncate(sum(len(line) for _, line in _whole_lines(self._path)))
        return self

    def __exit__(self, *_: object) -> None:
        if self._path.stat().st_size == 0:
            self._path.unlink()
        self._file.close()

    def row(self, row: Row) -> None:
        """Append one finished trial, and before the first one where it comes from."""
        if not self._started:
            self._append("run", self._run)
            self._started = True
        self._append("row", row)

    def end(self, content: Mapping[str, Any]) -> None:
        """Say that the run went through; nothing where it had nothing to do."""
        if self._started:
            self._append("end", content)

    def _append(self, kind: str, content: Mapping[str, Any]) -> None:
        """Write one line through to the disk."""
        line = json.dumps({kind: dict(content)}, allow_nan=False, ensure_ascii=False)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
