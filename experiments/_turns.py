"""Programs of one process, timed in turn: what drifts on the machine drifts for all of them."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from experiments._contenders import Prepared
from experiments._race_worker import Start

FEWER: tuple[tuple[float, int], ...] = ((0.3, 3),)
"""Calls of more seconds than this are timed in so many rounds only."""


def timings(
    programs: Sequence[Callable[[], Any]],
    *,
    rounds: int,
    milliseconds: float,
    fewer: tuple[tuple[float, int], ...] = FEWER,
) -> list[dict[str, Any]]:
    """Time programs in turn, the order reversed every other round: a `timing` of each."""
    starts = [Start(Prepared(_loop(program)), milliseconds / 1000) for program in programs]
    slowest = max(start.call_seconds for start in starts)
    rounds = min([rounds, *(few for limit, few in fewer if slowest > limit)])
    seconds: list[list[float]] = [[] for _ in starts]
    for number in range(rounds):
        turns = list(zip(starts, seconds, strict=True))
        for start, taken in turns if number % 2 == 0 else reversed(turns):
            taken.append(start.time())
    return [
        timing(np.asarray(taken), start.calls) for start, taken in zip(starts, seconds, strict=True)
    ]


def timing(seconds: NDArray[np.float64], calls: int) -> dict[str, Any]:
    """The median of rounds of so many calls each, and all of them."""
    return {
        "median": _rounded(np.median(seconds)),
        "seconds": [_rounded(second) for second in seconds],
        "calls": calls,
    }


def _loop(program: Callable[[], Any]) -> Callable[[int], None]:
    """Run a program so many times, and wait for each."""

    def loop(calls: int) -> None:
        for _ in range(calls):
            jax.block_until_ready(program())

    return loop


def _rounded(value: float | np.floating) -> float:
    """Four digits are more than a timing has."""
    return float(f"{value:.4g}")
