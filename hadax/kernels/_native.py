"""The C++ kernel for CPUs: loaded once, if it was built, and called from compiled programs.

It works in place wherever XLA may overwrite the operand, and in XLA's own threads.
"""

import ctypes
import dataclasses
import functools
import os
import re
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.interpreters import mlir

from hadax import _checks
from hadax._bits import is_power_of_two
from hadax._linear_primitive import is_spread
from hadax.kernels import _hadamard_orders

LIBRARY = Path(__file__).parent / "native/libhadax.so"
_TARGETS = ("hadax_wht", "hadax_wht_signed", "hadax_fftbr")
_FLOATS = ("float32", "float64", "bfloat16", "float16", "complex64", "complex128")
_DTYPES = (*_FLOATS, "int32", "int64", "uint32", "uint64")
# One vector that is all dense factor fills a single lane: up to here XLA's product is faster.
_LONELY = 2048
_MOST_AXES = 12  # the names that a sharding rule has for them


@dataclasses.dataclass(frozen=True)
class Library:
    """What became of loading the library: its instruction set, or why there is none."""

    instruction_set: str | None
    reason: str


@functools.cache
def library() -> Library:
    """Load the library and tell XLA of its functions."""
    if not LIBRARY.exists():
        return Library(None, "it was not built: install hadax from source with a C++ compiler")
    try:
        handle = ctypes.CDLL(str(LIBRARY))
        major, minor = handle.hadax_ffi_major(), handle.hadax_ffi_minor()
        capsules = {name: jax.ffi.pycapsule(getattr(handle, name)) for name in _TARGETS}
    except (OSError, AttributeError) as error:
        return Library(None, f"{LIBRARY.name} could not be loaded: {error}")
    # A handler of an interface newer than XLA's would keep the CPU backend from starting.
    known = _interface_version()
    if known is None or major != known[0] or minor > known[1]:
        return Library(
            None, f"it was built for jax.ffi {major}.{minor}, but jaxlib has {known}: install anew"
        )
    for name, capsule in capsules.items():
        jax.ffi.register_ffi_target(name, capsule, platform="cpu")
        jax.ffi.register_ffi_target_as_batch_partitionable(name)
    handle.hadax_isa.restype = ctypes.c_char_p
    instructions = handle.hadax_isa().decode()
    wanted = os.environ.get("HADAX_ISA", instructions)
    remark = "" if wanted == instructions else f"; HADAX_ISA={wanted} is not among this machine's"
    return Library(instructions, f"built, with {instructions} instructions{remark}")


def _interface_version() -> tuple[int, int] | None:
    """The version of jaxlib's FFI, from the header it ships: (major, minor)."""
    header = Path(jax.ffi.include_dir()) / "xla/ffi/api/c_api.h"
    try:
        text = header.read_text()
    except OSError:
        return None
    found = [re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR")]
    return (int(found[0][1]), int(found[1][1])) if found[0] and found[1] else None


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
    """The lowering of the Walsh-Hadamard transform for CPUs, or None where XLA computes it."""
    if order != "natural" or not _serves(ctx, implementation):
        return None
    if implementation is None and _is_lonely(ctx.avals_in[0]):
        return None
    attributes: dict[str, Any] = {"scale": np.float64(scale), "patterns": _patterns(n, transpose)}
    if len(args) == 1:
        return _call(ctx, "hadax_wht", args, attributes)
    if is_spread(ctx):
        return None  # the partitioner would spread the signs as it spreads the rows
    attributes["after"] = np.bool_(side == "after")
    return _call(ctx, "hadax_wht_signed", args, attributes)


def lower_fftbr(
    ctx: Any,
    x: Any,
    *,
    n: int,
    implementation: str | None = None,
    inverse: bool = False,
    transpose: bool = False,
) -> Sequence[Any] | None:
    """The lowering of the bit-reversed Fourier transform for CPUs, or None: JAX computes it."""
    if not _serves(ctx, implementation):
        return None
    backwards = inverse != transpose  # natural order in, bit-reversed order out
    attributes = {"conjugate": np.bool_(inverse), "transpose": np.bool_(backwards)}
    return _call(ctx, "hadax_fftbr", (x,), {"scale": np.float64(n**-0.5), **attributes})


def _serves(ctx: Any, implementation: str | None) -> bool:
    """Whether the library may compute this and can; an error if it has to and cannot."""
    if implementation not in (None, "native"):
        return False
    refusal = _refusal(ctx)
    if refusal is not None and implementation == "native":
        _checks.backend_cannot("native", refusal)
    return refusal is None


def _refusal(ctx: Any) -> str | None:
    """Why this array is not for the library, or None."""
    aval = ctx.avals_in[0]
    if library().instruction_set is None:
        return library().reason
    if aval.dtype.name not in _DTYPES:
        return f"it has no kernel for {aval.dtype.name}"
    if not all(isinstance(d, int) for d in aval.shape):
        return "a dimension is symbolic"
    if ctx.module_context.lowering_parameters.for_export:
        return "an exported program must run where there is no such library"
    if len(aval.shape) > _MOST_AXES:
        return f"it has more than {_MOST_AXES} axes"
    return None


def _is_lonely(aval: Any) -> bool:
    """Whether this is one vector whose length has no factor of butterflies."""
    n = aval.shape[-1]
    return aval.size == n <= _LONELY and _hadamard_orders.decompose(n)[1] == 0


@functools.lru_cache(maxsize=64)
def _patterns(n: int, transpose: bool) -> np.ndarray:
    """The dense factor of the length n, four signs of a row an entry (native/dense.h)."""
    if is_power_of_two(n):
        return np.zeros(0, np.uint16)
    m, _ = _hadamard_orders.decompose(n)
    base = _hadamard_orders.base_matrix(m)
    negative = (base.T if transpose else base) < 0
    bits = negative.reshape(m // 4, 4, m // 4, 4).transpose(0, 2, 1, 3)
    return np.packbits(bits, axis=-1, bitorder="little").reshape(-1).astype(np.uint16) * 64


def _call(ctx: Any, target: str, args: Sequence[Any], attributes: dict[str, Any]) -> Sequence[Any]:
    """A call of the library, in place where the operand may be overwritten."""
    rule = jax.ffi.ffi_lowering(
        target,
        operand_output_aliases=None if _is_kept(args[0]) else {0: 0},
        extra_attributes=_partitioned(ctx.avals_in[0].shape) if len(args) == 1 else None,
    )
    return rule(ctx, *args, **attributes)


def _is_kept(x: Any) -> bool:
    """Whether x is an argument of the whole program that its caller keeps.

    XLA copies such an operand of a call that works in place, in one thread and before the library
    has asked for large pages. Any other operand is best overwritten, as far as can be seen here: an
    argument of a function inside the program may be one that is kept.
    """
    while not isinstance(x.owner, mlir.ir.Block):
        operation = x.owner.operation
        if operation.name != "stablehlo.reshape":
            return False
        x = operation.operands[0]
    function: Any = x.owner.owner.operation
    if function.name != "func.func" or function.attributes["sym_name"].value != "main":
        return False
    given = function.attributes["arg_attrs"][mlir.ir.BlockArgument(x).arg_number]
    return not any(name in given for name in ("tf.aliasing_output", "jax.buffer_donor"))


def _partitioned(shape: tuple[int, ...]) -> dict[str, Any]:
    """How the partitioner of an automatic mesh is told that rows are independent."""
    *batch, n = shape
    # Factors are named i, j, ... in order of their first appearance.
    names = iter(string.ascii_lowercase[string.ascii_lowercase.index("i") :])
    rows = [next(names) for _ in batch]
    before, after = next(names), next(names)
    sizes = [*zip(rows, batch, strict=True), (before, n), (after, n)]
    rule = (
        f"#sdy.op_sharding_rule<([{', '.join([*rows, before])}])->([{', '.join([*rows, after])}])"
        f" {{{', '.join(f'{name}={size}' for name, size in sizes)}}}, custom>"
    )
    return {
        "mhlo.frontend_attributes": mlir.ir_attribute({"num_batch_dims": str(len(batch))}),
        "sdy.sharding_rule": mlir.ir.Attribute.parse(rule),
    }


library()  # now: a program that was compiled elsewhere and is loaded here looks for its functions
