"""Where a result comes from: commit, packages, device, settings of JAX, time."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

PACKAGES = (
    *("jax", "jaxlib", "numpy", "scipy", "flax", "optax", "gguf", "tokenizers", "pillow"),
    "scikit-learn",
    *("torch", "fht-cpu", "ffht-unofficial", "pyfwht", "qmcpy", "fastgps"),
)


def provenance() -> dict[str, Any]:
    """Return what a reader needs to know to make the same result again."""
    return {
        "utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "git": git_state(),
        "packages": {"python": platform.python_version(), **_versions()},
        "device": jax.devices()[0].device_kind,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "cpu": cpu_model(),
        "x64": jnp.asarray(0.0).dtype.itemsize == 8,
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def cpu_model() -> str:
    """Return what the processor calls itself; empty where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # no Linux
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


def git_state() -> dict[str, Any] | None:
    """Return the commit and whether files differ from it; None outside of a git checkout."""
    root = Path(__file__).parent.parent
    try:
        if Path(_git(root, "rev-parse", "--show-toplevel")) != root.resolve():
            return None  # an unpacked archive inside of somebody else's checkout
        commit = _git(root, "rev-parse", "HEAD")
        # Results are not part of what makes results.
        changes = _git(root, "status", "--porcelain", "--", ".", ":!experiments/results")
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit, "dirty": bool(changes)}


def name_state(git: dict[str, Any] | None) -> str:
    """Return what `git_state` found, in a few words."""
    if git is None:
        return "no git checkout"
    return f"commit {git['commit'][:10]}" + " + changes" * git["dirty"]


def name_states(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return every state of the code that added to the results of these runs."""
    return ", ".join(dict.fromkeys(name_state(run["git"]) for run in runs))


def _git(root: Path, *args: str) -> str:
    """Return what git prints."""
    command = ["git", "-C", str(root), *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _versions() -> dict[str, str]:
    """Return the versions of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
