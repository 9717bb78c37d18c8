"""How a CUDA program computes the transform: by a kernel, on every device for its own rows.

A kernel is one opaque operation to XLA. Left to itself the partitioner gathers its operand on every
device; it is told here that rows are independent, and then it moves nothing (the tests read the
compiled program of four GPUs). Where that cannot be said, XLA computes the transform.
"""

import functools
import importlib
import warnings
from collections.abc import Sequence
from typing import Any

import jax
from jax.experimental.custom_partitioning import custom_partitioning
from jax.interpreters import mlir
from jax.sharding import NamedSharding, PartitionSpec

from hadax import _checks

# Pallas is imported when a CUDA program is made, and not by `import hadax`.
_BACKENDS = {"triton": "hadax.kernels._triton", "mosaic_gpu": "hadax.kernels._mosaic_gpu"}


def lower_wht(
    ctx: Any,
    *args: Any,
    n: int,
    order: str = "natural",
    implementation: str | None = None,
    transpose: bool = False,
    scale: float = 1.0,
    side: str = "before",
) -> Sequence[Any] | None:
    """The lowering of the Walsh-Hadamard transform for CUDA, or None where XLA computes it."""
    if order != "natural" or implementation not in (None, *_BACKENDS):
        return None
    refusal = _refusal(ctx, n, implementation)
    if refusal is not None:
        if implementation is not None:
            _checks.backend_cannot(implementation, refusal)
        return None
    if _is_one_device(ctx.module_context.axis_context):
        backend = importlib.import_module(_BACKENDS[implementation or "triton"])
        options = {"after": side == "after", "scale": scale, "transpose": transpose}
        local = functools.partial(backend.hadamard, **options)
    else:
        given = {"implementation": implementation, "transpose": transpose or None}
        given |= {"scale": scale, "side": side if len(args) > 1 else None}
        given = {name: value for name, value in given.items() if value is not None}
        local = _on_every_device(functools.partial(ctx.primitive.bind, n=n, **given), len(args))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The Pallas Triton backend", DeprecationWarning)
        return mlir.lower_fun(local, multiple_results=False)(ctx, *args)


def _refusal(ctx: Any, n: int, implementation: str | None) -> str | None:
    """Why this array is not for a kernel, or None."""
    aval = ctx.avals_in[0]
    if not all(isinstance(d, int) for d in aval.shape):
        return "a dimension is symbolic"
    if aval.size == 0:
        return "the array is empty"
    module = ctx.module_context
    if implementation is None and module.lowering_parameters.for_export:
        return "an exported program must run on other GPUs and versions"
    if not _is_one_device(module.axis_context):
        if getattr(module.axis_context, "device_assignment", None) is None:
            return "some axes of the mesh are left to the partitioner"
        if not jax.config.jax_use_shardy_partitioner:
            return "the partitioner is not Shardy"
    backend = importlib.import_module(_BACKENDS[implementation or "triton"])
    return backend.refusal(n, aval.dtype)


def _is_one_device(axis_context: Any) -> bool:
    """Whether what is lowered runs as it is on each device: one of one, or of a manual mesh."""
    if hasattr(axis_context, "manual_axes"):
        return set(axis_context.manual_axes) == set(axis_context.mesh.axis_names)
    return getattr(axis_context, "num_devices", 1) == 1


def _on_every_device(whole: Any, operands: int) -> Any:
    """`whole` with its rows wherever the program has them; each device transforms its own."""
    apart = custom_partitioning(whole)

    def partition(mesh: Any, args: Any, _: Any) -> Any:
        x, *signs = args
        # The last axis may still be spread over devices here: it is gathered, the rows stay.
        rows = NamedSharding(mesh, PartitionSpec(*x.sharding.spec[: len(x.shape) - 1]))
        return mesh, whole, rows, (rows, *(NamedSharding(mesh, PartitionSpec()) for _ in signs))

    signs = ", n" if operands > 1 else ""
    apart.def_partition(
        partition=partition,
        sharding_rule=f"... n{signs} -> ... n",
        need_replication_factors=("n",),
    )
    return apart
