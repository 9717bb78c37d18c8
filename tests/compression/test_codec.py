"""Messages: their size, their error against theory, ties, extremes. Statistical tests: fixed keys,
five standard errors (false alarms below 1e-6 each)."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import _lloyd_max, _packing
from hadax.compression import (
    Compressed,
    decompress,
    drive,
    eden,
    expected_nmse,
    mean_estimate,
)

KEY = jax.random.key(3)


def gaussian(*shape, dtype=jnp.float32):
    """Drawn by NumPy: JAX would compile a program for every shape."""
    return jnp.asarray(np.random.default_rng(1).standard_normal(shape), dtype)


def sent(key, x, **settings):
    """What arrives of x, compiled as a whole: that takes less time than its parts one by one."""
    return jax.jit(lambda key, x: decompress(key, eden(key, x, **settings)))(key, x)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("scale", ["unbiased", "mmse"])
@pytest.mark.parametrize("blocks", [1, 3])
def test_against_the_definition(bits, scale, blocks, x64):
    x = gaussian(12, dtype=jnp.float64)
    R = hadax.randomized_hadamard(jax.random.split(KEY)[0], 12, blocks).as_matrix()
    z = np.asarray(R @ x)
    levels = _lloyd_max.codebook(bits)
    u = math.sqrt(12) * z / np.linalg.norm(z)
    Q = levels[np.argmin(np.abs(u[:, None] - levels), axis=1)]
    S = (z @ z) / (z @ Q) if scale == "unbiased" else (z @ Q) / (Q @ Q)
    found = sent(KEY, x, bits=bits, blocks=blocks, scale=scale)
    np.testing.assert_allclose(found, np.asarray(R).T @ (S * Q), atol=1e-12)


def test_drive_is_signs_and_one_scale(x64):
    x = gaussian(16, dtype=jnp.float64)
    R = hadax.randomized_hadamard(jax.random.split(KEY)[0], 16)
    y = R(x)
    unbiased = R.T(jnp.sign(y)) * (x @ x) / jnp.abs(y).sum()
    np.testing.assert_allclose(decompress(KEY, drive(KEY, x)), unbiased, atol=1e-12)
    mmse = R.T(jnp.sign(y)) * jnp.abs(y).sum() / 16
    np.testing.assert_allclose(decompress(KEY, drive(KEY, x, scale="mmse")), mmse, atol=1e-12)


@pytest.mark.parametrize("bits", [1, 3])
def test_what_each_scale_is_for(bits):
    x = gaussian(256)
    kept = sent(KEY, x, bits=bits)
    np.testing.assert_allclose(kept @ x, x @ x, rtol=1e-5)  # nothing is lost along x
    nearest = sent(KEY, x, bits=bits, scale="mmse")
    np.testing.assert_allclose(nearest @ (x - nearest), 0.0, atol=1e-3)  # a projection


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", ["unbiased", "mmse"])
def test_error_is_that_of_a_uniform_rotation(bits, scale):
    """Of 64 messages of 4096 numbers; relative to that of an infinitely long one, 1/4096 off."""
    keys = jax.random.split(KEY, 64)
    x = jnp.exp(gaussian(4096))
    found = jax.jit(jax.vmap(lambda key: sent(key, x, bits=bits, scale=scale)))(keys)
    nmse = np.asarray(jnp.sum(jnp.square(found - x[None]), axis=-1) / (x @ x))
    error = nmse.std(ddof=1) / 8
    expected = expected_nmse(bits, scale=scale)
    assert abs(nmse.mean() - expected) < 5 * error + 2 * expected / 4096


def test_closed_forms():
    assert expected_nmse(1) == pytest.approx(math.pi / 2 - 1, rel=1e-14)
    assert expected_nmse(1, scale="mmse") == pytest.approx(1 - 2 / math.pi, rel=1e-14)
    assert [round(expected_nmse(b), 4) for b in (2, 3, 4)] == [0.1331, 0.0358, 0.0096]


def test_zeros_of_the_rotated_vector_get_fair_signs():
    """One block turns two equal entries into zeros in half the places: 12800 of them here."""
    keys = jax.random.split(KEY, 200)
    x = jnp.zeros(128).at[jnp.array([3, 70])].set(0.7)

    def bits(key):
        message = drive(key, x, blocks=1)
        rotation = hadax.randomized_hadamard(jax.random.split(key)[0], 128, 1)
        return _packing.unpack(message.codes, 1, 128), jnp.abs(rotation(x)) < 1e-5

    signs, zero = map(np.asarray, jax.jit(jax.vmap(bits))(keys))
    assert zero.sum() == 12800
    assert abs(signs[zero].mean() - 0.5) < 5 * 0.5 / math.sqrt(12800)


def test_one_block_never_averages_to_a_vector_of_two_entries():
    keys = jax.random.split(KEY, 400)
    x = jnp.zeros(64).at[:2].set(jnp.array([0.8, 0.6]))
    errors = {}
    for blocks in (1, 2):
        messages = jax.jit(jax.vmap(lambda key, k=blocks: drive(key, x, blocks=k)))(keys)
        mean = jax.jit(mean_estimate)(keys, messages)
        errors[blocks] = float(jnp.sum(jnp.square(mean - x)))
    assert errors[1] == pytest.approx(0.5625, abs=1e-5)  # (.6/.8)^2
    assert errors[2] == pytest.approx(expected_nmse(1) / 400, rel=0.5)


def test_mean_estimate_is_the_mean_of_what_arrives():
    keys = jax.random.split(KEY, 3)
    x = gaussian(3, 2, 16)
    messages = jax.vmap(lambda key, row: eden(key, row, bits=3))(keys, x)
    apart = [decompress(key, jax.tree.map(lambda a, i=i: a[i], messages))
             for i, key in enumerate(keys)]  # fmt: skip
    np.testing.assert_allclose(mean_estimate(keys, messages), sum(apart) / 3, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_dtype_and_batch_are_kept(dtype):
    x = gaussian(2, 3, 24).astype(dtype)
    message = eden(KEY, x, bits=8)
    assert (message.codes.shape, message.scale.shape) == ((2, 3, 24), (2, 3))
    assert message.scale.dtype == jnp.float32
    found = decompress(KEY, message)
    assert (found.shape, found.dtype) == (x.shape, x.dtype)
    np.testing.assert_allclose(np.float32(found), np.float32(x), atol=0.05)
    alone = sent(KEY, x[1, 2], bits=8)
    np.testing.assert_allclose(np.float32(found[1, 2]), np.float32(alone), atol=2e-2)


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1e20, 1e37])
def test_huge_and_tiny_vectors(size):
    x = gaussian(64)
    found = sent(KEY, x * size, bits=4) / size
    np.testing.assert_allclose(found, sent(KEY, x, bits=4), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", ["unbiased", "mmse"])
def test_the_largest_numbers_of_a_dtype(scale):
    """As the same vector has it that is smaller by a power of two, up to round-off."""
    x = jnp.zeros((2, 64)).at[0, 5].set(1.5).at[1, :9].set(-1.5)
    for dtype, power in (("float32", 2.0**127), ("bfloat16", 2.0**127), ("float16", 2.0**15)):
        found = sent(KEY, (x * power).astype(dtype), bits=4, scale=scale)
        small = sent(KEY, x.astype(dtype), bits=4, scale=scale)
        assert found.dtype == dtype
        np.testing.assert_array_equal(np.float64(found) / power, np.float64(small))
        np.testing.assert_allclose(np.float64(small), x, atol=0.5)


@pytest.mark.parametrize("power", [-126, -127, -140])
def test_the_least_numbers_stay_finite(power):
    x = jnp.full(16, np.float32(2.0**power))
    found = np.asarray(sent(KEY, x, bits=4))
    np.testing.assert_allclose(found, x, atol=2.0**-125)


def test_what_leaves_the_range_of_float16_is_infinite():
    found = sent(KEY, jnp.full(64, 6e4, jnp.float16), bits=1)
    assert jnp.isinf(found).any()


def test_a_batch_may_be_empty():
    message = eden(KEY, jnp.ones((0, 8)), bits=3)
    assert (message.codes.shape, message.scale.shape) == ((0, 3), (0,))
    assert decompress(KEY, message).shape == (0, 8)


@pytest.mark.parametrize("scale", ["unbiased", "mmse"])
def test_zero_stays_zero(scale):
    x = jnp.zeros((2, 8)).at[1, 0].set(1.0)
    found = sent(KEY, x, scale=scale)
    assert not found[0].any()
    assert found[1].any()


def test_one_entry_is_its_sign_and_its_size():
    np.testing.assert_allclose(sent(KEY, jnp.array([[-3.0], [5.0]]), bits=1), [[-3], [5]])


def test_what_is_not_finite_is_seen_at_the_other_end():
    assert jnp.isnan(sent(KEY, jnp.array([1.0, jnp.nan, 0.0, 0.0]))).all()


def test_padding_is_taken_off_again():
    x = gaussian(5, 10)
    message = eden(KEY, x, bits=2, n=hadax.next_hadamard_length(10))
    assert (message.n, message.size, message.codes.shape) == (12, 10, (5, 3))
    padded = jnp.pad(x, ((0, 0), (0, 2)))
    whole = decompress(KEY, eden(KEY, padded, bits=2))  # not compiled as a whole: neither is it
    np.testing.assert_array_equal(decompress(KEY, message), whole[:, :10])


def test_jit_changes_nothing_and_a_message_is_a_pytree():
    x = gaussian(16)
    message = eden(KEY, x)
    compiled = jax.jit(eden)(KEY, x)
    np.testing.assert_array_equal(message.codes, compiled.codes)
    assert jax.tree.structure(message) == jax.tree.structure(compiled)
    assert len(jax.tree.leaves(message)) == 2
    np.testing.assert_allclose(jax.jit(decompress)(KEY, compiled), decompress(KEY, message), 1e-6)


def test_no_derivative_passes():
    x = gaussian(16)
    gradient = jax.grad(lambda v: jnp.sum(sent(KEY, v)))(x)
    assert not gradient.any()


def test_other_keys_rotate_otherwise():
    x = gaussian(64)
    assert jnp.sum(jnp.square(decompress(jax.random.key(9), eden(KEY, x, bits=8)) - x)) > x @ x


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: eden(KEY, jnp.ones(10)), ValueError, "Pass n=12 to pad it"),
        (lambda: eden(KEY, jnp.ones(10), n=8), ValueError, "pads and never cuts"),
        (lambda: eden(KEY, jnp.ones(10), n=13), ValueError, "order of a Hadamard matrix"),
        (
            lambda: eden(KEY, jnp.ones(8), bits=9),
            ValueError,
            "`bits` must be from 1 to 8, but is 9",
        ),
        (lambda: eden(KEY, jnp.ones(8), bits=0), ValueError, "`bits` must be from 1 to 8"),
        (lambda: eden(KEY, jnp.ones(8), blocks=0), ValueError, "`blocks` must be at least 1"),
        (lambda: eden(KEY, jnp.ones(8), scale="best"), ValueError, "one of 'unbiased', 'mmse'"),
        (lambda: eden(KEY, jnp.ones(8, int)), TypeError, "real floating point"),
        (lambda: eden(KEY, jnp.ones((2, 0))), ValueError, "at least one point"),
        (lambda: eden(0, jnp.ones(8)), TypeError, "new-style key"),
        (lambda: drive(KEY, jnp.ones(8, complex)), TypeError, "real floating point"),
        (lambda: decompress(KEY, jnp.ones(8)), TypeError, "must be a Compressed"),
        (lambda: decompress(1, eden(KEY, jnp.ones(8))), TypeError, "new-style key"),
        (lambda: mean_estimate(KEY, eden(KEY, jnp.ones(8))), ValueError, "key for each client"),
        (lambda: mean_estimate([0], eden(KEY, jnp.ones(8))), TypeError, "new-style keys"),
        (
            lambda: mean_estimate(jax.random.split(KEY, 2), eden(KEY, jnp.ones((3, 8)))),
            ValueError,
            r"as long as `keys` \(2\), but its scales have shape \(3,\)",
        ),
        (lambda: mean_estimate(jax.random.split(KEY, 2), 1), TypeError, "must be a Compressed"),
        (lambda: expected_nmse(0), ValueError, "`bits` must be from 1 to 8"),
        (lambda: expected_nmse(1, scale="x"), ValueError, "`scale` must be one of"),
    ],
)
def test_bad_input(call, error, words, without_shape_checks):
    with pytest.raises(error, match=words):
        call()


def test_messages_can_be_shapes_and_other_stand_ins(without_shape_checks):
    shapes = jax.eval_shape(eden, KEY, jnp.ones(16))
    assert isinstance(shapes, Compressed)
    assert shapes.codes.shape == (4,)
