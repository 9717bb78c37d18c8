"""Kernels of learned smoothness, combinations, derivatives: foreign values, series, gradients."""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax import qmc
from hadax.qmc import _kernel_values

FOLDER = Path(__file__).parent.parent / "golden" / "qmc"
ONE = np.load(FOLDER / "kernel_1d.npz", allow_pickle=False)
GRAM = np.load(FOLDER / "kernel_gram.npz", allow_pickle=False)
KEY = jax.random.key(5)


def at_top(words, bits):
    """Foreign words of so many bits at the upper end of 64."""
    return jnp.asarray(np.asarray(words).astype(np.uint64) << np.uint64(64 - int(bits)))


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.5])
def test_golden_adaptive_values(rate, x64):
    place = _kernel_values.places(at_top(ONE["xint"], ONE["t"]))[:, None]
    found = _kernel_values.adaptive_walsh(place, jnp.asarray([rate]))[:, 0]
    np.testing.assert_allclose(found, ONE[f"dsi_adapt_{rate}"], atol=1e-13)


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_adaptive_kernels_are_their_walsh_series(rate):
    """On 2^8 points coefficients k and k + 2^8 l add up, and Walsh functions are signs."""
    bits, more = 8, 18
    k = np.arange(1, 1 << more)
    coefficients = np.append(0.0, 2.0 ** (-(rate + 1) * np.floor(np.log2(k))))
    aliased = coefficients.reshape(-1, 1 << bits).sum(axis=0)
    i = np.arange(1 << bits)
    signs = (-1.0) ** np.array([[bin(a & b).count("1") for b in i] for a in i])
    words = qmc.sobol(1).words(1 << bits)
    kernel = qmc.adaptive_kernel(1, rates=rate, weights=1.0)
    found = kernel.minus_one(words, words[:1])
    rest = 2.0 ** (-rate * more) / (1 - 2.0**-rate)
    np.testing.assert_allclose(found, signs @ aliased, atol=rest + 1e-5)


@pytest.mark.parametrize("degree", range(2, 11))
def test_golden_bernoulli_polynomials(degree, x64):
    """Those of odd degree are derivatives."""
    order = (degree + 1) // 2
    found = _kernel_values.bernoulli(jnp.asarray(ONE["u"]), order, 2 * order - degree)
    scale = (-1) ** (order + 1) * (2 * np.pi) ** (2 * order) / math.factorial(degree)
    np.testing.assert_allclose(found / scale, ONE[f"bernoulli_{degree}"], atol=1e-14)


def test_golden_adaptive_gram(x64):
    weights = jnp.asarray(GRAM["weights"])
    kernel = qmc.adaptive_kernel(
        4, rates=jnp.arange(1.0, 5.0), weights=weights, scale=float(GRAM["scale"])
    )
    words = at_top(GRAM["dsi_xb"], GRAM["dsi_t"])
    found = kernel(words[:, None], words[None])
    np.testing.assert_allclose(found, GRAM["dsi_adapt_gram"], rtol=1e-12, atol=1e-12)


def test_rates_have_gradients_at_equal_points_too(x64):
    words = qmc.sobol(2).words(4)

    def total(rates):
        kernel = qmc.adaptive_kernel(2, rates=rates)
        return jnp.sum(kernel(words, words[:1]) ** 2)

    rates, step = jnp.asarray([0.7, 1.6]), 1e-6
    gradient = jax.grad(total)(rates)
    for i, unit in enumerate(np.eye(2)):
        slope = (total(rates + step * unit) - total(rates - step * unit)) / (2 * step)
        np.testing.assert_allclose(gradient[i], slope, rtol=1e-7)


def combined(kind):
    """All orders up to 4, each with the golden weights."""
    make = qmc.shift_invariant_kernel if kind == "lattice" else qmc.digital_kernel
    weights, scale = jnp.asarray(GRAM["weights"]), float(GRAM["scale"])
    first = make(4, orders=1, weights=weights, scale=scale)
    return qmc.combine(first, *(make(4, orders=o, weights=weights) for o in (2, 3, 4)))


def test_golden_combined_digital_gram(x64):
    words = at_top(GRAM["dsi_xb"], GRAM["dsi_t"])
    found = combined("net")(words[:, None], words[None])
    np.testing.assert_allclose(found, GRAM["dsi_comb_gram"], rtol=1e-8, atol=2e-6)


def test_combined_shift_invariant_gram_is_the_formula_and_not_the_foreign_one(x64):
    """The foreign one takes B_1 to B_4 for B_2 to B_8, and is not symmetric."""
    x = jnp.asarray(GRAM["si_x"])
    found = np.asarray(combined("lattice")(x[:, None], x[None]))
    gaps = (x[:, None] - x[None]) % 1
    factors = sum(np.asarray(_kernel_values.bernoulli(gaps, order)) for order in (1, 2, 3, 4))
    expected = 10 * np.prod(1 + np.asarray(GRAM["weights"]) * factors, axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found, found.T, rtol=1e-10, atol=1e-10)
    foreign = GRAM["si_comb_gram_PEER_BUG_not_symmetric"]
    assert abs(foreign - foreign.T).max() > 1
    assert abs(foreign - found).max() > 1


@pytest.mark.parametrize(
    "kind", ["lattice", pytest.param("net", marks=pytest.mark.slow), "adaptive"]
)
def test_their_grams_are_fast_and_positive(kind, x64):
    if kind == "lattice":
        points = qmc.random_shift(KEY, qmc.lattice(qmc.cbc(4, 64)))
    else:
        points = qmc.digital_shift(KEY, qmc.sobol(4))
    kernel = combined(kind)
    if kind == "adaptive":
        kernel = qmc.combine(kernel, qmc.adaptive_kernel(4, rates=0.5))
    words = points.words(64)
    fast = qmc.gram(kernel, points, 64)
    dense = kernel(words[:, None], words[None])
    y = jnp.asarray(np.random.default_rng(0).standard_normal(64))
    np.testing.assert_allclose(fast(y), dense @ y, rtol=1e-9)
    spectrum = np.linalg.eigvalsh(dense)
    assert spectrum.min() >= -1e-12 * spectrum.max()


def test_scales_of_a_combination_multiply():
    parts = [qmc.digital_kernel(2, scale=2.0), qmc.adaptive_kernel(2, scale=3.0)]
    assert qmc.combine(*parts).scale == 6


def derivatives(kernel, x, z, kind):
    """The sum of two derivatives that the golden arrays hold."""
    orders = zip(GRAM["der_c"], GRAM[f"{kind}_beta0"], GRAM[f"{kind}_beta1"], strict=True)
    return sum(
        c * qmc.derivative(kernel, x, z, x_orders=tuple(a.tolist()), z_orders=tuple(b.tolist()))
        for c, a, b in orders
    )


def test_golden_derivatives(x64):
    weights = jnp.asarray([0.2, 0.5, 0.9])
    kernel = qmc.shift_invariant_kernel(3, orders=3, weights=weights, scale=0.8)
    x, z = jnp.asarray(GRAM["der_x"]), jnp.asarray(GRAM["der_z"])
    np.testing.assert_allclose(derivatives(kernel, x, z, "der"), GRAM["si_der"], rtol=1e-10)
    kernel = qmc.digital_kernel(3, orders=4, weights=weights, scale=0.8)
    x, z = at_top(GRAM["dder_x"], 30), at_top(GRAM["dder_z"], 30)
    np.testing.assert_allclose(derivatives(kernel, x, z, "dder"), GRAM["dsi_der"], rtol=1e-8)


def slope(function, argument, j):
    """Its derivative in coordinate j of x or of z."""
    return lambda x, z: jax.jacfwd(function, argnums=argument)(x, z)[j]


@pytest.mark.parametrize(
    "orders",
    [
        ((1, 0), (0, 0)),
        pytest.param(((1, 0), (1, 0)), marks=pytest.mark.slow),
        pytest.param(((2, 1), (1, 1)), marks=pytest.mark.slow),
    ],
)
def test_derivatives_are_those_of_jax(orders, x64):
    """Also of a combination, as smooth as its roughest kernel."""
    first, second = (qmc.shift_invariant_kernel(2, orders=o, weights=0.3) for o in (3, 4))
    x, z = jnp.asarray([0.15, 0.8]), jnp.asarray([0.62, 0.33])
    for kernel in (first, qmc.combine(first, second)):
        expected = kernel
        for argument, j in np.ndindex(2, 2):
            for _ in range(orders[argument][j]):
                expected = slope(expected, argument, j)
        found = qmc.derivative(kernel, x, z, x_orders=orders[0], z_orders=orders[1])
        np.testing.assert_allclose(found, expected(x, z), rtol=1e-9)


def test_derivatives_of_order_zero_are_the_kernel():
    for kernel, points in [
        (qmc.shift_invariant_kernel(2, orders=1), qmc.lattice([1, 3])),
        (qmc.digital_kernel(2, orders=1), qmc.sobol(2)),
    ]:
        words = points.words(8)
        found = qmc.derivative(kernel, words, words[:1])
        np.testing.assert_allclose(found, kernel(words, words[:1]), rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input():
    smooth, digital = qmc.shift_invariant_kernel(2, orders=2), qmc.digital_kernel(2, orders=2)
    x = jnp.zeros((1, 2))
    words = qmc.sobol(2).words(1)
    adaptive = qmc.adaptive_kernel(2)
    for call, error, text in [
        (lambda: qmc.adaptive_kernel(2, rates=0.0), ValueError, "`rates` must be positive"),
        (lambda: qmc.adaptive_kernel(2, rates=jnp.ones(3)), ValueError, "`rates` must have the"),
        (lambda: qmc.combine(smooth), ValueError, "two or more"),
        (lambda: qmc.combine(smooth, digital), ValueError, "same kind of points"),
        (lambda: qmc.combine(smooth, qmc.shift_invariant_kernel(1)), ValueError, "dimensions"),
        (lambda: qmc.derivative(smooth, x, x, x_orders=(3, 0)), ValueError, "at most 2 in dim"),
        (lambda: qmc.derivative(digital, words, words, z_orders=(0, 1)), ValueError, "at most 0"),
        (lambda: qmc.derivative(smooth, x, x, x_orders=(1,)), ValueError, "tuple of 2 integers"),
        (lambda: qmc.derivative(smooth, x, x, x_orders=(-1, 0)), ValueError, "`x_orders`"),
        (lambda: qmc.derivative(adaptive, words, words, x_orders=(1, 0)), TypeError, "Adaptive"),
        (lambda: qmc.gram(adaptive, qmc.lattice([1, 1]), 8), TypeError, "one of lattices"),
    ]:
        with pytest.raises(error, match=text):
            call()
