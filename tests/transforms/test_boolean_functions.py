"""Boolean functions by brute force and textbook values; convolutions by their definitions."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sympy.discrete.convolutions import (
    convolution_fwht,
    convolution_subset,
    covering_product,
    intersecting_product,
)

import hadax
from hadax import testing

KEY = jax.random.key(3)


def bits(n):
    """The bits of every index, the lowest first."""
    return np.arange(1 << n)[:, None] >> np.arange(n) & 1


def bent(n):
    """v_0 v_1 + v_2 v_3 + ... over GF(2)."""
    v = bits(n)
    return (v[:, ::2] * v[:, 1::2]).sum(axis=1) % 2


def aes_s_box():
    """Inverses in GF(2^8), and an affine map: FIPS 197, section 5.1.1."""

    def times(a, b):
        found = 0
        while b:
            found ^= a * (b & 1)
            a = a << 1 ^ (0x11B if a & 0x80 else 0)
            b >>= 1
        return found

    table = []
    for a in range(256):
        inverse = next((b for b in range(256) if times(a, b) == 1), 0)
        turned = [inverse << i | inverse >> (8 - i) for i in range(5)]
        table.append((turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4]) & 255 ^ 0x63)
    return np.array(table)


def test_spectrum_and_autocorrelation_by_their_definitions():
    f = np.array(jax.random.bernoulli(KEY, shape=(3, 32)))
    v = np.arange(32)
    signs = (-1) ** f.astype(int)
    inner = np.bitwise_count(v[:, None] & v).astype(int) % 2
    np.testing.assert_array_equal(hadax.walsh_spectrum(f), signs @ (-1) ** inner)
    shifted = signs[:, v[:, None] ^ v]
    autocorrelation = (shifted * signs[:, None]).sum(axis=-1)
    np.testing.assert_array_equal(hadax.autocorrelation(f), autocorrelation)
    np.testing.assert_array_equal(hadax.autocorrelation(f.T, axis=0), autocorrelation.T)
    np.testing.assert_array_equal(hadax.walsh_spectrum(f.T, axis=0).T, signs @ (-1) ** inner)
    signed = jnp.asarray(signs)
    np.testing.assert_array_equal(hadax.xor_convolution(signed, signed), autocorrelation)


def test_nonlinearity_and_degree_by_brute_force():
    """All 256 functions of three bits, against all 16 affine ones and all 256 polynomials."""
    tables = bits(8)
    v = bits(3)
    affine = np.array([(v @ a + c) % 2 for a in v for c in (0, 1)])
    nearest = (tables[:, None] != affine).sum(axis=-1).min(axis=1)
    np.testing.assert_array_equal(hadax.nonlinearity(tables), nearest)
    np.testing.assert_array_equal(hadax.nonlinearity(tables.T, axis=0), nearest)
    monomials = np.array([v[:, members == 1].prod(axis=1) for members in v])
    degrees = np.full(256, -2)
    for coefficients in tables:
        values = coefficients @ monomials % 2
        degree = max((s.sum() for s, c in zip(v, coefficients, strict=True) if c), default=-1)
        degrees[values @ (1 << np.arange(8))] = degree
    np.testing.assert_array_equal(hadax.algebraic_degree(tables), degrees)
    np.testing.assert_array_equal(hadax.algebraic_degree(tables.T, axis=0), degrees)


@pytest.mark.parametrize("n", [2, 4, 8])
def test_bent_functions(n):
    f = bent(n)
    assert int(hadax.nonlinearity(f)) == 2 ** (n - 1) - 2 ** (n // 2 - 1)
    assert int(hadax.algebraic_degree(f)) == 2
    autocorrelation = np.asarray(hadax.autocorrelation(f))
    np.testing.assert_array_equal(autocorrelation, np.eye(1, 2**n, dtype=int)[0] * 2**n)
    np.testing.assert_array_equal(np.abs(hadax.walsh_spectrum(f)), 2 ** (n // 2))


def test_components_of_the_aes_s_box():
    """112, the nonlinearity of inversion in GF(2^8), and degree 7, for all 255 of them."""
    box = aes_s_box()
    assert (box[0], box[1], box[0x53]) == (0x63, 0x7C, 0xED)
    components = np.bitwise_count(np.arange(1, 256)[:, None] & box) % 2
    assert set(np.asarray(hadax.nonlinearity(components)).tolist()) == {112}
    assert set(np.asarray(hadax.algebraic_degree(components)).tolist()) == {7}
    assert int(jnp.max(jnp.abs(hadax.autocorrelation(components)[:, 1:]))) == 32


def test_the_largest_autocorrelation_that_32_bits_hold():
    """The sum of squares is 2^30, of a constant with either sign."""
    for f in (jnp.zeros(1 << 15, jnp.uint8), jnp.ones(1 << 15, bool)):
        np.testing.assert_array_equal(hadax.autocorrelation(f), 1 << 15)
    parity = jnp.asarray(np.bitwise_count(np.arange(1 << 15)) % 2)
    right = 2**15 * (1 - 2 * parity.astype(int))
    np.testing.assert_array_equal(hadax.autocorrelation(parity), right)
    with pytest.raises(ValueError, match=r"at most 2\^15 values .* inside of jax\.enable_x64"):
        hadax.autocorrelation(jnp.zeros(1 << 16, bool))


def test_64_bits_hold_more(x64):
    found = hadax.autocorrelation(jnp.zeros(1 << 16, bool))
    assert found.dtype == jnp.int32
    np.testing.assert_array_equal(found, 1 << 16)


def pairs_of_functions(dtype=jnp.int32):
    """Two batches (2, 16) of functions on subsets."""
    return (jax.random.randint(key, (2, 16), -9, 9).astype(dtype) for key in jax.random.split(KEY))


UNIONS = {
    "xor": (hadax.xor_convolution, lambda a, b: a ^ b, lambda a, b: True),
    "or": (hadax.or_convolution, lambda a, b: a | b, lambda a, b: True),
    "and": (hadax.and_convolution, lambda a, b: a & b, lambda a, b: True),
    "subset": (hadax.subset_convolution, lambda a, b: a | b, lambda a, b: not a & b),
}
SYMPY = {
    "xor": convolution_fwht,
    "or": covering_product,
    "and": intersecting_product,
    "subset": convolution_subset,
}
every_convolution = pytest.mark.parametrize("name", UNIONS)


def by_definition(name, x, y):
    _, joined, counts = UNIONS[name]
    found = np.zeros_like(x)
    for a, b in itertools.product(range(x.shape[-1]), repeat=2):
        if counts(a, b):
            found[..., joined(a, b)] += x[..., a] * y[..., b]
    return found


@every_convolution
def test_convolutions_by_their_definitions_and_by_sympy(name):
    function = UNIONS[name][0]
    x, y = pairs_of_functions()
    right = by_definition(name, np.asarray(x), np.asarray(y))
    np.testing.assert_array_equal(function(x, y), right)
    np.testing.assert_array_equal(function(x.T, y.T, axis=0), right.T)
    foreign = SYMPY[name](np.asarray(x[0]).tolist(), np.asarray(y[0]).tolist())
    np.testing.assert_array_equal(right[0], np.array(foreign, int))


@every_convolution
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16, jnp.complex64])
def test_convolutions_keep_their_dtype(name, dtype):
    x, y = pairs_of_functions(dtype)
    found = UNIONS[name][0](x, y)
    assert found.dtype == dtype
    wide = np.complex128 if dtype == jnp.complex64 else np.float64
    right = by_definition(name, np.asarray(x).astype(wide), np.asarray(y).astype(wide))
    testing.assert_close(found, right, n=16, c=8.0)


@every_convolution
def test_convolutions_wrap_around_or_are_exact_while_they_fit(name):
    x, y = pairs_of_functions()
    small = UNIONS[name][0](x.astype(jnp.int8), y.astype(jnp.int8))
    assert small.dtype == jnp.int8
    right = by_definition(name, np.asarray(x), np.asarray(y))
    np.testing.assert_array_equal(small, right.astype(np.int8))
    large = UNIONS[name][0](x << 24, y)
    wrapped = (right.astype(np.int64) << 24).astype(np.int32)
    if name == "xor":  # 16 times the sums have to fit
        assert not np.array_equal(large, wrapped)
        fits = np.abs(right) < 2**7 // 16
        np.testing.assert_array_equal(np.asarray(large)[fits], wrapped[fits])
    else:
        np.testing.assert_array_equal(large, wrapped)


@every_convolution
def test_derivatives_of_convolutions(name):
    function = UNIONS[name][0]
    x, y = (jax.random.normal(key, (8,)) for key in jax.random.split(KEY))
    jax.test_util.check_grads(jax.jit(function), (x, y), order=1, rtol=3e-2, atol=3e-2)
    both = jax.jit(jax.vmap(function, in_axes=(None, 0)))(x, jnp.stack([y, 2 * y]))
    testing.assert_close(both[1], 2 * function(x, y), n=8, c=4.0)


@every_convolution
def test_convolutions_of_functions_of_nothing(name):
    np.testing.assert_array_equal(UNIONS[name][0](jnp.array([3]), jnp.array([5])), [15])


@pytest.mark.usefixtures("without_shape_checks")
@every_convolution
def test_convolutions_refuse_what_does_not_fit(name):
    function = UNIONS[name][0]
    with pytest.raises(ValueError, match=r"`x` and `y` must have one shape .* float32\[8\]"):
        function(jnp.ones(8), jnp.ones(4))
    with pytest.raises(ValueError, match=r"one dtype, but are float32\[8\] and int32\[8\]"):
        function(jnp.ones(8), jnp.ones(8, int))
    with pytest.raises(ValueError, match="power-of-two length for a convolution"):
        function(jnp.ones(6), jnp.ones(6))
    with pytest.raises(TypeError, match="`y` must be an array of numbers"):
        function(jnp.ones(8), None)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    "function",
    [hadax.walsh_spectrum, hadax.nonlinearity, hadax.autocorrelation, hadax.algebraic_degree],
)
def test_boolean_functions_refuse_what_is_none(function):
    with pytest.raises(TypeError, match="`x` must be a truth table"):
        function(jnp.ones(8))
    with pytest.raises(ValueError, match="power-of-two length for a function of bits"):
        function(jnp.ones(6, bool))
    with pytest.raises(ValueError, match="`axis` must be an axis of x"):
        function(jnp.ones(8, bool), axis=1)
