"""Folding keeps x @ W_write @ W_read, for orthogonal maps and for others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hadax
from hadax import operators
from hadax.operators.elementary import BlockDiagonal
from hadax.quantization import fold_gain, fold_into_reader, fold_into_writer

KEYS = jax.random.split(jax.random.key(0), 4)
OPERATORS = {
    "randomized Hadamard": hadax.randomized_hadamard(KEYS[0], 12),
    "Haar": hadax.haar_rotation(KEYS[0], 12),
    "stretch": operators.diagonal(jnp.linspace(0.5, 2, 12)),
    "stretch after rotation": operators.diagonal(jnp.linspace(0.5, 2, 12))
    @ hadax.haar_rotation(KEYS[0], 12),
    "heads": BlockDiagonal(hadax.randomized_hadamard(KEYS[0], 4), 3),
}
X, WRITE, READ = (
    jax.random.normal(key, shape)
    for key, shape in zip(KEYS[1:], [(5, 7), (7, 12), (12, 6)], strict=True)
)


@pytest.mark.parametrize("name", OPERATORS)
def test_the_product_stays_and_what_is_between_is_mapped(name):
    op = OPERATORS[name]
    write, read = fold_into_writer(op, WRITE), fold_into_reader(op, READ)
    np.testing.assert_allclose(X @ write, op(X @ WRITE), atol=1e-5)
    np.testing.assert_allclose(X @ write @ read, X @ WRITE @ READ, atol=1e-4)


def test_leading_axes_are_a_batch():
    op, stack = OPERATORS["Haar"], jnp.stack([READ, 2 * READ])
    np.testing.assert_allclose(
        fold_into_reader(op, stack)[1], 2 * fold_into_reader(op, READ), atol=1e-5
    )


def test_gains_move_into_the_reader():
    gain = jnp.arange(1.0, 13.0)
    h = X @ WRITE
    np.testing.assert_allclose(
        h @ fold_gain(gain, READ), (h * gain[None]) @ READ, rtol=1e-4, atol=1e-4
    )
    assert fold_gain(gain, READ.astype("bfloat16")).dtype == "bfloat16"


@pytest.mark.usefixtures("without_shape_checks")
def test_what_does_not_fit_is_refused():
    op = OPERATORS["Haar"]
    for fold, kernel, axis in [(fold_into_writer, READ, -1), (fold_into_reader, WRITE, -2)]:
        with pytest.raises(ValueError, match=f"`kernel` must have length 12 along axis={axis}"):
            fold(op, kernel)
        with pytest.raises(TypeError, match="`op` must be an operator, but is a ArrayImpl"):
            fold(jnp.eye(12), kernel)
    with pytest.raises(ValueError, match=r"along axis=-2, .* has kernel\.shape=\(12,\)"):
        fold_into_reader(op, jnp.ones(12))
    with pytest.raises(TypeError, match="must have a known inverse"):
        fold_into_reader(operators.dense(jnp.eye(12)), READ)
    with pytest.raises(ValueError, match=r"\(12,\), but has gain\.shape=\(7,\)"):
        fold_gain(jnp.ones(7), READ)
    with pytest.raises(TypeError, match=r"`kernel` must be floating point, but .*dtype=int32"):
        fold_gain(jnp.full(2, 0.5), jnp.ones((2, 3), int))
    with pytest.raises(TypeError, match="`gain` must be real for a real kernel"):
        fold_gain(jnp.full(12, 1j), READ)
