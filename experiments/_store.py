"""Result files: JSON lines that survive a kill.

Each line is an object with one key that says what it is:

* ``{"run": {...}}``  where the rows below it come from; every start that adds rows writes one;
* ``{"row": {"id": ..., **trial, **result}}``  one finished trial;
* ``{"end": {...}}``  the run above it went through: seconds and how many trials it added.

Rows hold no times, but for timed experiments, so the row lines of a run that was killed and resumed
are the same, byte for byte, as those of an unbroken run; only the "run" and "end" lines tell the
difference.
"""

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from experiments._contract import Row, UsageError

try:
    import fcntl
except ImportError:  # Windows: there, two runs at once on one file are not caught
    fcntl = None

# What the line of a run, and that of a row, say at least.
_RUN = {"experiment", "preset", "config", "trials", "fingerprint", "utc", "git", "packages"}
_NEEDS = {"run": _RUN, "row": {"id"}, "end": set[str]()}


def results_folder() -> Path:
    """Return the folder of results: experiments/results, or $HADAX_RESULTS."""
    return Path(os.environ.get("HADAX_RESULTS") or Path(__file__).parent / "results")


@contextlib.contextmanager
def plain_errors(task: str, path: Path, advice: str) -> Iterator[None]:
    """Turn trouble with files into one line for the user."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"Cannot {task} {path}: {error.strerror or error}. {advice}") from error


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
    """Read a result file; a torn last line, left by a kill, does not count.

    Of rows with one id the first counts: two programs can have added the same trial.
    """
    runs: list[dict[str, Any]] = []
    rows: dict[str, Row] = {}
    for number, line in _whole_lines(path):
        try:
            ((kind, content),) = json.loads(line).items()
            damaged = not _NEEDS[kind] <= content.keys()
            if kind == "row":
                damaged = damaged or not runs or not isinstance(content["id"], str)
        except (ValueError, AttributeError, KeyError) as error:
            raise _damaged(path, number) from error
        if damaged:
            raise _damaged(path, number)
        if kind == "run":
            runs.append(content)
        elif kind == "row":
            rows.setdefault(content["id"], content)
    return Results(path, runs, list(rows.values()))


def cut_torn_line(path: Path) -> None:
    """Cut a torn last line off a file, so that lines can be added."""
    whole = sum(len(line) for _, line in _whole_lines(path))
    if whole < path.stat().st_size:
        with plain_errors("write", path, "Set HADAX_RESULTS to another folder."):
            os.truncate(path, whole)


def take_over(old: Path, ids: Collection[str], path: Path, run: Mapping[str, Any]) -> None:
    """Write a file for a run that begins with rows of another file, of these ids."""
    lines: list[bytes] = []
    origin = b""
    for _, line in _whole_lines(old):
        content = json.loads(line)
        if "run" in content:
            origin = line
        elif "row" in content and content["row"]["id"] in ids:
            lines += [origin, line] if origin else [line]
            origin = b""
    _put(path, b"".join([*lines, _line("run", run)]))


def _damaged(path: Path, number: int) -> UsageError:
    """Say which line of a file is none of ours."""
    return UsageError(
        f"Line {number} of {path} is not a line of results: the file is damaged. "
        "Start it afresh with --fresh, or restore it."
    )


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line) for every line that ends in a newline."""
    with (
        plain_errors("read", path, "Restore it, or set HADAX_RESULTS to another folder."),
        path.open("rb") as file,
    ):
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield number, line


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Take a result file, there or not, for this process alone.

    What is locked is a file of its own among the local results, so that the result file itself can
    be replaced meanwhile. A process that is killed leaves it behind, but not its lock.
    """
    lock = results_folder() / "local" / f"{path.name}.lock"
    with plain_errors("write results in", lock.parent, "Set HADAX_RESULTS to another folder."):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _take(lock, path)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _take(lock: Path, path: Path) -> int:
    """Lock the file and return its descriptor."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT)
        if fcntl is None:
            return descriptor
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had the lock may have removed the file after we opened it.
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            raise UsageError(f"Another process is writing {path} just now.") from error
        except FileNotFoundError:
            pass
        os.close(descriptor)


class Writer:
    """A result file for the rows of one run: each goes to the disk before the next trial starts.

    Nothing changes before the first row: with it comes the line of the run, and with ``replace``
    the old file gives way only then. A run that fails at once destroys nothing. With ``begun`` the
    line of the run is there already.
    """

    def __init__(
        self, path: Path, run: Mapping[str, Any], *, replace: bool = False, begun: bool = False
    ):
        self._path = path
        self._run = run
        self._replace = replace
        self._started = begun

    def row(self, row: Row) -> None:
        """Append one finished trial, and before the first one where it comes from."""
        if self._started:
            self._append(_line("row", row))
            return
        first = _line("run", self._run) + _line("row", row)
        if self._replace or not self._path.exists():
            _put(self._path, first)
        else:
            self._append(first)
        self._started = True

    def end(self, content: Mapping[str, Any]) -> None:
        """Say that the run went through; nothing where it had nothing to do."""
        if self._started:
            self._append(_line("end", content))

    def _append(self, lines: bytes) -> None:
        """Write lines at the end of the file."""
        with _writing(self._path):
            _write(self._path, "ab", lines)


def _put(path: Path, lines: bytes) -> None:
    """Make a file anew: the old one, if there is one, is there until the new one is whole."""
    new = path.with_name(f".{path.name}.new")
    with _writing(path):
        _write(new, "wb", lines)
        new.replace(path)


def _writing(path: Path) -> contextlib.AbstractContextManager[None]:
    """Turn a full disk, for one, into a line for the user."""
    return plain_errors("write", path, "What is finished is saved.")


def _write(path: Path, mode: Literal["ab", "wb"], lines: bytes) -> None:
    """Write lines through to the disk."""
    with path.open(mode) as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _line(kind: str, content: Mapping[str, Any]) -> bytes:
    """Return one line of a result file."""
    line = json.dumps({kind: dict(content)}, allow_nan=False, ensure_ascii=False)
    return line.encode() + b"\n"
