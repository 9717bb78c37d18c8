"""Clipping: the best of a list, and a learned one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import (
    GPTQ_SHARES,
    LEARNED_START,
    FloatFormat,
    IntFormat,
    ScaleSpec,
    best_clip,
    learned_clip,
    lloyd_max,
    nf4,
    simulate,
)

search = jax.jit(best_clip, static_argnums=(1, 2), static_argnames="exponent")
X = jax.random.t(jax.random.key(0), 3.0, (40, 6))


@pytest.mark.parametrize(
    ("format", "spec", "exponent"),
    [
        (IntFormat(3), ScaleSpec(axis=0), 2.4),
        (IntFormat(4, symmetric=False), ScaleSpec(axis=0, block=20), 2.4),
        (nf4(), ScaleSpec(axis=None), 2.0),
        (lloyd_max(2), ScaleSpec(), 2.0),
        (FloatFormat("e2m1"), ScaleSpec(axis=0, block=10, dtype="e4m3"), 2.4),
    ],
    ids=str,
)
def test_it_is_the_best_of_the_list(format, spec, exponent):
    counts = spec.counts(X)

    def errors(clip):
        rounded = jax.jit(simulate, static_argnums=(1, 2))(X, format, spec, clip=clip)
        gap = np.abs(np.asarray(X - rounded)) ** exponent
        cut = [part for n, k in zip(X.shape, counts, strict=True) for part in (k, n // k)]
        return gap.reshape(cut).sum(axis=(1, 3))

    clip = search(X, format, spec, exponent=exponent)
    assert clip.shape == counts
    assert set(np.asarray(clip).ravel()) <= set(np.asarray(GPTQ_SHARES, np.float32))
    found = errors(clip)
    for share in (1.0, 0.9, 0.7, 0.5, 0.4, 0.21):
        assert (found <= errors(share) * (1 + 1e-5)).all(), share
    assert found.sum() < errors(1.0).sum()


def test_the_shares_of_the_gptq_family():
    assert len(GPTQ_SHARES) == 80
    assert (GPTQ_SHARES[0], GPTQ_SHARES[-1]) == (1, pytest.approx(0.21))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_it_does_not_depend_on_the_scale(dtype):
    x = X[:4].astype(dtype).astype("float32")
    expected = best_clip(x, IntFormat(3))
    assert expected.min() < 0.95
    exponents = (-6, 8) if dtype == "float16" else (-100, 100)
    for exponent in exponents:
        scaled = jnp.asarray(x * 2.0**exponent, dtype)
        np.testing.assert_array_equal(best_clip(scaled, IntFormat(3)), expected)


def test_zeros_and_tiny_numbers_are_no_trouble():
    x = jnp.array([[2e-38, 1.2e-38], [0.0, 0.0]])
    assert np.isfinite(best_clip(x, IntFormat(8))).all()


def test_a_learned_clip_learns():
    x = X.T

    def loss(logits):
        clip = tuple(map(learned_clip, logits))
        return jnp.sum((x - simulate(x, IntFormat(3), clip=clip, gradient="clamp")) ** 2)

    start = jnp.full((2, 6, 1), LEARNED_START)
    np.testing.assert_allclose(learned_clip(start), 0.98201, atol=1e-5)

    @jax.jit
    def step(logits):
        slope = jax.grad(loss)(logits)
        return logits - 0.3 * jnp.sign(slope)

    logits = start
    for _ in range(12):
        logits = step(logits)
    assert loss(logits) < 0.9 * loss(start)
    best = best_clip(x, IntFormat(3), exponent=2.0)
    assert loss(logits) < 1.2 * jnp.sum((x - simulate(x, IntFormat(3), clip=best)) ** 2)


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    for keywords, message in [
        ({"exponent": 0}, "`exponent` must be above 0, but is 0"),
        ({"shares": ()}, "`shares` must hold a share to try, but is empty"),
        ({"shares": (1.0, 1.5)}, r"`shares` must be above 0 and at most 1, but is 1\.5"),
    ]:
        with pytest.raises(ValueError, match=message):
            best_clip(X, IntFormat(4), **keywords)
    with pytest.raises(TypeError, match="`format` must be a number format"):
        best_clip(X, 4)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`logits` must be real floating point"):
        learned_clip(jnp.arange(3))
