"""The kernels of a GPU: right or wrong, and how far from the limit of its memory.

A trial is one length and dtype. Every variant of the kernel, what XLA makes of two matrix products,
the dense product and a copy are first compared with float64 on a few rows, then timed in turn on an
array that no cache holds. Without a GPU the kernels run in the interpreter, on a few rows and
without any claim on time, so that all of this is tested anywhere.
"""

import functools
import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import jax
import jax.numpy as jnp
import numpy as np

import hadax
from experiments import _speed_checks
from experiments._contract import Check, Row
from hadax.kernels import _fused, _gpu_plan, _reference, _triton
from hadax.quantization import grouped_ifwht, pack_planes, rotate_and_quantize

Kind: TypeAlias = Literal["transform", "quantize", "ungroup"]
Program: TypeAlias = Callable[..., Any]

COPY, EINSUM, DENSE = "copy, 1.5 x", "XLA, two matrix products", "XLA, dense matrix"
TABLE = "triton"
# Largest error as a share of the largest result.
TOLERANCE = {"float32": 3e-7, "bfloat16": 4e-3, "float16": 6e-4}
LARGEST_DENSE = 8192
OTHER_LENGTHS = (192, 5120, 14336)
ROWS = 64  # that are compared with float64
# (left, middle, right), rows, warps: what else could serve the length, to check the table by.
ALTERNATIVES: dict[int, tuple[tuple[tuple[int, int, int], int, int], ...]] = {
    64: (((1, 1, 64), 32, 4), ((1, 1, 64), 256, 8)),
    128: (((1, 1, 128), 32, 4), ((1, 1, 128), 128, 8)),
    256: (((16, 1, 16), 8, 4), ((16, 1, 16), 32, 8)),
    512: (((16, 1, 32), 4, 4), ((32, 1, 16), 8, 4)),
    1024: (((32, 1, 32), 4, 4), ((16, 1, 64), 2, 2)),
    2048: (((32, 1, 64), 1, 4), ((16, 1, 128), 2, 4)),
    4096: (((64, 1, 64), 1, 8), ((16, 16, 16), 1, 4)),
    8192: (((64, 1, 128), 1, 8), ((32, 16, 16), 1, 4)),
    16384: (((64, 16, 16), 1, 8),),
}


@dataclass(frozen=True)
class GpuTrial:
    """One length and dtype, and the effort put into timing it."""

    kind: Kind
    n: int
    dtype: str
    mebibytes: int = 512
    rounds: int = 7
    milliseconds: float = 15.0


def trials(sizes: tuple[int, ...]) -> list[GpuTrial]:
    """List the work: the lengths, some with a base factor, and the fused kernels."""
    others = [n for n in OTHER_LENGTHS if n <= max(sizes)]
    found = [GpuTrial("transform", n, d) for n in (*sizes, *others) for d in _gpu_plan.DTYPES]
    fused = max(n for n in sizes if n <= 4096) if min(sizes) <= 4096 else 4096
    found += [GpuTrial("quantize", fused, d) for d in ("float32", "bfloat16")]
    return [*found, GpuTrial("ungroup", _fused.GROUP, "bfloat16")]


def run(trial: GpuTrial, key: jax.Array) -> dict[str, Any]:
    """Compare with float64, then time in turn."""
    is_real = on_gpu()
    rng = np.random.default_rng(np.ravel(jax.random.key_data(key)))
    bytes_of_row = trial.n * jnp.dtype(trial.dtype).itemsize
    rows = (trial.mebibytes << 20) // bytes_of_row if is_real else 2
    work = {"transform": _transform, "quantize": _quantize, "ungroup": _ungroup}[trial.kind]
    results = list(work(trial, rng, rows))
    if is_real:
        _time_in_turn(trial, results)
    device = jax.devices()[0].device_kind if is_real else "interpreter"
    kept = [{k: v for k, v in each.items() if k not in ("call", "args")} for each in results]
    return {"device": device, "rows": rows, "contenders": kept}


def on_gpu() -> bool:
    """Whether kernels run on a GPU here, not in the interpreter."""
    return _triton.generation() is not None


def checks(rows: Sequence[Row]) -> list[Check]:
    """Everything is right; and on a GPU, near the limit and ahead of what XLA does by itself."""
    found = []
    for row in rows:
        where = f"{row['kind']} n={row['n']} {row['dtype']}"
        results = {each["name"]: each for each in row["contenders"]}
        ours = [each for each in row["contenders"] if each["ours"]]
        failed = sum(each["status"].startswith("failed") for each in ours)
        found.append(Check(f"{where}: kernels that fail", "measured", failed, "at most", 0))
        for each in ours:
            if each["error"] is not None:
                statement = f"{where}: error of {each['name']}"
                bound = each["bound"]
                found.append(Check(statement, "measured", each["error"], "at most", bound))
            if each["integers_wrong"] is not None:
                statement = f"{where}: wrong integers of {each['name']}"
                wrong = each["integers_wrong"]
                found.append(Check(statement, "measured", wrong, "equals", 0))
        if row["device"] != "interpreter":
            found += _fast(row, results, where)
    return found


def _fast(row: Row, results: Mapping[str, Any], where: str) -> Iterator[Check]:
    """The bounds on time of the transform."""
    if row["kind"] != "transform" or not results[TABLE]["seconds"]:
        return
    ours = results[TABLE]
    if row["n"] & (row["n"] - 1) == 0 and row["n"] <= 1 << 15:
        share = _speed_checks.ratio(results[COPY], ours)
        goal = 0.85 if row["n"] <= 4096 else 0.70
        statement = f"{where}: share of the copy's speed"
        band = (share.low, share.high)
        yield Check(statement, "measured", share.value, "at least", goal, *band)
    gain = _speed_checks.ratio(results[EINSUM], ours)
    statement = f"{where}: times as fast as two matrix products"
    yield Check(statement, "measured", gain.value, "at least", 1.0, gain.low, gain.high)


def _contender(
    name: str, call: Program, args: tuple[Any, ...], *, ours: bool = False
) -> dict[str, Any]:
    """A contender that has not been looked at."""
    empty = {"error": None, "bound": None, "integers_wrong": None, "seconds": []}
    return {"name": name, "ours": ours, "status": "ok", "call": call, "args": args, **empty}


def _transform(trial: GpuTrial, rng: np.random.Generator, rows: int) -> Iterator[dict[str, Any]]:
    """The unscaled transform by every variant, and what it is compared with."""
    n, dtype = trial.n, jnp.dtype(trial.dtype)
    few = ROWS if on_gpu() else 2
    values = rng.standard_normal((2 * few, n))
    values[few:] = rng.integers(-127, 128, (few, n))  # one program for both halves
    x = jnp.asarray(values, dtype)
    right = _reference.butterfly(np.asarray(x, np.float64))
    exact = np.asarray(jnp.asarray(right[few:], dtype))
    large = jnp.ones((rows, n), dtype)
    yield _contender(COPY, lambda x: x * jnp.asarray(1.5, x.dtype), (large,))
    for name, transform in _variants(n, dtype):
        each = _contender(name, jax.jit(transform), (large,), ours=not name.startswith("XLA"))
        try:
            found = np.asarray(each["call"](x))
            wrong = _largest(found[:few].astype(np.float64) - right[:few])
            each |= {"error": wrong / _largest(right[:few]), "bound": TOLERANCE[trial.dtype]}
            if each["ours"]:
                each["integers_wrong"] = int((found[few:] != exact).sum())
        except Exception as error:  # the others are still of interest
            each["status"] = _failure(error)
        yield each


def _variants(n: int, dtype: jnp.dtype) -> Iterator[tuple[str, Program]]:
    """Everything that transforms rows of this length, float16 as bfloat16 in fewer ways."""
    interpret = not on_gpu()
    kernel = functools.partial(_triton.hadamard, interpret=interpret)
    yield TABLE, kernel
    yield EINSUM, _two_products
    if dtype == jnp.float16:
        return
    if not interpret:
        yield "mosaic_gpu", functools.partial(_public, implementation="mosaic_gpu")
        yield "mosaic_gpu, operands in shared memory", _mosaic_in_memory
    for (left, middle, right), rows, warps in ALTERNATIVES.get(n, ()):
        below = middle * right
        shape = _gpu_plan.Pass(left, middle, right, n // below, below, below, rows, warps)
        name = f"triton, {left} {middle} {right}, {rows} rows, {warps} warps"
        yield name, functools.partial(kernel, passes=(shape,))
    yield "hadax.fwht", functools.partial(_public, implementation=None)
    yield "XLA, hadax.fwht", functools.partial(_public, implementation="xla")
    if n <= LARGEST_DENSE:
        yield DENSE, _dense


def _public(x: jax.Array, *, implementation: Any) -> jax.Array:
    """The transform as users call it."""
    return hadax.fwht(x, norm="backward", implementation=implementation)


def _mosaic_in_memory(x: jax.Array) -> jax.Array:
    """The kernel for Hopper without operands in registers, where the compiler may miss a hazard."""
    kernel = importlib.import_module("hadax.kernels._mosaic_gpu")  # no part of every JAX
    refusal = kernel.refusal(x.shape[-1], x.dtype)
    if refusal is not None:
        raise NotImplementedError(refusal)
    return kernel.hadamard(x, in_registers=False)


def _two_products(x: jax.Array) -> jax.Array:
    """The transform as a Kronecker product of two matrices, as one would write it for XLA."""
    n = x.shape[-1]
    b = max(1 << j for j in range(n.bit_length()) if n % (1 << j) == 0 and 4**j <= n)
    left, right = (jnp.asarray(hadax.hadamard_matrix(side), x.dtype) for side in (n // b, b))
    product = functools.partial(jnp.einsum, precision="highest", preferred_element_type=jnp.float32)
    y = product("mab,bc->mac", x.reshape(-1, n // b, b), right).astype(x.dtype)
    return product("da,mac->mdc", left, y).astype(x.dtype).reshape(x.shape)


def _dense(x: jax.Array) -> jax.Array:
    """The transform as one matrix product."""
    matrix = jnp.asarray(hadax.hadamard_matrix(x.shape[-1]), x.dtype)
    y = jnp.matmul(x, matrix.T, precision="highest", preferred_element_type=jnp.float32)
    return y.astype(x.dtype)


def _quantize(trial: GpuTrial, rng: np.random.Generator, rows: int) -> Iterator[dict[str, Any]]:
    """Signs, transform and quantization in one; the error in units of a code's step."""
    n, dtype = trial.n, jnp.dtype(trial.dtype)
    x = jnp.asarray(rng.standard_normal((ROWS if on_gpu() else 2, n)), dtype)
    signs = jnp.asarray(rng.choice([-1, 1], n), jnp.int8)
    right = _reference.butterfly(np.asarray(x, np.float64) * np.asarray(signs)) * n**-0.5
    large = jnp.ones((rows, n), dtype)
    yield _contender(COPY, lambda x, _: x * jnp.asarray(1.5, x.dtype), (large, signs))
    for grid in get_args(_fused.Grid):
        call = jax.jit(functools.partial(rotate_and_quantize, grid=grid))
        each = _contender(f"{grid}, one pass", call, (large, signs), ours=True)
        try:
            codes, scales = call(x, signs)
            steps = np.asarray(scales, np.float64)
            wrong = _numbers(codes, grid) - right / steps
            # Half a step and round-off; of a float, half a unit of its last of four bits.
            size = np.maximum(np.abs(right / steps), 2.0**-6) / 8 if grid == "fp8" else 1.0
            each |= {"error": _largest(wrong / size), "bound": 0.51}
        except Exception as error:  # the others are still of interest
            each["status"] = _failure(error)
        yield each


def _ungroup(trial: GpuTrial, rng: np.random.Generator, rows: int) -> Iterator[dict[str, Any]]:
    """Packed codes of three bits, transformed back: exact up to the scale."""
    groups = 64 if on_gpu() else 4
    codes = rng.integers(0, 8, (groups, _fused.GROUP))
    right = _reference.butterfly(codes - 3.5) / 16
    planes = pack_planes(codes, bits=3)
    large = (jnp.zeros((rows, planes.shape[-1]), jnp.uint32), jnp.ones((rows, 1)))
    copied = jnp.ones((rows, trial.n), jnp.dtype(trial.dtype))
    yield _contender(COPY, lambda x: x * jnp.asarray(1.5, x.dtype), (copied,))
    call = jax.jit(functools.partial(grouped_ifwht, bits=3, dtype=trial.dtype))
    each = _contender("3 bits, one pass", call, large, ours=True)
    try:
        found = np.asarray(call(planes, jnp.ones((groups, 1))), np.float64)
        each |= {"error": _largest(found - right) / _largest(right), "bound": 4e-3}
    except Exception as error:  # a failure is a result
        each["status"] = _failure(error)
    yield each


def _numbers(codes: jax.Array, grid: str) -> np.ndarray:
    """Codes as numbers in float64."""
    if grid == "int4":
        codes = jax.lax.bitcast_convert_type(codes, jnp.int4).reshape(len(codes), -1)
    return np.asarray(codes.astype(jnp.float32), np.float64)


def _largest(values: np.ndarray) -> float:
    """The largest magnitude."""
    return float(np.abs(values).max())


def _failure(error: Exception) -> str:
    """An error in one line; a backend that says it does not serve has not failed."""
    word = "refused" if isinstance(error, NotImplementedError) else "failed"
    return f"{word}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _time_in_turn(trial: GpuTrial, results: Sequence[dict[str, Any]]) -> None:
    """Seconds of a call, of each contender in each round."""
    racing = [each for each in results if each["status"] == "ok"]
    calls = {}
    for each in racing:
        try:
            each["call"] = jax.jit(each["call"])
            jax.block_until_ready(each["call"](*each["args"]))
            seconds = _seconds(each, 3)
            calls[each["name"]] = max(3, round(trial.milliseconds / 1000 / seconds))
        except Exception as error:  # such as too little memory
            each["status"] = _failure(error)
    for _ in range(trial.rounds):
        for each in racing:
            if each["status"] == "ok":
                each["seconds"].append(_seconds(each, calls[each["name"]]))


def _seconds(each: Mapping[str, Any], calls: int) -> float:
    """Seconds of a call, of several that the device runs one after the other."""
    began = time.perf_counter()
    for _ in range(calls):
        result = each["call"](*each["args"])
    jax.block_until_ready(result)
    return (time.perf_counter() - began) / calls
