"""Run an experiment: only the trials that are missing, each to the disk as it is done.

A trial's id is the hash of its experiment's name and its parameters, and its random key is
``fold_in(key(seed), id)``: a result depends neither on which trials ran before it nor on how often
the sweep was killed. How to write an experiment is said in ``_contract.py``.
"""

import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from experiments import _store
from experiments._contract import Experiment, Preset, Row, UsageError
from experiments._progress import Progress
from experiments._provenance import name_state, name_states, provenance
from experiments._store import Results, results_folder


def run_experiment(
    experiment: Experiment[Any, Any], preset: str, config: Any, *, fresh: bool = False
) -> Results:
    """Run what is missing of ``config`` and return the whole of its results."""
    work = work_list(experiment, config)
    path = result_path(experiment, preset, config)
    start = {
        "experiment": experiment.name,
        "preset": preset,
        "config": as_json(config),
        "trials": len(work),
        "fingerprint": fingerprint(experiment, config),
        **provenance(),
    }
    with _store.locked(path):
        _sweep(experiment, start, work, path, fresh)
        found = _store.read(path)
    if {row["id"] for row in found.rows} != set(work):
        raise UsageError(
            f"{path} holds trials that are not in the work list: another program has changed it. "
            "Start it afresh with --fresh, or restore it."
        )
    return found


def _sweep(
    experiment: Experiment[Any, Any],
    start: dict[str, Any],
    work: dict[str, Any],
    path: Path,
    fresh: bool,
) -> None:
    """Add the trials that are missing to the file, which is locked."""
    label = f"{experiment.name} {start['preset']}"
    began = time.monotonic()
    done = Results(path)
    if path.exists() and not fresh:
        _store.cut_torn_line(path)
        done = _store.read(path)
    is_other = bool(done.runs) and done.runs[-1]["fingerprint"] != start["fingerprint"]
    if is_other:
        done = take_over(done, work, start)
    there = {row["id"] for row in done.rows}
    missing = [name for name in work if name not in there]
    if done.rows:
        say_what_is_there(done, len(missing), start["git"])
    if experiment.timed and missing:
        check_machine(done, start)
    writer = _store.Writer(path, start, replace=fresh, begun=is_other and bool(done.rows))
    with Progress(label, total=len(work), done=len(done.rows)) as bar:
        for name in missing:
            bar.start(describe(work[name]))
            writer.row(run_trial(experiment, name, work[name], start["config"]["seed"]))
            bar.advance()
    writer.end({"seconds": round(time.monotonic() - began, 1), "added": len(missing)})


def work_list(experiment: Experiment[Any, Any], config: Any) -> dict[str, Any]:
    """Return the trials by id."""
    trials = list(experiment.trials(config))
    work = {trial_id(experiment.name, trial): trial for trial in trials}
    if len(work) != len(trials):
        raise ValueError(f"trials() of {experiment.name!r} lists a trial twice.")
    return work


def run_trial(experiment: Experiment[Any, Any], name: str, trial: Any, seed: int) -> Row:
    """Return one row: the trial's id, its parameters, its result."""
    key = jax.random.key(seed)
    for half in (name[:8], name[8:]):
        key = jax.random.fold_in(key, int(half, 16))
    parameters = as_json(trial)
    result = dict(experiment.run(trial, key))
    if clash := {"id", *parameters} & set(result):
        raise ValueError(f"run() of {experiment.name!r} returns names of parameters: {clash}.")
    return {"id": name, **parameters, **result}


def trial_id(experiment: str, trial: Any) -> str:
    """Return 16 hexadecimal digits that depend on the experiment and every parameter."""
    return _digest({"experiment": experiment, "trial": as_json(trial)}, 16)


def fingerprint(experiment: Experiment[Any, Any], config: Any) -> str:
    """Return 8 hexadecimal digits that tell settings and work lists apart."""
    return _digest({"config": as_json(config), "work": list(work_list(experiment, config))}, 8)


def result_path(experiment: Experiment[Any, Any], preset: str, config: Any) -> Path:
    """Return where results of these settings go: the name says when they are not the preset's."""
    settings: Preset[Any] = experiment.presets[preset]
    if config == settings.config:
        folder = "local" if preset in ("smoke", "quick") else "paper"
        return results_folder() / folder / f"{experiment.name}-{preset}.jsonl"
    digest = fingerprint(experiment, config)
    return results_folder() / "local" / f"{experiment.name}-{preset}-{digest}.jsonl"


def take_over(old: Results, work: dict[str, Any], start: Mapping[str, Any]) -> Results:
    """Put results of other settings aside, and return what of them counts for these ones too.

    The preset was changed since they were made. A trial of both has the same result with the same
    seed.
    """
    path, last = old.path, old.runs[-1]
    aside = results_folder() / "local" / f"{path.stem}-{last['fingerprint']}.jsonl"
    print(f"The settings of {path.stem} have changed: its old results are now {aside}.")
    shared = {row["id"] for row in old.rows} & set(work)
    if not shared or last["config"]["seed"] != start["config"]["seed"]:
        path.replace(aside)
        return Results(path)
    with _store.plain_errors("write", aside, "Set HADAX_RESULTS to another folder."):
        shutil.copyfile(path, aside)
    _store.take_over(aside, shared, path, start)
    return _store.read(path)


def say_what_is_there(done: Results, missing: int, git: dict[str, Any] | None) -> None:
    """Say what is kept of earlier runs, and if another state of the code may have made it."""
    kept = f"{done.path}: {len(done.rows)} trials are there, {missing} are missing."
    # Changes that are not committed can be others than those of then.
    if any(run["git"] != git for run in done.runs) or (git and git["dirty"]):
        made = name_states(done.runs)
        kept += f" Made at {made}; the code is now at {name_state(git)}; --fresh starts over."
    print(kept)


def check_machine(done: Results, start: Mapping[str, Any]) -> None:
    """Refuse to add times to those of another machine."""
    for run in done.runs:
        for what in ("machine", "cpu", "device"):
            if run.get(what) != start[what]:
                raise UsageError(
                    f"{done.path} was timed on another machine ({run.get(what)}; this one is "
                    f"{start[what]}). Start it afresh with --fresh, or set HADAX_RESULTS."
                )


def describe(trial: Any) -> str:
    """Return a trial's parameters in a line."""

    def short(value: Any) -> Any:
        return f"({len(value)})" if isinstance(value, list) else value

    return " ".join(f"{name}={short(value)}" for name, value in as_json(trial).items())


def as_json(settings: Any) -> dict[str, Any]:
    """Return a dataclass as what its JSON would read back as (tuples become lists)."""
    return json.loads(json.dumps(dataclasses.asdict(settings), allow_nan=False))


def _digest(content: dict[str, Any], digits: int) -> str:
    """Return hexadecimal digits of the SHA-256 of the canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:digits]
