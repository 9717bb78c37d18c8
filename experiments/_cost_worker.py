"""One method on one model in a process of its own: `python -m experiments._cost_worker JOB`.

It writes one line of JSON: seconds to quantize and to evaluate, the peak of the process's memory,
which no other method has raised, and what is stored takes on the disk.
"""

import json
import math
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from experiments._effort import Calibration
from experiments._language import judged_tokens, load_corpus, load_model
from experiments._systems import predicted, quantized
from hadax.models import Llama, load_quantized, save_quantized
from hadax.models.methods import Quantized
from hadax.quantization import storage

_KIB = 1024 if sys.platform == "darwin" else 1  # macOS counts bytes
_GIB = 1 << 20


def main(job: dict[str, Any]) -> None:
    """Quantize, then evaluate twice: the first time compiles."""
    seen = Calibration(**job["calibration"])
    model = load_model(job["model"])
    corpus = load_corpus(job["model"], job["text"])
    tokens = judged_tokens(corpus, job["windows"], job["time"])
    loaded = _peak_gib()
    began = time.perf_counter()
    found = quantized(job["model"], job["text"], job["method"], job["setting"], job["draw"], seen)
    jax.block_until_ready((jax.tree.leaves(found.model), list(found.kernels.values())))
    seconds = time.perf_counter() - began
    peak = _peak_gib()
    predicted(found.model, tokens)
    began = time.perf_counter()
    scores = predicted(found.model, tokens)
    evaluation = time.perf_counter() - began
    result = {"quantize_seconds": round(seconds, 2), "evaluate_seconds": round(evaluation, 2)}
    result |= {"loaded_gib": round(loaded, 3), "peak_gib": round(peak, 3)}
    result |= _file(found)
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(model))
    print(json.dumps(result | {"model_gib": round(weights / 2**30, 3), **scores}))


def _file(found: Quantized[Llama]) -> dict[str, float]:
    """What the rounded kernels take on the disk, and how many numbers come back otherwise."""
    entries = sum(math.prod(kernel.shape) for kernel in found.kernels.values())
    with tempfile.TemporaryDirectory() as folder:
        kernels, whole = Path(folder, "kernels"), Path(folder, "whole")
        storage.save(kernels, found.kernels)
        save_quantized(whole, found)
        loaded = load_quantized(whole, found.model)
        bits = 8 * kernels.stat().st_size / entries
    pairs = zip(jax.tree.leaves(loaded), jax.tree.leaves(found.model), strict=True)
    differences = sum(int(jnp.sum(one != other)) for one, other in pairs)
    return {"disk_bits_per_weight": round(bits, 4), "disk_differences": differences}


def _peak_gib() -> float:
    """The most memory that this process has held so far.

    Linux counts in `ru_maxrss` what the process that started this one held, but not in VmHWM.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) / _GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB / _GIB


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
