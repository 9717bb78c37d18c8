"""What an experiment is: the parts a module of this folder hands to the runner.

An experiment is one module that ends in ``EXPERIMENT = Experiment(...)``, and one line in
``_registry.py``. It is made of pure parts:

* a frozen dataclass of settings with a field ``seed: int``, its doc comments being the help of the
  command line; ``__post_init__`` raises ValueError for values that make no sense (most of them are
  caught by `check_settings` of ``_settings.py``);
* ``presets``: "smoke" (seconds, every code path), "quick" (a minute or two on two cores) and
  "paper" (the published numbers), all the same code with other settings. Where a claim needs
  another device, a further preset measures it there ("gpu"): its results are published as well,
  and ``all`` leaves it out;
* ``trials(config)``: the work list, each trial a frozen dataclass of JSON values that says
  *everything* its result depends on apart from the seed. When a preset's settings are changed, the
  rows of trials that it still has are kept;
* ``run(trial, key)``: one trial's result, a flat dict of JSON values without any time of day or
  duration, so that a repeated run gives the same row bit for bit. Whatever several trials share
  (a loaded model) goes in a ``functools.cache``;
* ``checks(rows)``: what the rows say about every claim, each a `Check`. A row is one flat dict:
  ``{"id": ..., **trial, **result}``. It is called on complete results only, of any preset.

An experiment with ``timed=True`` measures how long something takes: its rows hold durations and
may hold lists and dicts of JSON values. A repeated run then gives other numbers; what is left of
the promise is that a trial that is done is not run again, that its random inputs are those of its
key, and that one file holds one machine's rows: on another machine a sweep is not resumed. Whatever
is compared with one another is timed inside of one trial.

Trouble that the user can put right (a missing file, a wrong checksum) is raised as `UsageError`
and reaches the command line as one line.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar

import jax

Row: TypeAlias = Mapping[str, Any]
Source: TypeAlias = Literal["paper", "ours, proved", "measured", "reference"]
Relation: TypeAlias = Literal["at most", "at least", "equals"]
Verdict: TypeAlias = Literal["yes", "no", "undecided"]

PRESETS = ("smoke", "quick", "paper")  # that every experiment has

ConfigT = TypeVar("ConfigT")
TrialT = TypeVar("TrialT")


class UsageError(Exception):
    """Something the user can put right: the command line prints it as one line and exits with 2."""


@dataclass(frozen=True)
class Check:
    """One statement, the value measured for it, and whether it holds.

    `source` says on what the statement rests. That a simulation has a law, mean or distance that is
    known exactly is "measured": it tests the program.

    The value measured stands for a true one in the band [low, high], a point where it is exact; the
    band is None where the statement is about the measured value itself. The statement is that the
    true value is ``relation`` ``reference``, give or take ``tolerance``. Where nothing could be
    measured, ``missing`` says why, and the value is NaN.
    """

    statement: str
    source: Source
    measured: float
    relation: Relation
    reference: float
    low: float | None = None
    high: float | None = None
    tolerance: float = 0.0
    missing: str = ""

    @property
    def holds(self) -> Verdict:
        """Return "yes" or "no", or "undecided": the bound is inside the band, or nothing was
        measured."""
        if self.missing:
            return "undecided"
        if math.isnan(self.measured):
            return "no"
        low = self.measured if self.low is None else self.low
        high = self.measured if self.high is None else self.high
        over_low, over_high = low - self.reference, high - self.reference
        if self.relation == "equals":
            return "yes" if over_low <= self.tolerance and -over_high <= self.tolerance else "no"
        if self.relation == "at least":
            over_low, over_high = -over_high, -over_low
        if over_high <= self.tolerance:
            return "yes"
        return "no" if over_low > self.tolerance else "undecided"


@dataclass(frozen=True)
class Preset(Generic[ConfigT]):
    """Settings by name, with the minutes they take and on what."""

    config: ConfigT
    minutes: float
    device: str = "two CPU cores"


@dataclass(frozen=True)
class Experiment(Generic[ConfigT, TrialT]):
    """One question and the pure functions that answer it (see the module's docstring)."""

    name: str
    question: str
    presets: Mapping[str, Preset[ConfigT]]
    trials: Callable[[ConfigT], Iterable[TrialT]]
    run: Callable[[TrialT, jax.Array], Mapping[str, Any]]
    checks: Callable[[Sequence[Row]], list[Check]]
    timed: bool = False
