"""Find and read the results a figure needs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import polars as pl

from experiments import _store
from experiments._contract import PRESETS, UsageError

Place: TypeAlias = Literal["paper", "local"]


def find(need: str, place: Place) -> _store.Results:
    """Return the paper's results, or the newest local ones that say most.

    `need` is an experiment, or "NAME PRESET" for a preset that not every experiment has: it never
    stands for the others. Local results of a smoke preset or of an unfinished run only count where
    there is nothing else.
    """
    experiment, _, special = need.partition(" ")
    presets = (special,) if special else ("paper",) if place == "paper" else PRESETS
    paths = (_store.results_folder() / place).glob(f"{experiment}-*.jsonl")
    read = (_store.read(path) for path in paths)
    found = [each for each in read if each.rows and each.runs[-1]["preset"] in presets]
    if not found:
        preset = special or ("paper" if place == "paper" else "quick")
        raise UsageError(
            f"There are no {place} results of experiment {experiment!r}. "
            f"Make them: python -m experiments {experiment} {preset}"
        )
    return max(found, key=_worth)


def _worth(results: _store.Results) -> tuple[bool, bool, float]:
    """Rank results: more than a smoke test, finished, new."""
    smoke = results.runs[-1]["preset"] == "smoke"
    return not smoke, results.complete, results.path.stat().st_mtime


def frame(results: _store.Results) -> pl.DataFrame:
    """Return the rows as a data frame; columns that a row lacks are null in it.

    A column that holds lists in some rows and lists of lists in others has no type: it is text.
    """
    depths: dict[str, set[int]] = {}
    for row in results.rows:
        for name, value in row.items():
            if isinstance(value, list):
                depths.setdefault(name, set()).add(1 + isinstance((value or [0])[0], list))
    mixed = {name for name, found in depths.items() if len(found) > 1}
    rows = [
        {name: json.dumps(value) if name in mixed else value for name, value in row.items()}
        for row in results.rows
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def origin(results: _store.Results) -> dict[str, Any]:
    """Return where the results come from, in short: what figures carry in their metadata."""
    run = results.runs[-1]
    return {
        **{name: run[name] for name in ("experiment", "preset", "config", "utc", "git", "device")},
        "packages": run["packages"],
        "file": Path(results.path).name,
        "complete": results.complete,
    }


@dataclass(frozen=True)
class Column:
    """A column as captions write it: ``{name}``, or ``{name:other=value}`` for some of its rows."""

    df: pl.DataFrame
    name: str

    def __format__(self, condition: str) -> str:
        rows = self.df
        if condition:
            other, _, value = condition.partition("=")
            rows = rows.filter(pl.col(other).cast(pl.String) == value)
        values = rows[self.name].drop_nulls().unique().sort().to_list()
        if values and all(isinstance(value, int) for value in values):
            ends = dict.fromkeys((values[0], values[-1]))
            return " to ".join(f"{value:,}" for value in ends)
        return ", ".join(str(value) for value in values)


def fill_caption(caption: str, frames: list[pl.DataFrame]) -> str:
    """Return the caption with its fields filled from the columns of the frames."""
    columns = {name: Column(df, name) for df in frames for name in df.columns}
    return caption.format(**columns)
