"""Rows of `scaling` from a machine that keeps to the model exactly."""

import jax

from experiments import scaling
from experiments._scaling_fit import exchange_bytes
from experiments._scaling_model import EXCHANGES

START, LATENCY, BANDWIDTH = 3e-5, 1e-5, 1e9  # seconds, seconds, bytes a second
LOCAL = 1e-8  # seconds a point


def rows(**settings):
    """Every trial's row; a time is local stages + start + E (latency + bytes / bandwidth)."""
    config = scaling.Config(log2_n=(12, 14, 16, 18), rounds=9, **settings)
    found = []
    for number, trial in enumerate(scaling.trials(config)):
        row = {"id": f"{number:016x}", **vars(trial)}
        if isinstance(trial, scaling.Carried):
            result = scaling.run(trial, jax.random.key(0))
            found.append({**row, "numbers": vars(trial.numbers), **result})
        else:
            found.append({**row, **measured(row)})
    return found


def measured(row):
    """The result of a trial that is measured."""
    local = LOCAL * 2 ** row["log2_n"]
    sent = exchange_bytes(row)
    result = {"seconds_local": [local] * 9, "sent_local": 0.0, "error": 1e-7, "backend": "xla"}
    for layout, exchanges in EXCHANGES.items():
        seconds = local + START + exchanges * (LATENCY + sent / BANDWIDTH)
        result |= {f"seconds_{layout}": [seconds] * 9, f"sent_{layout}": exchanges * sent}
    return result
