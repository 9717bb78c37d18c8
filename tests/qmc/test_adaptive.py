"""Cubature by the decay of coefficients: against slow forms of its formulas."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import qmc
from hadax.kernels import _reference
from hadax.qmc import _decay
from tests.qmc.integrals import SMOOTH, both_kinds, points, smooth


@both_kinds
def test_control_variates_make_bounds_smaller(kind):
    def rough(x):
        return jnp.abs(x[..., 0] - 1 / 3) * 100 + smooth(x)

    def control(x):
        return jnp.abs(x[..., :1] - 1 / 3)

    known, at = np.array([5 / 18]), points(kind)
    plain = qmc.adaptive_cubature(rough, at, abs_tol=1e-1)
    helped = qmc.adaptive_cubature(
        rough, at, abs_tol=1e-1, control=control, control_integrals=known
    )
    assert helped.n <= plain.n
    assert helped.error_bound < 0.7 * plain.error_bound
    assert helped.cone is None
    for found in (plain, helped):
        np.testing.assert_allclose(found.integral, 500 / 18 + SMOOTH, atol=1e-1)


def slow_order(sizes):
    """The order of coefficients as it is defined, a level at a time."""
    order = np.arange(len(sizes))
    swap(order, sizes, range(len(sizes).bit_length() - 2, 0, -1))
    return order


def swap(order, sizes, levels):
    """Exchange what is out of order, in every block, in place."""
    for level in levels:
        half = 1 << level
        blocks = order.reshape(-1, 2, half)
        first, second = sizes[blocks[0]]
        out = (second > first) & (np.arange(half) > 0)
        blocks[:] = np.where(out, blocks[:, ::-1], blocks)


def test_orders_of_coefficients_are_those_of_the_definition():
    sizes = np.random.default_rng(3).uniform(size=(2, 64)) / np.arange(1, 65)
    start = jnp.broadcast_to(jnp.arange(64), (2, 64))
    found = _decay._sorted(start, jnp.asarray(sizes, "float32"), all_levels=True)
    for row, size in zip(np.asarray(found), sizes, strict=True):
        np.testing.assert_array_equal(row, slow_order(size))
        np.testing.assert_array_equal(np.sort(row), np.arange(64))


@pytest.mark.optimized
def test_many_coefficients_are_ordered_in_no_time():
    """All levels, and the last four after a doubling, as the compiler arranges them for users."""
    n = 2**17
    sizes = np.random.default_rng(4).uniform(size=(1, n)).astype(np.float32)
    sizes /= np.sqrt(np.arange(1, n + 1, dtype=np.float32))
    ordered = jax.jit(_decay._sorted, static_argnames="all_levels")
    start = jnp.arange(n)[None]
    found = ordered(start, sizes, all_levels=True).block_until_ready()
    began = time.perf_counter()
    ordered(start, sizes, all_levels=True).block_until_ready()
    # Work that grows with n^2 takes ten seconds, with n log n ten milliseconds.
    assert time.perf_counter() - began < 2
    np.testing.assert_array_equal(found[0], slow_order(sizes[0]))

    first = slow_order(sizes[0, : n // 2])
    doubled = np.concatenate([first, first + n // 2])
    found = ordered(jnp.asarray(doubled)[None], sizes, all_levels=False)
    swap(doubled, sizes[0], range(16, 12, -1))
    np.testing.assert_array_equal(found[0], doubled)


@both_kinds
def test_error_bounds_are_sums_of_coefficients(kind):
    """After one step: 5 / n times the sum of |coefficients| from the 2^(m-5)th on."""
    at = points(kind)
    found = qmc.adaptive_cubature(
        smooth, at, abs_tol=10.0, n_min=256, inflation=5.0, periodization=None
    )
    assert found.n == 256
    values = np.asarray(smooth(at(256)), np.float64)
    bits = [int(f"{k:08b}"[::-1], 2) for k in range(256)]
    if kind == "lattice":
        sizes = np.abs(np.fft.fft(values[bits])) / 256
    else:
        sizes = np.abs(_reference.hadamard_matrix(256) @ values) / 256
    falling = sizes[slow_order(sizes)]
    np.testing.assert_allclose(found.error_bound, 5 / 256 * falling[8:16].sum(), rtol=1e-4)
    np.testing.assert_allclose(found.integral, values.mean(), rtol=1e-6)


def test_doubled_steps_are_those_of_a_slow_loop(x64):
    """Means, sums and cone after 256, 512 and 1024 points, as GAIL computes them."""
    at, inflation = points("net"), 5.0
    order, low, high, before = np.arange(1), {}, {}, None
    for n in (256, 512, 1024):
        m = n.bit_length() - 1
        spectrum = _reference.hadamard_matrix(n) @ np.asarray(smooth(at(n))) / n
        sizes = np.abs(spectrum)
        if n == 256:
            order = slow_order(sizes)
        else:
            order = np.concatenate([order, order + n // 2])
            swap(order, sizes, range(m - 1, m - 5, -1))
        falling = sizes[order]
        for level in range(4, m + 1):
            # The inflation's decay over the gap, times that of what is aliased.
            gap = m - level
            omega = inflation * 2.0**-gap / ((1 + inflation * 2.0**-4) * 2.0**-4) * 2.0**-gap
            total = falling[1 << (level - 1) : 1 << level].sum()
            low[level] = max(low.get(level, 0), total / (1 + omega))
            if omega < 1:
                high[level] = min(high.get(level, np.inf), total / (1 - omega))
        before = _decay.decay(
            at,
            before,
            None,
            f=smooth,
            control=None,
            n=n,
            n_min=256,
            periodization=None,
            inflation=inflation,
        )
        np.testing.assert_allclose(before.means[0], spectrum[0], rtol=1e-12)
        np.testing.assert_allclose(before.sums[0], falling[n >> 5 : n >> 4].sum(), rtol=1e-9)
        for level, value in low.items():
            np.testing.assert_allclose(before.low[0, level], value, rtol=1e-9)
        for level, value in high.items():
            np.testing.assert_allclose(before.high[0, level], value, rtol=1e-9)


def test_coefficients_that_do_not_fall_are_noticed():
    """Noise has coefficients of one size at all frequencies, which more points make smaller."""

    def noise(x):
        return 43758.5 * jnp.sin(12.9898 * x[..., 0] + 78.233 * x[..., 1]) % 1

    found = qmc.adaptive_cubature(noise, points("net"), abs_tol=1e-7, n_min=256, n_max=2**11)
    assert found.cone > 1.4
    assert "do not fall" in str(found)
    found = qmc.adaptive_cubature(smooth, points("net"), abs_tol=1e-5, n_min=256)
    assert found.cone < 1.25
    assert "do not fall" not in str(found)
