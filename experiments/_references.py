"""Reference values that results are checked against, each file with its source inside."""

import json
from pathlib import Path
from typing import Any


def load(name: str) -> dict[str, Any]:
    """Return the content of experiments/references/NAME.json."""
    return json.loads((Path(__file__).parent / "references" / f"{name}.json").read_text())
