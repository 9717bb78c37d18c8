"""Parameters as nested dicts of arrays; a path such as "blocks.query.kernel" names one of them."""

from typing import Any, TypeAlias

from hadax._typing import Array
from hadax.quantization import _site_checks

Params: TypeAlias = dict[str, Any]


def at(params: Params, path: str) -> Array:
    """The array at a path."""
    found: Any = params
    for name in path.split("."):
        _site_checks.there(path, name, found)
        found = found[name]
    return found


def holds(params: Params, path: str) -> bool:
    """Whether there is an array at a path."""
    found: Any = params
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    return True


def replaced(params: Params, changed: dict[str, Array]) -> Params:
    """The same nested dict with the arrays at some paths replaced, or added."""
    result = dict(params)
    for path, array in changed.items():
        *folders, leaf = path.split(".")
        level = result
        for name in folders:
            level[name] = dict(level.get(name, {}))
            level = level[name]
        level[leaf] = array
    return result
