"""Distortion of rotated coordinates and the bias of one-bit DRIVE.

Statistical tests: fixed keys, five standard errors (false alarms below 1e-6 a number compared).
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import hadamard

import hadax
from hadax import _lloyd_max
from hadax.compression import decompress, drive, eden
from hadax.discrepancy import drive_bias, lloyd_max_distortion

KEY = jax.random.key(2)


def indicator(support, d):
    x = np.zeros(d, int)
    x[list(support)] = 1
    return x


INPUTS = {"e1": [0], "two": [0, 1], "plane4": [0, 1, 2, 3]}


@pytest.mark.parametrize(
    ("bits", "d", "error"),
    [
        (1, 16, 0.343343),
        (1, 64, 0.358397),
        (1, 256, 0.362136),
        (1, 4096, 0.363303),
        (2, 64, 0.114546),
        (2, 256, 0.116741),
        (3, 64, 0.033444),
        (3, 256, 0.034259),
        (4, 64, 0.009171),
        (4, 256, 0.009410),
    ],
)
def test_reference_table_of_uniform_vectors(bits, d, error):
    """Values of a separate program, six digits."""
    assert lloyd_max_distortion(bits, d=d) == pytest.approx(error, abs=6e-7)


@pytest.mark.parametrize(
    ("bits", "d", "ratios"),
    [
        (2, 64, (1.077, 1.064, 1.171)),
        (2, 256, (1.015, 1.007, 1.036)),
        (3, 64, (1.24, 1.22, 1.51)),
        (3, 256, (1.048, 1.074, 1.130)),
        (4, 64, (1.32, 1.22, 1.32)),
        (4, 256, (1.040, 1.033, 1.165)),
    ],
)
def test_reference_table_of_two_blocks_over_uniform(bits, d, ratios):
    """Values of a separate program, as printed: rounded to four decimals, then once more."""
    uniform = lloyd_max_distortion(bits, d=d)
    digits = 5e-3 if bits > 2 and d == 64 else 5e-4
    for name, ratio in zip(INPUTS, ratios, strict=True):
        found = lloyd_max_distortion(bits, x=indicator(INPUTS[name], d)) / uniform
        assert found == pytest.approx(ratio, abs=1.1 * digits)


@pytest.mark.parametrize("bits", [1, 3])
def test_distortion_over_all_signs(bits):
    x, d = np.array([2, 1, 0, 1]), 4
    signs = np.array(list(itertools.product([1, -1], repeat=d)))
    H = hadamard(d) / math.sqrt(d)
    first = (signs * x / np.linalg.norm(x)) @ H
    values = math.sqrt(d) * np.einsum("ej,sj->es", signs * H[1], first)
    levels = _lloyd_max.codebook(bits)
    expected = np.square(values[..., None] - levels).min(axis=-1).mean()
    assert lloyd_max_distortion(bits, x=x) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bits", [1, 3])
@pytest.mark.parametrize("law", [{"d": 64}, {"x": indicator([0, 1], 64)}], ids=["uniform", "two"])
def test_the_best_factor_on_the_levels(bits, law):
    """It is at least as good, and by as much as the levels are no means of their cells."""
    plain = lloyd_max_distortion(bits, **law)
    best = lloyd_max_distortion(bits, rescaled=True, **law)
    assert best < plain < 1.25 * best
    # A level is +-c with one bit: E U Q = c E|U|, so that the best error is 1 - (E|U|)^2.
    if bits == 1 and "d" in law:
        assert best == pytest.approx(1 - _lloyd_max.codebook(1, 64)[1] ** 2, rel=1e-12)


def test_messages_have_at_most_the_rescaled_error():
    """The factor of a message suits the lattice that its entries share: far less at four bits."""
    x = indicator([0, 1], 256)
    keys = jax.random.split(KEY, 500)

    def error(key):
        message = eden(key, jnp.float32(x), bits=4, scale="mmse")
        return jnp.sum(jnp.square(decompress(key, message) - jnp.float32(x))) / 2

    errors = np.asarray(jax.jit(jax.vmap(error))(keys), np.float64)
    radius = 5 * errors.std(ddof=1) / math.sqrt(500)
    assert errors.mean() + radius < 0.9 * lloyd_max_distortion(4, x=x, rescaled=True)


def test_the_normal_law_is_the_limit():
    assert lloyd_max_distortion(1) == pytest.approx(1 - 2 / math.pi, rel=1e-14)
    assert lloyd_max_distortion(2, d=1 << 20) == pytest.approx(lloyd_max_distortion(2), rel=1e-5)


def test_one_block_of_one_entry_is_two_atoms():
    error = (1 - math.sqrt(2 / math.pi)) ** 2
    e1 = indicator([0], 64)
    assert lloyd_max_distortion(1, x=e1, blocks=1) == pytest.approx(error, rel=1e-12)


def test_drive_is_the_gradient_of_the_logarithm_of_the_one_norm(x64):
    x = jax.random.normal(KEY, (16,), jnp.float64)
    rotation = hadax.randomized_hadamard(KEY, 16)
    gradient = jax.grad(lambda v: jnp.log(jnp.sum(jnp.abs(rotation(v)))))(x)
    y = rotation(x)
    sent = rotation.T(jnp.sign(y)) / jnp.sum(jnp.abs(y))
    np.testing.assert_allclose(sent, gradient, atol=1e-13)
    assert float(sent @ x) == pytest.approx(1.0, abs=1e-13)


@pytest.mark.parametrize("blocks", [1, 2])
def test_bias_over_all_signs(blocks):
    """Every sign pattern of four entries, by hand: the mean is that of the simulation."""
    x, d = np.array([0.8, 0.6, 0.0, 0.0]), 4
    H = hadamard(d) / 2
    patterns = np.array(list(itertools.product([1, -1], repeat=d)))
    total = np.zeros(d)
    for signs in itertools.product(patterns, repeat=blocks):
        R = np.eye(d)
        for diagonal in signs:
            R = H @ (diagonal[:, None] * R)
        y = R @ x
        total += R.T @ np.sign(np.round(y, 12)) / np.abs(y).sum()
    bias = total / 2 ** (d * blocks) - x
    found = drive_bias(KEY, x, blocks=blocks, draws=4000)
    np.testing.assert_allclose(found.value, bias, atol=5 * found.standard_error.max() + 1e-12)
    assert abs(found.floor.value - bias @ bias) <= 5 * found.floor.standard_error + 1e-12


def test_one_block_keeps_the_larger_of_two_entries():
    found = drive_bias(KEY, np.eye(64)[0] * 4 + np.eye(64)[5] * 3, blocks=1, draws=40)
    assert found.floor.value == pytest.approx(0.5625, abs=1e-12)
    assert found.nmse.value == pytest.approx(0.5625, abs=1e-12)
    assert found.floor.standard_error < 1e-12


def test_ties_have_no_sign_in_the_bias():
    """5 - 4 - 1 = 0 in a quarter of the places, with round-off of a sign of its own."""
    x = np.array([5.0, 4, 1, 0]) / math.sqrt(42)
    found = drive_bias(KEY, x, blocks=1, draws=40)
    expected = np.array([3.0, 1, 1, 0]) * math.sqrt(42) / 20  # in every draw
    np.testing.assert_allclose(found.value, expected - x, atol=1e-12)
    assert found.standard_error.max() < 1e-7  # the root of round-off
    assert found.symmetric_nmse.value == pytest.approx(3 * 42 / 100 - 1, abs=1e-12)
    assert found.nmse.value == pytest.approx(4 * 42 / 100 - 1, abs=1e-12)


def test_error_of_a_message_is_that_of_random_signs():
    """Two equal entries: a fifth of the rotated ones are zeros, which `drive` sends too."""
    x = indicator([0, 1], 64) / math.sqrt(2)
    found = drive_bias(KEY, x, draws=20_000)

    def error(key):
        sent = decompress(key, drive(key, jnp.float32(x)))
        return jnp.sum(jnp.square(sent - jnp.float32(x)))

    errors = np.asarray(jax.jit(jax.vmap(error))(jax.random.split(KEY, 10_000)), np.float64)
    radius = 5 * math.hypot(errors.std(ddof=1) / 100, found.nmse.standard_error)
    assert found.nmse.value == pytest.approx(errors.mean(), abs=radius)
    assert found.symmetric_nmse.value < found.nmse.value - 0.2


def test_bias_is_tangential_and_small_for_three_blocks():
    x = 0.5 ** np.arange(64.0)
    found = drive_bias(KEY, x, blocks=3, draws=4000)
    assert found.value @ x == pytest.approx(0.0, abs=1e-12)
    assert (np.abs(found.value) <= 5 * found.standard_error).all()
    assert abs(found.floor.value) <= 5 * found.floor.standard_error
    assert found.nmse.value == pytest.approx(math.pi / 2 - 1, abs=0.03)


def test_length_of_x_and_the_dtype_it_comes_in_do_not_matter():
    x = np.array([4, 3, 0, 0])
    found = drive_bias(KEY, x, draws=80).value
    np.testing.assert_allclose(found, drive_bias(KEY, x * 1e200, draws=80).value, atol=1e-15)
    half = drive_bias(KEY, jnp.bfloat16(x), draws=80).value
    np.testing.assert_array_equal(found, half)
    assert not jax.config.jax_enable_x64


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: lloyd_max_distortion(0), ValueError, "`bits` must be from 1 to 8, but is 0"),
        (lambda: lloyd_max_distortion(9), ValueError, "`bits` must be from 1 to 8, but is 9"),
        (lambda: lloyd_max_distortion(1, d=2), ValueError, "`d` must be at least 3"),
        (lambda: lloyd_max_distortion(1, d=4, x=[1, 0]), ValueError, "not be given both"),
        (lambda: lloyd_max_distortion(1, rescaled=1), TypeError, "must be True or False"),
        (lambda: lloyd_max_distortion(1, x=[0.5, 0]), TypeError, "must hold integers"),
        (lambda: lloyd_max_distortion(1, x=[1, 0], blocks=3), ValueError, "must be 1 or 2"),
        (lambda: drive_bias(KEY, [[1.0]]), ValueError, "must be a vector"),
        (lambda: drive_bias(KEY, [0.0, 0.0]), ValueError, "finite and not zero"),
        (lambda: drive_bias(KEY, [1.0, math.nan]), ValueError, "finite and not zero"),
        (lambda: drive_bias(KEY, [1.0, 0, 0]), ValueError, "Hadamard length"),
        (lambda: drive_bias(KEY, ["a", "b"]), TypeError, "must hold real numbers"),
        (lambda: drive_bias(KEY, [1.0, 0], draws=39), ValueError, "`draws` must be at least 40"),
        (lambda: drive_bias(KEY, [1.0, 0], blocks=0), ValueError, "`blocks` must be at least 1"),
        (lambda: drive_bias(1, [1.0, 0]), TypeError, "new-style key"),
    ],
)
def test_bad_input(call, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        call()
