"""GPUs to lower and compile for on a machine that has none.

Lowering needs JAX alone. Compiling to machine code needs the wheels jax-cuda13-plugin and
jax-cuda13-pjrt and the CUDA tools ptxas and nvlink, but neither a GPU nor a driver. What a program
compiles to depends on the numbers below (data sheets and `cudaDeviceProp`) and on nothing else.
"""

import functools
import glob
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.experimental import topologies
from jax.sharding import AbstractDevice, AbstractMesh, Mesh, NamedSharding, PartitionSpec


@dataclass(frozen=True)
class Target:
    """A GPU, by what its compiler asks."""

    kind: str
    capability: tuple[int, int]
    cores: int
    shared_bytes: int
    memory_bytes: int
    bandwidth: int
    cache_bytes: int
    clock_ghz: float
    features: str


TARGETS = {
    "sm_89": Target("NVIDIA L4", (8, 9), 58, 101376, 24 << 30, 300 * 10**9, 48 << 20, 2.04, "NONE"),
    "sm_80": Target(
        "NVIDIA A100", (8, 0), 108, 166912, 80 << 30, 2039 * 10**9, 40 << 20, 1.41, "NONE"
    ),
    "sm_90": Target(
        "NVIDIA H200",
        (9, 0),
        132,
        232448,
        141 << 30,
        4800 * 10**9,
        50 << 20,
        1.98,
        "ACCELERATED_FEATURES",
    ),
    "sm_100": Target(
        "NVIDIA B200",
        (10, 0),
        148,
        232448,
        180 << 30,
        8000 * 10**9,
        126 << 20,
        1.965,
        "ACCELERATED_FEATURES",
    ),
}


def missing() -> str | None:
    """What compiling to machine code lacks here, or None."""
    wheels = [
        name for name in ("jax_cuda13_plugin", "jax_plugins") if not importlib.util.find_spec(name)
    ]
    tools = [name for name in ("ptxas", "nvlink") if shutil.which(name) is None]
    return f"needs {', '.join(wheels + tools)}" if wheels + tools else None


@contextmanager
def abstract_device(target: str) -> Iterator[None]:
    """Lower for this GPU inside."""
    device = AbstractDevice(device_kind=TARGETS[target].kind, num_cores=None, platform="gpu")
    with jax.sharding.use_abstract_mesh(AbstractMesh((), (), abstract_device=device)):
        yield


@functools.cache
def devices(target: str, count: int = 1) -> list[Any]:
    """Devices that compile and do not run."""
    t = TARGETS[target]
    text = f"""gpu_device_info {{
      threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
      shared_memory_per_block: 49152 shared_memory_per_core: {t.shared_bytes + 1024}
      shared_memory_per_block_optin: {t.shared_bytes}
      core_count: {t.cores} fpus_per_core: 128 clock_rate_ghz: {t.clock_ghz}
      block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
      memory_bandwidth: {t.bandwidth} device_memory_size: {t.memory_bytes} l2_cache_size: {t.cache_bytes}
      cuda_compute_capability {{
        major: {t.capability[0]} minor: {t.capability[1]} feature_extension: {t.features}
      }}
      registers_per_core_limit: 65536 registers_per_block_limit: 65536
    }}
    platform_name: "CUDA"
    dnn_version_info {{ major: 9 minor: 10 patch: 0 }}
    device_description_str: "{t.kind}"
    """
    found = topologies.get_topology_desc(
        platform="cuda", target_config=text, topology=f"1x1x{count}"
    )
    return list(found.devices)


def compiled(function: Callable[..., Any], *shapes: Any, target: str, options: Any = None) -> Any:
    """The program for one GPU; `shapes` are (shape, dtype)."""
    mesh = Mesh(np.array(devices(target)), ("x",))
    args = [
        jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, PartitionSpec()))
        for shape, dtype in shapes
    ]
    with abstract_device(target):
        lowered = jax.jit(function).trace(*args).lower(lowering_platforms=("cuda",))
    return lowered.compile(compiler_options=options)


def resources(function: Callable[..., Any], *shapes: Any, target: str) -> list[dict[str, Any]]:
    """Registers, bytes spilled and bytes of shared memory of every kernel of the program."""
    with tempfile.TemporaryDirectory() as folder:
        options = {"xla_dump_to": folder, "xla_dump_emitter_re": ".*"}
        if jax.__version_info__ < (0, 11):
            del options["xla_dump_emitter_re"]
        compiled(function, *shapes, target=target, options=options)
        return [
            _assemble(path)
            for path in sorted(glob.glob(f"{folder}/*.ptx"))
            if ".entry" in open(path).read()
        ]


def _assemble(path: str) -> dict[str, Any]:
    text = open(path).read()
    arch = re.search(r"\.target\s+([a-z0-9_]+)", text).group(1)
    run = subprocess.run(
        ["ptxas", "-v", f"-arch={arch}", path, "-o", path + ".cubin"],
        capture_output=True,
        text=True,
        check=True,
    )
    log = run.stderr + run.stdout
    spills = [int(b) for b in re.findall(r"(\d+) bytes spill", log)]
    return dict(
        names=re.findall(r"\.entry\s+(\w+)", text),
        registers=max(map(int, re.findall(r"Used (\d+) registers", log))),
        spilled=sum(spills),
        shared=max(map(int, re.findall(r"(\d+) bytes smem", log)), default=0),
    )
