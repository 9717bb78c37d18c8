"""The table of GPU kernels: every length it serves is covered once, in shapes a kernel can have."""

import math
from typing import get_args

import pytest

from hadax.kernels import _gpu_plan, _hadamard_orders

GENERATIONS = get_args(_gpu_plan.Generation)
LENGTHS = [n for n in range(1, 3000) if _hadamard_orders.is_supported(n)]
LENGTHS += [m << k for m in (1, 12, 20, 28, 36, 44, 60) for k in range(8, 25)]


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("dtype", _gpu_plan.DTYPES)
def test_every_length_is_covered_or_refused_with_a_reason(generation, dtype):
    for n in LENGTHS:
        passes = _gpu_plan.plan(n, dtype, generation)
        m, k = _hadamard_orders.decompose(n)
        if isinstance(passes, str):
            assert n < 16 or m > 64 or (m > 1 and k < 4), (n, passes)
            continue
        below = n
        for one in passes:
            below //= one.used
            assert one.length == below
            below //= one.middle * one.right
            assert one.length % one.width == 0
            assert one.width in (one.length, 64)
            assert one.width >= one.middle * one.right
        assert below == 1


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("dtype", _gpu_plan.DTYPES)
def test_blocks_are_what_triton_takes(generation, dtype):
    for n in LENGTHS:
        passes = _gpu_plan.plan(n, dtype, generation)
        for one in () if isinstance(passes, str) else passes:
            sides = [one.left, one.middle, one.right]
            assert all(side == 1 or 16 <= side <= 128 for side in sides)
            for size in (*sides, one.rows, one.width):
                assert size & (size - 1) == 0
            assert one.used <= one.left < 2 * max(one.used, 16)
            assert math.prod((one.rows, one.left, one.width)) <= 1 << 15


def test_what_runs_in_one_pass():
    passes = {n: len(_gpu_plan.plan(n, "bfloat16", "sm_90")) for n in (16, 4096, 32768, 14336)}
    assert set(passes.values()) == {1}
    assert len(_gpu_plan.plan(1 << 16, "bfloat16", "sm_90")) == 2
    assert len(_gpu_plan.plan(1 << 22, "float32", "sm_90")) == 3


@pytest.mark.parametrize("n", [8, 172 * 64, 12 * 8])
def test_a_refusal_says_why(n):
    assert isinstance(_gpu_plan.plan(n, "float32", "sm_90"), str)


@pytest.mark.parametrize("dtype", ["float64", "int32", "complex64"])
def test_other_dtypes_are_refused(dtype):
    assert dtype in _gpu_plan.plan(64, dtype, "sm_90")
