"""Which GPU kernel transforms which length: the table, as data.

A transform of length n = m * 2^k is a few passes over memory. A pass applies up to three factors
H_left (x) H_middle (x) H_right, each a small dense matrix, to a block that stays in registers: one
pass up to 32768 points, and one more that applies a single factor at a stride for each factor of up
to 64 beyond. The sides are powers of two, as Triton wants them; a base factor H_m is padded with
zeros to the next one and only its m rows touch memory.

The shapes come from the compiler: on sm_80, sm_90 and sm_100 no entry spills a register (a test
compiles them all where that is possible). Factors stay at 64 and below, since the tensor cores of
sm_80 hold the whole right factor in registers.
"""

import functools
from dataclasses import dataclass

import jax.numpy as jnp

from hadax._typing import DTypeLike
from hadax.kernels import _hadamard_orders

MIN_SIDE = 16  # the smallest side of a matrix on the tensor cores
MAX_SIDE = 64
DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Pass:
    """One pass over an array seen as (count, used, length), length points below the left factor.

    A program transforms a block (rows, left, width) of it, of which `used` of the left rows hold
    data. Width is all of the length, middle * right, or there is no middle and no right factor and
    it is a part of the length. A side of 1 means no factor.
    """

    left: int
    middle: int
    right: int
    used: int
    length: int
    width: int
    rows: int
    warps: int

    @property
    def orders_and_sides(self) -> list[tuple[int, int]]:
        """(order, padded side) of each factor there is, the slowest first."""
        every = [(self.used, self.left), (self.middle, self.middle), (self.right, self.right)]
        return [(order, side) for order, side in every if side > 1]


# padded length -> (left, middle, right), (rows, warps) for 16-bit numbers, the same for float32
_Row = tuple[tuple[int, int, int], tuple[int, int], tuple[int, int]]
_ONE_PASS: dict[int, _Row] = {
    16: ((1, 1, 16), (64, 4), (64, 4)),
    32: ((1, 1, 32), (64, 4), (64, 4)),
    64: ((1, 1, 64), (64, 4), (64, 4)),
    128: ((1, 1, 128), (64, 4), (16, 4)),
    256: ((16, 1, 16), (16, 4), (16, 4)),
    512: ((16, 1, 32), (8, 4), (8, 4)),
    1024: ((16, 1, 64), (4, 4), (4, 4)),
    2048: ((32, 1, 64), (2, 4), (2, 4)),
    4096: ((64, 1, 64), (1, 4), (1, 4)),
    8192: ((16, 16, 32), (1, 4), (1, 8)),
    16384: ((32, 16, 32), (1, 8), (1, 8)),
    32768: ((32, 32, 32), (1, 16), (1, 16)),
}
_COLUMN_WIDTH = 64


@functools.lru_cache(maxsize=4096)
def plan(n: int, dtype: DTypeLike) -> tuple[Pass, ...] | str:
    """The passes of a transform, the slowest factor first, or why there are none."""
    if jnp.dtype(dtype).name not in DTYPES:
        return f"no kernel for {jnp.dtype(dtype).name}, only for {', '.join(DTYPES)}"
    if n < MIN_SIDE:
        return f"length {n} is below {MIN_SIDE}"
    m, k = _hadamard_orders.decompose(n)
    if m > MAX_SIDE:
        return f"length {n} has the base factor {m}, above {MAX_SIDE}"
    wide = jnp.dtype(dtype) == jnp.float32
    once = _one_pass(m, k, wide)
    if once is not None:
        return (once,)
    # The base factor, or as much of a power of two as brings the rest to 4096, in a pass of its own
    order = m if m > 1 else min(MAX_SIDE, max(MIN_SIDE, n >> 12))
    rest = plan(n // order, dtype)
    if isinstance(rest, str):
        return f"length {n} leaves {n // order} beside the factor {order}, too short for a pass"
    side = max(_padded(order), MIN_SIDE)
    return (Pass(side, 1, 1, order, n // order, _COLUMN_WIDTH, rows=1, warps=4), *rest)


def _one_pass(m: int, k: int, wide: bool) -> Pass | None:
    """H_m (x) H_2^k in one pass, if its padded length and its factors fit."""
    side = max(_padded(m), MIN_SIDE) if m > 1 else 1
    padded = (_padded(m) if m > 1 else 1) << k
    if padded not in _ONE_PASS:
        return None
    (left, middle, right), *launches = _ONE_PASS[padded]
    if side > left:
        left, below = side, padded // side
        right = min(below, 32) if below > MAX_SIDE else below
        middle = below // right
    if right < MIN_SIDE or 1 < middle < MIN_SIDE:
        return None
    rows, warps = launches[wide]
    below = middle * right
    return Pass(left, middle, right, (m << k) // below, below, below, rows, warps)


def _padded(m: int) -> int:
    """The power of two from m on."""
    return 1 << (m - 1).bit_length()
