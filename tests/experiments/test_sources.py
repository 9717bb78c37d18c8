"""What the experiments call proved is what docs/theory/rotations.md proves, and nothing else."""

import json
import re
from pathlib import Path

import pytest

from experiments import kolmogorov, wasserstein

ROOT = Path(__file__).resolve().parents[2]
PROVED = {
    kolmogorov: r"<= 0\.894/sqrt\(d\) \+ 0\.162/d$|1 block, d=\d+\) >= 1/4",
    wasserstein: r"(upper|lower) bound for every x",
}


@pytest.mark.parametrize("module", PROVED, ids=lambda module: module.__name__)
def test_proved_are_the_bounds_only(module):
    name = module.EXPERIMENT.name
    path = ROOT / "experiments/results/paper" / f"{name}-paper.jsonl"
    lines = map(json.loads, path.read_text().splitlines())
    checks = module.checks([line["row"] for line in lines if "row" in line])
    proved = {check.statement for check in checks if check.source == "ours, proved"}
    assert proved == {c.statement for c in checks if re.search(PROVED[module], c.statement)}
    assert len(proved) > 10
    others = {check.source for check in checks if "simulat" in check.statement}
    assert others == {"measured"}


@pytest.mark.parametrize("label", ["I5", "I6", "I7", "Theorem A", "W1", "W2", "W3", "W4"])
def test_the_theory_page_has_each_statement_with_its_proof(label):
    page = (ROOT / "docs/theory/rotations.md").read_text()
    found = re.search(rf"(\*\*|## )\(?{label}.*?∎", page, re.DOTALL)
    assert found
    assert "*Proof" in found[0]
