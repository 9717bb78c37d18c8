import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("module", ["experiments", "paper_figs"])
def test_a_missing_package_is_said_in_one_line(module):
    """Without site packages nothing is installed."""
    run = subprocess.run(
        [sys.executable, "-S", "-m", module],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("error: ")
    assert run.stderr.count("\n") == 1
    assert "pip install -e '.[experiments]'" in run.stderr
