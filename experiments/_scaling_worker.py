"""One of the processes of a trial of `scaling`: `python -m experiments._scaling_worker JOB RANK`.

The job is JSON: {"processes", "devices" (of each process), "log2_n", "rounds", "seed", "port"}. All
processes run the same programs in the same order; process 0 prints the times as JSON.
"""

import functools
import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import hadax
from hadax import distributed
from hadax.kernels import _reference, _xla

SPEC = P("d")


def main(job: dict[str, Any], rank: int) -> None:
    """Measure, and print what process 0 has measured."""
    start(job, rank)
    mesh = jax.make_mesh((job["processes"] * job["devices"],), ("d",))
    x = np.random.default_rng(job["seed"]).standard_normal(1 << job["log2_n"]).astype(np.float32)
    array = jax.make_array_from_callback(x.shape, NamedSharding(mesh, SPEC), lambda index: x[index])
    programs = {
        name: jax.jit(program).lower(array).compile()
        for name, program in all_programs(mesh).items()
    }
    seconds = measure(programs, array, job["rounds"])
    result = {
        **{f"seconds_{name}": times for name, times in seconds.items()},
        **{f"sent_{name}": sent_bytes(str(programs[name].as_text())) for name in programs},
        "error": relative_error(programs["natural"](array), x),
        "backend": next(one.implementation for one in hadax.backends() if one.available),
    }
    if job["processes"] > 1:
        jax.distributed.shutdown()
    if rank == 0:
        print(json.dumps(result))


def start(job: dict[str, Any], rank: int) -> None:
    """Make the devices, and find the other processes."""
    jax.config.update("jax_num_cpu_devices", job["devices"])
    if job["processes"] > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"localhost:{job['port']}", job["processes"], rank)


def all_programs(mesh: Mesh) -> dict[str, Callable[[jax.Array], jax.Array]]:
    """The transform with two exchanges and with one, and its local stages without any."""
    p = mesh.size
    transform = functools.partial(distributed.fwht_sharded, mesh=mesh, spec=SPEC)

    def local(x: jax.Array) -> jax.Array:
        # As the stages of `hadax.distributed`: across p pieces, then the whole block.
        pieces = _xla.walsh_at_stride(x, p, x.size // p, scale=p**-0.5)
        return hadax.fwht(pieces)

    return {
        "natural": transform,
        "transposed": functools.partial(transform, transposed=True),
        "local": jax.shard_map(local, mesh=mesh, in_specs=SPEC, out_specs=SPEC),
    }


def measure(
    programs: dict[str, Callable[[jax.Array], jax.Array]], x: jax.Array, rounds: int
) -> dict[str, list[float]]:
    """Seconds of single calls, round-robin, with the order reversed every other round."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for name in programs:  # the first call of each is not counted
        programs[name](x).block_until_ready()
    for number in range(rounds):
        for name in list(programs)[:: 1 if number % 2 else -1]:
            began = time.perf_counter()
            programs[name](x).block_until_ready()
            seconds[name].append(float(f"{time.perf_counter() - began:.4g}"))
    return seconds


def sent_bytes(program: str) -> float:
    """Bytes that each device sends, by the all-to-alls of a compiled program.

    There, an all-to-all has one operand for each device; its own stays where it is.
    """
    total = 0.0
    for result in re.findall(r"= \((.*)\) all-to-all\(", program):
        sizes = [points(shape) for shape in re.findall(r"f32\[([\d,]*)\]", result)]
        total += 4 * sum(sizes) * (len(sizes) - 1) / len(sizes)
    return total


def points(shape: str) -> int:
    """The number of points of a shape as the program's text has it."""
    return int(np.prod([int(length) for length in shape.split(",")]))


def relative_error(y: jax.Array, x: np.ndarray) -> float:
    """|y - right| / |right| in the l2 norm, over what this process has of y."""
    right = _reference.butterfly(x.astype(np.float64)) / np.sqrt(len(x))
    parts = [(np.asarray(shard.data), right[shard.index]) for shard in y.addressable_shards]
    wrong = sum(float(np.sum((a - b) ** 2)) for a, b in parts)
    return (wrong / sum(float(np.sum(b**2)) for _, b in parts)) ** 0.5


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
