"""Which GPU kernel transforms which length: the table, as data.

A transform of length n = m * 2^k is a few passes over memory. A pass applies up to three factors
H_left (x) H_middle (x) H_right, each a small dense matrix, to a block that stays on the chip: one
pass for up to 8192 to 32768 points, and one more, which applies a single factor at a stride, for
each factor of up to 64 beyond. Sides are powers of two, as Triton wants them; a base factor H_m is
padded with zeros to the next one, and only its m rows touch memory.

The shapes are what compiles without spilling a register (a test compiles them all, where that is
possible). Three generations of tensor cores differ above 4096: those of sm_80 take their operands
from registers, those of sm_90 from shared memory, and those of sm_100 keep sums in a memory of
their own.
"""

import functools
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax.numpy as jnp

from hadax._typing import DTypeLike
from hadax.kernels import _hadamard_orders

Generation: TypeAlias = Literal["sm_80", "sm_90", "sm_100"]

DTYPES = ("float32", "bfloat16", "float16")
MIN_SIDE = 16  # of a matrix on the tensor cores
MAX_SIDE = 64
_COLUMN_WIDTH = 64


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


@dataclass(frozen=True)
class _Shape:
    """How one program transforms a padded length."""

    sides: tuple[int, int, int]
    rows: int
    warps: int
    max_left: int = MAX_SIDE  # the left side that a base factor may ask for


# padded length -> shape, for 16-bit numbers on every generation
_SHORT = {
    16: _Shape((1, 1, 16), 64, 4),
    32: _Shape((1, 1, 32), 64, 4),
    64: _Shape((1, 1, 64), 128, 4),
    128: _Shape((1, 1, 128), 64, 4),
    256: _Shape((16, 1, 16), 16, 4),
    512: _Shape((16, 1, 32), 8, 4),
    1024: _Shape((16, 1, 64), 4, 4),
    2048: _Shape((32, 1, 64), 2, 4),
    4096: _Shape((64, 1, 64), 1, 4),
}
_SHORT_WIDE = _SHORT | {  # and for float32
    64: _Shape((1, 1, 64), 64, 4),
    128: _Shape((1, 1, 128), 16, 4),
}
_LONG: dict[Generation, dict[int, _Shape]] = {
    "sm_80": {8192: _Shape((16, 16, 32), 1, 8)},
    "sm_90": {
        8192: _Shape((16, 16, 32), 1, 4),
        16384: _Shape((32, 16, 32), 1, 8),
        32768: _Shape((32, 32, 32), 1, 16, max_left=32),
    },
    "sm_100": {
        8192: _Shape((16, 16, 32), 1, 4),
        16384: _Shape((32, 16, 32), 1, 8),
        32768: _Shape((32, 32, 32), 1, 8),
    },
}
_LONG_WIDE: dict[Generation, dict[int, _Shape]] = {
    "sm_80": {8192: _Shape((64, 1, 128), 1, 8)},
    "sm_90": {
        8192: _Shape((16, 16, 32), 1, 8),
        16384: _Shape((32, 16, 32), 1, 8, max_left=32),
        32768: _Shape((16, 64, 32), 1, 16, max_left=1),
    },
    "sm_100": {
        8192: _Shape((16, 16, 32), 1, 8),
        16384: _Shape((32, 16, 32), 1, 8),
    },
}


def plan(n: int, dtype: DTypeLike, generation: Generation) -> tuple[Pass, ...] | str:
    """The passes of a transform, the slowest factor first, or why there are none."""
    name = jnp.dtype(dtype).name
    if name not in DTYPES:
        return f"there is no kernel for {name}, only for {', '.join(DTYPES)}"
    return _plan(n, name == "float32", generation)


@functools.lru_cache(maxsize=4096)
def _plan(n: int, wide: bool, generation: Generation) -> tuple[Pass, ...] | str:
    """`plan` for 16-bit numbers, or for float32 where `wide`."""
    if n < MIN_SIDE:
        return f"a length below {MIN_SIDE} is too short"
    m, k = _hadamard_orders.decompose(n)
    if m > MAX_SIDE:
        return f"the base factor {m} of length {n} is above {MAX_SIDE}"
    once = _one_pass(m, k, wide, generation)
    if once is not None:
        return (once,)
    # A pass for the base factor, or for as much of a power of two as brings the rest to 4096.
    order = m if m > 1 else min(MAX_SIDE, max(MIN_SIDE, n >> 12))
    rest = _plan(n // order, True, generation)  # what is between two passes is float32
    if isinstance(rest, str):
        return f"beside the base factor {m} of length {n}, {n // order} is too short"
    side = max(_padded(order), MIN_SIDE)
    return (Pass(side, 1, 1, order, n // order, _COLUMN_WIDTH, rows=1, warps=4), *rest)


def _one_pass(m: int, k: int, wide: bool, generation: Generation) -> Pass | None:
    """H_m (x) H_2^k in one pass, where its padded length and its factors fit."""
    table = (_SHORT_WIDE if wide else _SHORT) | (_LONG_WIDE if wide else _LONG)[generation]
    side = max(_padded(m), MIN_SIDE) if m > 1 else 1
    shape = table.get(_padded(m) << k)
    if shape is None or (m > 1 and side > shape.max_left):
        return None
    left, middle, right = shape.sides
    if side > left:
        below = (_padded(m) << k) // side
        middle = 1 if below <= MAX_SIDE else 1 << (below.bit_length() - 1) // 2
        left, right = side, below // middle
        if right < MIN_SIDE or 1 < middle < MIN_SIDE:
            return None
    below = middle * right
    return Pass(left, middle, right, (m << k) // below, below, below, shape.rows, shape.warps)


def _padded(m: int) -> int:
    """The power of two from m on."""
    return 1 << (m - 1).bit_length()
