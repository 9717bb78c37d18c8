"""Progress: a bar on a terminal, plain lines elsewhere."""

import sys
import time

from tqdm import tqdm

PLAIN_LINE_EVERY_SECONDS = 5.0


class Progress:
    """How far a run is."""

    def __init__(self, label: str, *, total: int, done: int):
        self._label = label
        self._total = total
        self._done = done
        self._said = -float("inf")
        plain = not sys.stderr.isatty()
        self._bar = None if plain else tqdm(total=total, initial=done, desc=label, unit="trial")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, what: str) -> None:
        """Say which trial runs now."""
        if self._bar is not None:
            self._bar.set_postfix_str(what)
        elif time.monotonic() - self._said > PLAIN_LINE_EVERY_SECONDS:
            print(f"{self._label}: {self._done + 1}/{self._total} {what}", file=sys.stderr)
            self._said = time.monotonic()

    def advance(self) -> None:
        """Count one finished trial."""
        self._done += 1
        if self._bar is not None:
            self._bar.update()
