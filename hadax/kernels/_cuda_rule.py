"""How a CUDA program runs a kernel: on every device for its own rows, or not at all.

A kernel is one opaque operation to XLA. Left to itself the partitioner gathers its operand on every
device; it is told here that rows are independent, and then it moves nothing (the tests read the
compiled program of four GPUs). Where that cannot be said, XLA computes the transform.
"""

import functools
import importlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.custom_partitioning import custom_partitioning
from jax.interpreters import mlir
from jax.sharding import NamedSharding, PartitionSpec

from hadax import _checks
from hadax._linear_primitive import is_spread

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
    given = {
        "n": n,
        "implementation": implementation,
        "transpose": transpose or None,
        "scale": scale,
        "side": side if len(args) > 1 else None,
    }
    again = {name: value for name, value in given.items() if value is not None}
    return lower_kernel(
        ctx,
        args,
        _BACKENDS[implementation or "triton"],
        lambda backend: backend.refusal(n, ctx.avals_in[0].dtype),
        lambda backend: functools.partial(
            backend.hadamard, after=side == "after", scale=scale, transpose=transpose
        ),
        functools.partial(ctx.primitive.bind, **again),
        implementation=implementation,
    )


def lower_kernel(
    ctx: Any,
    args: Sequence[Any],
    module: str,
    refusal: Callable[[Any], str | None],
    local: Callable[[Any], Callable[..., Any]],
    again: Callable[..., Any],
    *,
    implementation: str | None = None,
) -> Sequence[Any] | None:
    """The lowering of a kernel that works on rows, or None where XLA is to do its work.

    Of the backend's module `refusal` says why it cannot and `local` gives the kernel; `again` binds
    the primitive once more, for the rows of one device. It is an error if a backend that was asked
    for as `implementation` cannot.
    """
    reason = _placement_refusal(ctx, implementation)
    if reason is None:
        try:
            backend = importlib.import_module(module)
        except ImportError as error:
            reason = f"this JAX does not have it: {error}"
        else:
            reason = refusal(backend)
    if reason is not None:
        if implementation is not None:
            _checks.backend_cannot(implementation, reason)
        return None
    function = _on_every_device(again, ctx) if is_spread(ctx) else local(backend)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The Pallas Triton backend", DeprecationWarning)
        return mlir.lower_fun(function, multiple_results=ctx.primitive.multiple_results)(ctx, *args)


def availability(implementation: str) -> tuple[bool, str]:
    """Whether a backend can be used on the first device, and why."""
    if jax.default_backend() not in ("gpu", "cuda"):
        return False, "the default device is no GPU"
    try:
        backend = importlib.import_module(_BACKENDS[implementation])
    except ImportError as error:
        return False, f"this JAX does not have it: {error}"
    refusal = backend.refusal(4096, jnp.dtype(jnp.bfloat16))
    return refusal is None, refusal or backend.STATUS


def _placement_refusal(ctx: Any, implementation: str | None) -> str | None:
    """Why no kernel can be placed here, or None."""
    if not all(isinstance(d, int) for aval in ctx.avals_in for d in aval.shape):
        return "a dimension is symbolic"
    if not all(aval.size for aval in ctx.avals_in):
        return "the array is empty"
    module = ctx.module_context
    if implementation is None and module.lowering_parameters.for_export:
        return "an exported program must run on other GPUs and with other versions"
    if is_spread(ctx):
        if getattr(module.axis_context, "device_assignment", None) is None:
            return "some axes of the mesh are left to the partitioner"
        if module.axis_context.abstract_mesh is None:
            return "the devices form no mesh"
        if not getattr(jax.config, "jax_use_shardy_partitioner", True):
            return "the partitioner is not Shardy"
    return None


def _on_every_device(whole: Callable[..., Any], ctx: Any) -> Callable[..., Any]:
    """`whole` with its rows wherever the program has them, each device working on its own."""
    apart = custom_partitioning(whole)
    is_vector = [i > 0 and operand.ndim == 1 for i, operand in enumerate(ctx.avals_in)]
    results = len(ctx.avals_out)

    def partition(mesh: Any, args: Any, _: Any) -> Any:
        # The last axis may still be spread over devices here: it is gathered, the rows stay.
        first = args[0]
        rows = NamedSharding(mesh, PartitionSpec(*first.sharding.spec[: len(first.shape) - 1]))
        shared = NamedSharding(mesh, PartitionSpec())
        ours = tuple(shared if vector else rows for vector in is_vector)
        return mesh, whole, [rows] * results if ctx.primitive.multiple_results else rows, ours

    # Rows are the leading axes of every array but the vectors, and each last axis is its own.
    lasts = [f"n{i}" for i in range(len(is_vector) + results)]
    operands = [
        last if vector else f"... {last}" for last, vector in zip(lasts, is_vector, strict=False)
    ]
    apart.def_partition(
        partition=partition,
        sharding_rule=f"{', '.join(operands)} -> "
        + ", ".join(f"... {last}" for last in lasts[len(is_vector) :]),
        need_replication_factors=tuple(lasts),
    )
    return apart
