"""GPUs to lower and compile for on a machine that has none.

Lowering needs JAX alone. Compiling to machine code needs the wheels jax-cuda13-plugin and
jax-cuda13-pjrt and the CUDA tools ptxas and nvlink (from the wheel nvidia-cuda-nvcc, or installed),
and neither a GPU nor a driver. What a program compiles to depends on the numbers below (data sheets
and `cudaDeviceProp`) and on nothing else.
"""

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import topologies
from jax.sharding import AbstractDevice, AbstractMesh, Mesh, NamedSharding, PartitionSpec


@dataclass(frozen=True)
class Target:
    """A GPU, by what its compiler asks: bytes, bytes a second, GHz."""

    kind: str
    capability: tuple[int, int]
    cores: int
    shared: int
    memory: int
    bandwidth: float
    cache: int
    clock: float
    features: str = "NONE"


TARGETS = {
    "sm_80": Target("NVIDIA A100", (8, 0), 108, 166912, 80 << 30, 2.04e12, 40 << 20, 1.41),
    "sm_89": Target("NVIDIA L4", (8, 9), 58, 101376, 24 << 30, 0.3e12, 48 << 20, 2.04),
    "sm_90": Target(
        "NVIDIA H200",
        (9, 0),
        132,
        232448,
        141 << 30,
        4.8e12,
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
        8e12,
        126 << 20,
        1.96,
        "ACCELERATED_FEATURES",
    ),
}


def search_path() -> str:
    """Where programs are: PATH, and then the wheel nvidia-cuda-nvcc beside that of JAX's plugin."""
    plugin = importlib.util.find_spec("jax_cuda13_plugin")
    wheels = [Path(plugin.origin).parents[1]] if plugin and plugin.origin else []
    tools = [str(folder / "nvidia/cu13/bin") for folder in wheels]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *tools])


def missing() -> str | None:
    """What compiling to machine code lacks here, or None."""
    wheels = [name for name in ("jax_cuda13_plugin",) if importlib.util.find_spec(name) is None]
    tools = [name for name in ("ptxas", "nvlink") if shutil.which(name, path=search_path()) is None]
    return f"needs {' and '.join(wheels + tools)}" if wheels + tools else None


@contextmanager
def abstract_device(target: str) -> Iterator[None]:
    """Lower for this GPU inside."""
    device = AbstractDevice(device_kind=TARGETS[target].kind, num_cores=None, platform="gpu")
    with jax.sharding.use_abstract_mesh(AbstractMesh((), (), abstract_device=device)):
        yield


@functools.cache
def devices(target: str, count: int = 1) -> np.ndarray:
    """Devices that compile and do not run."""
    gpu = TARGETS[target]
    major, minor = gpu.capability
    text = f"""gpu_device_info {{
      threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
      shared_memory_per_block: 49152 shared_memory_per_block_optin: {gpu.shared}
      shared_memory_per_core: {gpu.shared + 1024}
      core_count: {gpu.cores} fpus_per_core: 128 clock_rate_ghz: {gpu.clock}
      block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
      memory_bandwidth: {gpu.bandwidth:.0f} device_memory_size: {gpu.memory}
      l2_cache_size: {gpu.cache}
      registers_per_core_limit: 65536 registers_per_block_limit: 65536
      cuda_compute_capability {{ major: {major} minor: {minor} feature_extension: {gpu.features} }}
    }}
    platform_name: "CUDA"
    dnn_version_info {{ major: 9 minor: 10 patch: 0 }}
    device_description_str: "{gpu.kind}"
    """
    found = topologies.get_topology_desc(
        platform="cuda", target_config=text, topology=f"1x1x{count}"
    )
    return np.array(found.devices)


def compiled(
    function: Callable[..., Any], *args: jax.ShapeDtypeStruct, target: str, options: Any = None
) -> Any:
    """The program for a GPU, or for those of the shardings of `args`."""
    mesh = Mesh(devices(target), ("one",))
    placed = [
        jax.ShapeDtypeStruct(
            arg.shape, arg.dtype, sharding=arg.sharding or NamedSharding(mesh, PartitionSpec())
        )
        for arg in args
    ]
    # The partitioner calls back into lowering, so the device is known during compilation too.
    with abstract_device(target):
        lowered = jax.jit(function).trace(*placed).lower(lowering_platforms=("cuda",))
        return lowered.compile(compiler_options=options)


def kernels(
    function: Callable[..., Any], *args: jax.ShapeDtypeStruct, target: str
) -> list[dict[str, Any]]:
    """Name, registers, bytes spilled and bytes of static shared memory of each kernel."""
    with tempfile.TemporaryDirectory() as folder:
        options = {"xla_dump_to": folder}
        if jax.__version_info__ >= (0, 11):
            options["xla_dump_emitter_re"] = ".*"
        compiled(function, *args, target=target, options=options)
        texts = {path: path.read_text() for path in sorted(Path(folder).glob("*.ptx"))}
        return [_assembled(path, text) for path, text in texts.items() if ".entry" in text]


def _assembled(path: Path, text: str) -> dict[str, Any]:
    """What the assembler says of a kernel."""
    (name,) = re.findall(r"\.entry\s+(\w+)", text)
    (architecture,) = re.findall(r"\.target\s+([a-z0-9_]+)", text)
    command = ["ptxas", "-v", f"-arch={architecture}", str(path), "-o", f"{path}.cubin"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    log = run.stdout + run.stderr
    return {
        "name": name,
        "registers": max(map(int, re.findall(r"Used (\d+) registers", log))),
        "spilled": sum(map(int, re.findall(r"(\d+) bytes spill", log))),
    }
