"""Compile for GPUs in a process of its own, and print what came out as JSON.

A process of its own, because a compiler that meets what it cannot do may end it, and because the
wheels it needs must not be seen by other tests.
"""

import functools
import json
import sys
import warnings
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

import hadax
from hadax.kernels import _fused, _gpu_plan, _triton
from hadax.quantization import rotate_and_quantize
from tests.kernels import gpu_targets


def spills(target: str, *lengths: str) -> dict[str, Any]:
    """length, dtype -> the kernels of its transform."""
    found = {}
    generation = "sm_80" if target == "sm_89" else target
    for n in map(int, lengths):
        for dtype in _gpu_plan.DTYPES:
            passes = _gpu_plan.plan(n, dtype, generation)
            function = functools.partial(_triton.hadamard, scale=n**-0.5, passes=passes)
            x = jax.ShapeDtypeStruct((1000, n), dtype)
            found[f"{n} {dtype}"] = gpu_targets.kernels(function, x, target=target)
    return found


def fused(target: str) -> dict[str, Any]:
    """kernel -> what it needs."""
    signs = jax.ShapeDtypeStruct((4096,), jnp.int8)
    planes = jax.ShapeDtypeStruct((1000, 24), jnp.uint32)
    scales = jax.ShapeDtypeStruct((1000, 1), jnp.float32)
    ungroup = functools.partial(_fused.ungroup, bits=3, dtype=jnp.dtype(jnp.bfloat16))
    found = {"ungroup": gpu_targets.kernels(ungroup, planes, scales, target=target)}
    for grid in ("int8", "int4", "fp8") if target != "sm_80" else ("int8", "int4"):
        for dtype in ("float32", "bfloat16"):
            function = functools.partial(_fused.quantize, grid=grid)
            x = jax.ShapeDtypeStruct((1000, 4096), dtype)
            found[f"{grid} {dtype}"] = gpu_targets.kernels(function, x, signs, target=target)
    return found


def placements(target: str) -> dict[str, Any]:
    """How the array is spread over four GPUs -> the compiled program."""
    four = gpu_targets.devices(target, 4).reshape(2, 2)
    mesh = Mesh(four, ("a", "b"))
    explicit = Mesh(four, ("a", "b"), axis_types=(AxisType.Explicit,) * 2)

    def array(shape: tuple[int, ...], mesh: Mesh, *spec: str | None) -> jax.ShapeDtypeStruct:
        sharding = NamedSharding(mesh, PartitionSpec(*spec))
        return jax.ShapeDtypeStruct(shape, jnp.bfloat16, sharding=sharding)

    rows = PartitionSpec("a")
    manual = jax.shard_map(hadax.fwht, mesh=mesh, in_specs=rows, out_specs=rows)
    partly = jax.shard_map(hadax.fwht, mesh=mesh, in_specs=rows, out_specs=rows, axis_names={"a"})
    mosaic = functools.partial(hadax.fwht, implementation="mosaic_gpu")
    programs = {
        "auto": (hadax.fwht, array((64, 4096), mesh, "a")),
        "auto, two axes": (hadax.fwht, array((8, 8, 4608), mesh, "a", "b")),
        "auto, gradient": (jax.grad(_loss), array((64, 4096), mesh, "a")),
        "auto, replicated": (hadax.fwht, array((4096,), mesh)),
        "manual": (manual, array((64, 4096), mesh, "a")),
        "partly manual": (partly, array((64, 4096), mesh, "a")),
        "auto, quantized": (rotate_and_quantize, array((64, 4096), mesh, "a")),
        "explicit, quantized": (rotate_and_quantize, array((64, 4096), explicit, "a", None)),
        "manual, Mosaic": (
            jax.shard_map(mosaic, mesh=mesh, in_specs=rows, out_specs=rows),
            array((64, 4096), mesh, "a"),
        ),
        "auto, Mosaic": (mosaic, array((64, 4096), mesh, "a")),
        "explicit": (hadax.fwht, array((64, 4096), explicit, "a", None)),
        "explicit, vmap": (jax.vmap(hadax.fwht), array((4, 64, 4096), explicit, None, "a", None)),
    }
    return {
        name: gpu_targets.compiled(function, x, target=target).as_text()
        for name, (function, x) in programs.items()
    }


def _loss(x: jax.Array) -> jax.Array:
    """A function whose gradient transforms twice."""
    return jnp.sum(jnp.sin(hadax.fwht(x).astype(jnp.float32)))


_WORK = {"spills": spills, "fused": fused, "placements": placements}

if __name__ == "__main__":
    warnings.filterwarnings("ignore", "The Pallas Triton backend", DeprecationWarning)
    jax.devices()  # JAX has started, and on four GPUs: as it is where these programs would run
    with (
        mock.patch.object(jax, "default_backend", return_value="gpu"),
        mock.patch.object(jax, "device_count", return_value=4),
    ):
        print(json.dumps(_WORK[sys.argv[1]](*sys.argv[2:])))
