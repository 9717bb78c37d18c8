"""How long quantization methods take on a language model, and how much memory.

Every method runs in a process of its own, so that its peak of memory is its own; times are of the
whole method, with everything that it compiles. A program that was compiled before may be there
already (JAX keeps them): `--cold` starts from none. The evaluation is the second one, which
compiles nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import jax

from experiments._contract import Check, Experiment, Preset, Row, UsageError
from experiments._effort import Calibration, Effort
from experiments._methods import Method

_PATIENCE_S = 3600
# Seconds on two cores that this project sets itself.
_BOUNDS = {"rtn": 20.0, "gptq": 180.0, "quarot": 180.0, "flatquant": 900.0}
_EVALUATION_BOUND, _EVALUATED = 90.0, 8192
_MOST_BITS = 5.0  # a weight of 4 bits on the disk, scales and headers included


@dataclass(frozen=True)
class Config(Effort):
    """Which methods, on which model, calibrated on how much."""

    seed: int = 0
    """The key of methods that rotate."""
    model: str = "smollm2"
    """smollm2 (fetched), tiny (random weights), or a Llama's GGUF file or Hugging Face folder."""
    text: str = "lee"
    """lee (fetched), or a UTF-8 text file."""
    time: int = 512
    """Tokens of a window to evaluate."""
    windows: int = 16
    """Windows to evaluate."""
    methods: tuple[Method, ...] = get_args(Method)
    """How the model is quantized."""
    setting: str = "W4A4"
    """Bits of weights and activations."""
    cold: bool = False
    """Whether nothing that was compiled before may be used."""

    def __post_init__(self) -> None:
        self.check()


@dataclass(frozen=True)
class Trial:
    """One method in a process of its own."""

    model: str
    text: str
    time: int
    windows: int
    method: Method
    setting: str
    draw: int
    cold: bool
    calibration_windows: int
    calibration_time: int
    steps: int
    batch: int
    rate: float


def trials(config: Config) -> Iterator[Trial]:
    """List the methods."""
    base = (config.model, config.text, config.time, config.windows)
    for method in config.methods:
        seen = config.of(method).fields()
        yield Trial(*base, method, config.setting, config.seed, config.cold, **seen)


def run(trial: Trial, key: jax.Array) -> dict[str, Any]:
    """Start the process and read what it says."""
    del key
    names = ("model", "text", "time", "windows", "method", "setting", "draw")
    job = {name: getattr(trial, name) for name in names} | {
        "calibration": asdict(Calibration.of(trial))
    }
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "experiments._cost_worker", json.dumps(job)]
    with tempfile.TemporaryDirectory() as empty:
        # FlatQuant keeps what it has learned among the local results, and would find it there.
        environment |= {"HADAX_RESULTS": empty}
        if trial.cold:
            environment |= {"JAX_COMPILATION_CACHE_DIR": empty}
        try:
            done = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UsageError(f"{trial.method} has not ended in {_PATIENCE_S} seconds.") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise UsageError(f"The process of {trial.method} failed: {said[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def checks(rows: Sequence[Row]) -> list[Check]:
    """Hold times against what was set for them."""
    found = []
    for row in rows:
        statement = f"numbers that come back otherwise from the disk by {row['method']}"
        found.append(Check(statement, "ours, proved", row["disk_differences"], "equals", 0))
    for row in rows if rows[0]["model"] != "tiny" else ():
        if row["method"] in _BOUNDS:
            found.append(
                Check(
                    f"seconds of {row['method']} at {row['setting']}",
                    "measured",
                    row["quantize_seconds"],
                    "at most",
                    _BOUNDS[row["method"]],
                )
            )
        if row["setting"].startswith("W4"):
            statement = f"bits a weight on the disk by {row['method']} at {row['setting']}"
            bits = row["disk_bits_per_weight"]
            found.append(Check(statement, "measured", bits, "at most", _MOST_BITS))
        tokens = row["windows"] * row["time"]
        found.append(
            Check(
                f"seconds to evaluate {_EVALUATED} tokens by {row['method']} at {row['setting']}",
                "measured",
                row["evaluate_seconds"] * _EVALUATED / tokens,
                "at most",
                _EVALUATION_BOUND,
            )
        )
    return found


EXPERIMENT = Experiment(
    name="quantize_cost",
    question="How long does each quantization method take, and how much memory?",
    presets={
        "smoke": Preset(
            Config(model="tiny", time=16, windows=2, methods=("rtn",), calibration_windows=4),
            minutes=0.3,
        ),
        "quick": Preset(Config(windows=4, methods=("rtn",)), minutes=1),
        "paper": Preset(Config(cold=True), minutes=35),
    },
    trials=trials,
    run=run,
    checks=checks,
    timed=True,
)
