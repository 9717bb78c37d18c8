"""The command line of experiments: see USAGE."""

import contextlib
import dataclasses
import io
import itertools
import os
import sys
from collections.abc import Collection, Sequence
from typing import Any

import tyro

from experiments import _registry, _report, _store
from experiments._contract import PRESETS, Experiment, UsageError
from experiments._runner import fingerprint, result_path, run_experiment
from experiments._store import Results

USAGE = """\
usage: python -m experiments                                  what there is and last gave
       python -m experiments NAME --help                      what one asks, and its presets
       python -m experiments NAME PRESET [--field value ...]  run one; the same line resumes it
       python -m experiments NAME PRESET --help               its fields
       python -m experiments all PRESET                       run all
options: --fresh   forget the results of these settings first
         --strict  exit with 1 if a check does not hold
"""


def main(args: Sequence[str]) -> int:
    """Run the command and return its exit code: 0, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        code = _dispatch(list(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Who read our output has gone, as `head` does; the interpreter must not flush into it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted. What is finished is saved; the same command resumes.", file=sys.stderr)
        return 130


def _dispatch(args: list[str]) -> int:
    """Tell the forms of the command apart."""
    flags = {flag: flag in args for flag in ("--fresh", "--strict")}
    args = [arg for arg in args if arg not in flags]
    if not args:
        print(listing())
        return 0
    if args[0] in ("-h", "--help"):
        print(USAGE, end="")
        return 0
    if args[0] == "all":
        return _run_all(args[1:], flags)
    experiment = _registry.load(args[0])
    if args[1:] in (["-h"], ["--help"]):
        print("\n".join(_described(experiment)))
        return 0
    preset = _preset(args[0], args[1:], experiment.presets)
    config = parse_config(experiment, preset, args[2:])
    if config is None:
        return 0
    return _run_one(experiment, preset, config, flags)


def _preset(name: str, args: list[str], presets: Collection[str]) -> str:
    """Return the preset, or say which there are."""
    if not args or args[0] not in presets:
        given = f"is {args[0]!r}" if args else "is missing"
        raise UsageError(f"PRESET of {name!r} must be one of {', '.join(presets)}, but {given}.")
    return args[0]


def parse_config(experiment: Experiment[Any, Any], preset: str, args: list[str]) -> Any:
    """Return the preset's settings with fields changed by ``args``; None if they asked for help."""
    program = f"python -m experiments {experiment.name} {preset}"
    settings = experiment.presets[preset].config
    return parse_arguments(settings, args, program, f"Fields of {experiment.name!r}")


def parse_arguments(default: Any, args: list[str], program: str, what: str) -> Any:
    """Return a dataclass with fields changed by ``args``; None if they asked for help."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.cli(type(default), default=default, args=args, prog=program)
    except SystemExit as stop:
        if not stop.code:
            return None
    names = (field.name.replace("_", "-") for field in dataclasses.fields(default))
    fields = ", ".join(f"--{name}" for name in names)
    raise UsageError(f"{_first_sentence(complaint.getvalue())}. {what}: {fields}.")


def _first_sentence(box: str) -> str:
    """Return what tyro says in its box between the title and the next rule, in one line."""
    lines = [line.strip("│ ") for line in box.splitlines()[1:]]

    def is_rule(line: str) -> bool:
        return not line.strip("─-╰╯")

    content = itertools.dropwhile(is_rule, lines)
    return " ".join(itertools.takewhile(lambda line: not is_rule(line), content)).rstrip(".")


def _run_one(
    experiment: Experiment[Any, Any], preset: str, config: Any, flags: dict[str, bool]
) -> int:
    """Run, print the checks, and say where the results are."""
    results = run_experiment(experiment, preset, config, fresh=flags["--fresh"])
    checks = experiment.checks(results.rows)
    print(_report.text_table(checks))
    print(f"{experiment.name} {preset}: {_report.summary(checks)}. Results: {results.path}")
    return int(flags["--strict"] and any(check.holds == "no" for check in checks))


def _run_all(args: list[str], flags: dict[str, bool]) -> int:
    """Run every experiment; what cannot run is said and does not stop the others."""
    preset = _preset("all", args, PRESETS)
    if args[1:]:
        raise UsageError(f"'all' takes no fields, but has {' '.join(args[1:])}. Run one by name.")
    failed = False
    for name in _registry.NAMES:
        try:
            experiment = _registry.load(name)
            failed |= bool(_run_one(experiment, preset, experiment.presets[preset].config, flags))
        except UsageError as error:
            print(f"error: {name}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


def listing() -> str:
    """Return every experiment: question, presets with minutes, last result."""
    lines = [USAGE]
    for name in _registry.NAMES:
        try:
            experiment = _registry.load(name)
        except UsageError as error:
            lines += [f"{name}", f"  {error}"]
            continue
        lines += _described(experiment)
    return "\n".join(lines)


def _described(experiment: Experiment[Any, Any]) -> list[str]:
    """Return lines of what an experiment asks, and of each preset."""
    lines = [f"{experiment.name}: {experiment.question}"]
    for preset, settings in experiment.presets.items():
        cost = f"{settings.minutes:>5g} min on {settings.device:<14}"
        lines.append(f"  {preset:<6} {cost} {_last(experiment, preset)}")
    return lines


def _last(experiment: Experiment[Any, Any], preset: str) -> str:
    """Return in words what the last results of a preset are."""
    settings = experiment.presets[preset].config
    path = result_path(experiment, preset, settings)
    if not path.exists():
        return "not run yet"
    try:
        results: Results = _store.read(path)
    except UsageError as error:
        return str(error)
    if not results.runs:
        return "not run yet"
    when = results.runs[-1]["utc"]
    if results.runs[0]["fingerprint"] != fingerprint(experiment, settings):
        return f"{when}, with other settings"
    if not results.complete:
        return f"{when}: {len(results.rows)} of {results.runs[-1]['trials']} trials"
    return f"{when}: {_report.summary(experiment.checks(results.rows))}"
