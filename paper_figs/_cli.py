"""The command line of figures: see USAGE."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments._cli import parse_arguments
from experiments._contract import UsageError
from paper_figs import _registry, _results
from paper_figs._files import check_writable
from paper_figs._render import render
from paper_figs._speed_table import write_speed_table
from paper_figs._statements import write_statements

_TABLES = {"statements": write_statements, "speed_table": write_speed_table}


@dataclass(frozen=True)
class Command:
    """Draw figures from results of experiments."""

    names: Annotated[tuple[str, ...], tyro.conf.Positional] = ()
    """Figures, "statements" for the table of checks, "speed_table" for times; default: all."""
    results: _results.Place = "paper"
    """The committed results of the paper presets, or the newest ones of your own runs."""
    out: Path = Path("figures")
    """Where the files go."""


def main(args: Sequence[str]) -> int:
    """Run the command and return its exit code: 0, 1 a figure is missing, 2 wrong usage."""
    try:
        command = parse_arguments(Command(), list(args), "python -m paper_figs", "Options")
        if command is None:
            return 0
        for name in command.names:
            if name not in _TABLES:
                _registry.load(name)
        check_writable(command.out)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return _draw(command)


def _draw(command: Command) -> int:
    """Draw what is asked for; what lacks results is said and does not stop the others."""
    missing = False
    for name in command.names or (*_registry.NAMES, *_registry.TABLES):
        try:
            if name in _TABLES:
                files = _TABLES[name](command.results, command.out)
            else:
                files = render(_registry.load(name), command.results, command.out)
        except UsageError as error:
            print(f"error: figure {name!r}: {error}", file=sys.stderr)
            missing = True
            continue
        print(*files)
    return int(missing)
