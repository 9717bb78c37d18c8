"""Kernels and their matrices: foreign values, series, spectra, dense matrices, gradients."""

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
KEY = jax.random.key(11)
X3 = jnp.full(3, 0.25)


def at_top(words, bits):
    """Foreign words of so many bits at the upper end of 64."""
    return jnp.asarray(np.asarray(words).astype(np.uint64) << np.uint64(64 - int(bits)))


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_golden_shift_invariant_values(order, x64):
    found = _kernel_values.bernoulli(jnp.asarray(ONE["u"]), order)
    np.testing.assert_allclose(found, ONE[f"si_alpha{order}"], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_golden_digital_values(order, x64):
    """The foreign series of order 4 is cut off below 5e-9."""
    words = at_top(ONE["xint"], ONE["t"])
    found = _kernel_values.walsh(words, order, jnp.dtype("float64"))
    atol = 5e-9 if order == 4 else 1e-13
    np.testing.assert_allclose(found, ONE[f"dsi_alpha{order}"], rtol=0, atol=atol)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_golden_walsh_sums(order, x64):
    """The same with the mean, as sums over all Walsh functions."""
    words = at_top(ONE["xint"], ONE["t"])
    found = 1 + _kernel_values.walsh(words, order, jnp.dtype("float64"))
    atol = 5e-9 if order == 4 else 1e-13
    np.testing.assert_allclose(found, ONE[f"wwalsh_{order}"], rtol=0, atol=atol)


def test_golden_sum_of_single_bits(x64):
    """The foreign one leaves out what is below 1e-8."""
    words = at_top(ONE["xint"], ONE["t"])
    found = _kernel_values.single_bits(words, jnp.dtype("float64"))
    np.testing.assert_allclose(found, ONE["k4sum"], rtol=0, atol=1e-8)


def test_places_are_exact_where_floats_are_not(x64):
    """(2^62 - 1) / 2^63 is below a half, though not as a float: place 2, not 1."""
    word = at_top([2**62 - 1], 63)
    found = _kernel_values.walsh(word, 2, jnp.dtype("float64"))
    np.testing.assert_allclose(found, [-2 * 0.5 + 2.5 * (1 - 0.25) - 1], atol=1e-15)


@pytest.mark.parametrize("order", [2, 3])
def test_digital_kernels_are_their_walsh_series(order):
    """On 2^8 points the series aliases: coefficients k and k + 2^8 l add up."""
    bits, more = 8, 14
    k = np.arange(1, 1 << more)
    places = np.zeros(len(k))
    left = k.copy()
    for _ in range(order):
        top = np.where(left > 0, np.floor(np.log2(np.maximum(left, 1))).astype(int), -1)
        places += np.where(left > 0, top + 1, 0)
        left = np.where(left > 0, left - (1 << np.maximum(top, 0)), 0)
    coefficients = np.concatenate([[0.0], 2.0**-places])
    net = qmc.digital_net([[1 << (31 - b) for b in range(bits)]])
    words = net.words(1 << bits)[:, 0]
    aliased = coefficients.reshape(-1, 1 << bits).sum(axis=0)
    i = np.arange(1 << bits)
    signs = (-1.0) ** np.array([[bin(a & b).count("1") for b in i] for a in i])
    # Walsh function k in dyadic order at the word with index bits i, first output bit lowest in k.
    series = signs @ aliased
    found = _kernel_values.walsh(words, order, jnp.dtype("float32"))
    np.testing.assert_allclose(found, series, atol=5e-3)


def settings():
    return {"weights": jnp.asarray(GRAM["weights"]), "orders": tuple(GRAM["alpha"].tolist())}


def test_golden_lattice_gram(x64):
    kernel = qmc.shift_invariant_kernel(4, scale=float(GRAM["scale"]), **settings())
    x = jnp.asarray(GRAM["si_x"])
    found = kernel(x[:, None], x[None])
    np.testing.assert_allclose(found, GRAM["si_gram"], rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(kernel(x, x[:1]), GRAM["si_k1"], rtol=1e-11, atol=1e-10)
    matrix = qmc.Gram.of_column(kernel.scale, kernel.minus_one(x, x[:1]), 0.0, is_lattice=True)
    np.testing.assert_allclose(matrix.eigenvalues, GRAM["si_lam"].real, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(GRAM["si_lam"].imag, 0, atol=1e-12)
    y = jnp.asarray(GRAM["y"])
    np.testing.assert_allclose(matrix(y), GRAM["si_matvec"], rtol=1e-9)
    np.testing.assert_allclose(matrix(y), GRAM["si_matvec_fast"], rtol=1e-9)
    np.testing.assert_allclose(matrix.solve(y), GRAM["si_solve"], rtol=1e-8)
    np.testing.assert_allclose(matrix.logdet(), GRAM["si_logdet"], rtol=1e-10)


def test_golden_net_gram(x64):
    kernel = qmc.digital_kernel(4, scale=float(GRAM["scale"]), **settings())
    words = at_top(GRAM["dsi_xb"], GRAM["dsi_t"])
    found = kernel(words[:, None], words[None])
    np.testing.assert_allclose(found, GRAM["dsi_gram"], rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(kernel(words, words[:1]), GRAM["dsi_k1"], rtol=1e-9, atol=1e-7)
    minus_one = kernel.minus_one(words, words[:1])
    matrix = qmc.Gram.of_column(kernel.scale, minus_one, 0.0, is_lattice=False)
    np.testing.assert_allclose(matrix.eigenvalues, GRAM["dsi_lam"], rtol=1e-8, atol=1e-7)
    y = jnp.asarray(GRAM["y"])
    np.testing.assert_allclose(matrix(y), GRAM["dsi_matvec"], rtol=1e-9)
    np.testing.assert_allclose(matrix.solve(y), GRAM["dsi_solve"], rtol=1e-8)
    np.testing.assert_allclose(matrix.logdet(), GRAM["dsi_logdet"], rtol=1e-10)


def systems(dtype="float32"):
    """A lattice and a net, randomised, with kernels of their own."""
    first, second, third = jax.random.split(KEY, 3)
    gammas = jnp.asarray([0.9, 0.4, 0.2], dtype)
    lattice = qmc.random_shift(first, qmc.lattice(qmc.cbc(3, 256)))
    net = qmc.digital_shift(second, qmc.linear_scramble(third, qmc.sobol(3)))
    return {
        "lattice": (qmc.shift_invariant_kernel(3, orders=(1, 2, 1), weights=gammas), lattice),
        "net": (qmc.digital_kernel(3, orders=(1, 2, 1), weights=gammas), net),
    }


@pytest.mark.parametrize("kind", ["lattice", "net"])
@pytest.mark.parametrize("n", [1, 64, 256])
def test_fast_is_dense(kind, n, x64):
    kernel, points = systems("float64")[kind]
    words = points.words(n)
    dense = np.asarray(kernel(words[:, None], words[None])) + 0.1 * np.eye(n)
    fast = qmc.gram(kernel, points, n, noise=0.1)
    y = jnp.asarray(np.random.default_rng(0).standard_normal((2, n)))
    np.testing.assert_allclose(fast(y), y @ dense, rtol=1e-9, atol=1e-9)
    solved = np.linalg.solve(dense, y.T).T
    np.testing.assert_allclose(fast.solve(y), solved, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(fast.logdet(), np.linalg.slogdet(dense)[1], rtol=1e-9)
    inverse = np.linalg.inv(dense)
    np.testing.assert_allclose(fast.inverse_trace(), np.trace(inverse), rtol=1e-9)
    expected = np.einsum("in,nm,im->i", y, inverse, y)
    np.testing.assert_allclose(fast.quadratic(y), expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_spectra_are_positive_and_sum_to_the_trace(kind, x64):
    kernel, points = systems("float64")[kind]
    found = np.asarray(qmc.gram(kernel, points, 256).eigenvalues)
    assert (found >= -1e-12 * found.max()).all()
    word = points.words(1)[0]
    np.testing.assert_allclose(found.sum(), 256 * kernel(word, word), rtol=1e-12)


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_it_computes_in_32_bits_with_noise(kind):
    kernel, points = systems()[kind]
    fast = qmc.gram(kernel, points, 256, noise=1e-3)
    assert fast.eigenvalues.dtype == jnp.float32
    y = jnp.asarray(np.random.default_rng(0).standard_normal(256), "float32")
    np.testing.assert_allclose(fast(fast.solve(y)), y, atol=2e-3)


@pytest.mark.parametrize("kind", ["lattice", "net"])
def test_gradients_of_the_likelihood(kind, x64):
    """Of scale, weights and noise, against central differences."""
    kernel, points = systems("float64")[kind]
    y = jnp.asarray(np.random.default_rng(1).standard_normal(64))
    make = qmc.shift_invariant_kernel if kind == "lattice" else qmc.digital_kernel

    def loss(theta):
        scale, noise, *gammas = jnp.exp(theta)
        made = make(3, orders=kernel.orders, weights=jnp.stack(gammas), scale=scale)
        matrix = qmc.gram(made, points, 64, noise=noise)
        return matrix.quadratic(y) + matrix.logdet()

    theta = jnp.asarray([0.1, -1.0, -0.5, -1.0, -2.0])
    gradient = jax.jit(jax.grad(loss))(theta)
    step = 1e-5
    for i, unit in enumerate(np.eye(5)):
        slope = (loss(theta + step * unit) - loss(theta - step * unit)) / (2 * step)
        np.testing.assert_allclose(gradient[i], slope, rtol=1e-6)


def test_small_weights_keep_their_digits():
    """K / S - 1 of weights of 1e-8 is lost in float32 where 1 is added first."""
    kernel = qmc.shift_invariant_kernel(2, orders=1, weights=1e-8)
    x, z = jnp.asarray([[0.1, 0.7]]), jnp.asarray([[0.3, 0.2]])
    exact = 1e-8 * float(kernel.factors(x, z).sum())
    np.testing.assert_allclose(kernel.minus_one(x, z), exact, rtol=1e-6)


@pytest.mark.parametrize("make", [qmc.shift_invariant_kernel, qmc.digital_kernel])
def test_kernels_are_not_compiled_again(make, caplog):
    x = qmc.sobol(2).words(8)
    kernel = make(2)
    kernel(x, x[:1])
    with jax.log_compiles():
        kernel(x, x[:1])
    assert "Compiling" not in caplog.text


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: qmc.shift_invariant_kernel(3)(jnp.ones((4, 5)), X3), ValueError, "3 dimensions"),
        (lambda: qmc.shift_invariant_kernel(3)(X3, jnp.ones(1)), ValueError, "`z` must have"),
        (lambda: qmc.shift_invariant_kernel(3)(X3, jnp.ones(3, int)), TypeError, "floats or words"),
        (lambda: qmc.digital_kernel(3)(X3, X3), TypeError, r"words \(unsigned integers\)"),
        (
            lambda: qmc.derivative(qmc.shift_invariant_kernel(3), X3, X3[:1]),
            ValueError,
            "3 dimensions",
        ),
        (lambda: qmc.shift_invariant_kernel(2, orders=6), ValueError, "`orders` must be at most"),
        (lambda: qmc.digital_kernel(2, orders=(1, 2, 3)), ValueError, "one integer or 2"),
        (lambda: qmc.digital_kernel(2, weights=-1.0), ValueError, "`weights` must be positive"),
        (lambda: qmc.digital_kernel(2, scale=jnp.ones(2)), ValueError, "`scale` must have the"),
        (lambda: qmc.gram(qmc.digital_kernel(2), qmc.sobol(2), 12), ValueError, "power of two"),
        (lambda: qmc.gram(qmc.digital_kernel(3), qmc.sobol(2), 8), ValueError, "the 2 dimensions"),
        (lambda: qmc.gram(qmc.digital_kernel(1), qmc.lattice([1]), 8), TypeError, "`kernel` must"),
        (lambda: qmc.gram(qmc.digital_kernel(2), nested(), 8), ValueError, "linear_scramble"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


def nested():
    """A net that has no structure left."""
    return qmc.nested_scramble(KEY, qmc.sobol(2))
