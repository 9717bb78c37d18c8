"""What every experiment asks of its settings, in the words of the command line."""

import dataclasses
from typing import Any

SEEDS = 1 << 32  # JAX uses 32 bits of a seed: larger ones would repeat the draws of smaller ones


def check_settings(config: Any, **ranges: int | tuple[int, int]) -> None:
    """Refuse a seed out of range, empty or repetitive lists, and numbers out of their ``ranges``.

    A range is the least value, or the least and the largest one; for a list, of all its numbers.
    """
    if not 0 <= config.seed < SEEDS:
        raise ValueError(f"--seed must be between 0 and 2**32 - 1, but is {config.seed}")
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if isinstance(value, tuple):
            if not value:
                raise ValueError(f"{_option(field.name)} must be one or more, but is empty")
            if len(set(value)) < len(value):
                kind = "a name" if isinstance(value[0], str) else "a number"
                raise ValueError(f"{_option(field.name)} must not repeat {kind}, but is {value}")
    for name, bounds in ranges.items():
        value = getattr(config, name)
        numbers = value if isinstance(value, tuple) else (value,)
        least, most = bounds if isinstance(bounds, tuple) else (bounds, None)
        if min(numbers) < least or (most is not None and max(numbers) > most):
            wanted = f"at least {least}" if most is None else f"between {least} and {most}"
            raise ValueError(f"{_option(name)} must be {wanted}, but is {value}")


def _option(name: str) -> str:
    """Return how the command line spells a field."""
    return "--" + name.replace("_", "-")
