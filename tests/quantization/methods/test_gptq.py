"""GPTQ against a plain loop in float64, and the symmetries that it has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization import FloatFormat, IntFormat, ScaleSpec, lloyd_max, nf4
from hadax.quantization.methods import gptq, rtn

IN, OUT = 48, 7
KEYS = jax.random.split(jax.random.key(0), 3)
INPUTS = jax.random.normal(KEYS[0], (300, IN)) @ jax.random.normal(KEYS[1], (IN, IN))
HESSIAN = INPUTS.T @ INPUTS / 150
KERNEL = jax.random.normal(KEYS[2], (IN, OUT))
BY_OUTPUT = ScaleSpec(-2)
CASES = [
    {},
    {"spec": ScaleSpec(-2, 16)},
    {"act_order": True},
    {"spec": ScaleSpec(-2, 12), "act_order": True},
    {"spec": ScaleSpec(-2, 20)},
    {"spec": ScaleSpec(-2, 20), "act_order": True},
]
GRIDS = [
    (IntFormat(3, symmetric=False), ScaleSpec(-2, 16)),
    (IntFormat(4), ScaleSpec(-2, dtype="float16")),
    (FloatFormat("e2m1"), ScaleSpec(-2, 16, dtype="e4m3")),
    (FloatFormat("e2m1"), ScaleSpec(-2, 8, dtype="e8m0")),
    (nf4(), ScaleSpec(-2, 24)),
    (lloyd_max(3), ScaleSpec(-2, 24)),
]


def searched_scales(weights, bits):
    """The scales (out,) of a group (group, out), by the definition."""
    top = 2 ** (bits - 1) - 1
    peak = np.abs(weights).max(axis=0)
    best, scales = np.full(peak.shape, np.inf), peak / top
    for i in range(80):
        scale = (1 - i / 100) * peak / top
        rounded = scale * np.clip(np.round(weights / scale), -top - 1, top)
        loss = (np.abs(weights - rounded) ** 2.4).sum(axis=0)
        scales = np.where(loss < best, scale, scales)
        best = np.minimum(loss, best)
    return scales


def by_columns(kernel, hessian, *, bits, spec=BY_OUTPUT, act_order=False, damping=0.01):
    """The method as it is written down: one input after the other, all later ones updated."""
    w, h = np.array(kernel, np.float64), np.array(hessian, np.float64)
    n, top = len(w), 2 ** (bits - 1) - 1
    group = spec.block or n
    order = np.argsort(-np.diag(h), kind="stable") if act_order else np.arange(n)
    static = [searched_scales(w[g : g + group], bits) for g in range(0, n, group)]
    w, h = w[order], h[np.ix_(order, order)]
    h += damping * np.diag(h).mean() * np.eye(n)
    upper = np.linalg.cholesky(np.linalg.inv(h)).T
    points = np.zeros_like(w)
    for i in range(n):
        if act_order:
            scale = static[order[i] // group]
        elif i % group == 0:
            scale = searched_scales(w[i : i + group], bits)
        points[i] = scale * np.clip(np.round(w[i] / scale), -top - 1, top)
        w[i:] -= np.outer(upper[i, i:], (w[i] - points[i]) / upper[i, i])
    return points[np.argsort(order)]


def output_error(rounded):
    """The squared error of the outputs."""
    return float(jnp.sum(jnp.square(INPUTS @ (KERNEL - rounded.dequantize()))))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_a_plain_loop(case):
    kernel, hessian = np.float64(KERNEL), np.float64(HESSIAN)
    found = gptq(kernel, hessian, IntFormat(3), block=8, **case)
    np.testing.assert_allclose(
        found.dequantize(), by_columns(kernel, hessian, bits=3, **case), atol=1e-9
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_diagonal_hessian_rounds_to_nearest_exactly(case):
    diagonal = jnp.diag(jnp.diagonal(HESSIAN))
    spec = case.get("spec", BY_OUTPUT)
    for bits in (2, 4):
        found = gptq(KERNEL, diagonal, IntFormat(bits), block=16, **case)
        expected = rtn(KERNEL, IntFormat(bits), spec)
        np.testing.assert_array_equal(found.dequantize(), expected.dequantize())
        np.testing.assert_array_equal(found.scales, expected.scales)


@pytest.fixture
def in_the_order_of_the_code():
    """Programs in which XLA orders no operations anew, so that scales are equal bit for bit."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.optimized  # has small floats
@pytest.mark.usefixtures("in_the_order_of_the_code")
@pytest.mark.parametrize(("format", "spec"), GRIDS, ids=str)
@pytest.mark.parametrize("act_order", [False, True])
def test_any_format_and_dtype_of_scales(format, spec, act_order):
    diagonal = jnp.diag(jnp.diagonal(HESSIAN))
    found = gptq(KERNEL, diagonal, format, spec, act_order=act_order, block=16)
    nearest = rtn(KERNEL, format, spec)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(nearest), strict=True):
        np.testing.assert_array_equal(one, other)
    better = gptq(KERNEL, HESSIAN, format, spec, act_order=act_order)
    assert output_error(better) < 0.8 * output_error(nearest)
    assert better.bits_per_weight == nearest.bits_per_weight


@pytest.mark.parametrize("case", CASES, ids=str)
def test_correlated_inputs_lose_less(case):
    nearest = rtn(KERNEL, IntFormat(3), case.get("spec", BY_OUTPUT))
    assert output_error(gptq(KERNEL, HESSIAN, IntFormat(3), **case)) < 0.8 * output_error(nearest)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_weight_is_on_the_grid_of_its_group(case):
    found = gptq(KERNEL, HESSIAN, IntFormat(3), **case)
    group = case.get("spec", BY_OUTPUT).block or IN
    integers = found.dequantize() / jnp.repeat(found.scales, group, axis=0)[:IN]
    np.testing.assert_allclose(integers, jnp.round(integers), atol=1e-4)
    assert integers.min() >= -4.001
    assert integers.max() <= 3.001


@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs_are_independent(case):
    order = jnp.asarray(np.random.default_rng(0).permutation(OUT))
    whole = gptq(KERNEL, HESSIAN, IntFormat(3), **case)
    permuted = gptq(KERNEL[:, order], HESSIAN, IntFormat(3), **case)
    np.testing.assert_allclose(permuted.dequantize(), whole.dequantize()[:, order], atol=1e-5)
    np.testing.assert_allclose(permuted.scales, whole.scales[:, order], atol=1e-5)


def test_act_order_does_not_see_the_order_of_the_inputs():
    order = jnp.asarray(np.random.default_rng(0).permutation(IN))
    whole = gptq(KERNEL, HESSIAN, IntFormat(3), act_order=True)
    permuted = gptq(KERNEL[order], HESSIAN[order][:, order], IntFormat(3), act_order=True)
    np.testing.assert_allclose(permuted.dequantize(), whole.dequantize()[order], atol=1e-5)


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_blocks_and_the_scale_of_the_hessian_do_not_matter(case):
    expected = gptq(KERNEL, HESSIAN, IntFormat(3), **case).dequantize()
    for block in (1, 5, 16):
        found = gptq(KERNEL, HESSIAN, IntFormat(3), block=block, **case).dequantize()
        np.testing.assert_allclose(found, expected, atol=1e-4)
    found = gptq(KERNEL, 2.0**-20 * HESSIAN, IntFormat(3), **case).dequantize()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("act_order", [False, True])
def test_dead_inputs_get_no_weight_and_leave_the_others_alone(act_order):
    dead = jnp.zeros(IN, bool).at[jnp.array([0, 20, 47])].set(True)
    hessian = jnp.where(dead[:, None] | dead[None], 0.0, HESSIAN)
    found = gptq(KERNEL, hessian, IntFormat(4), clip=1.0, act_order=act_order)
    assert not found.dequantize()[dead].any()
    share = (IN - 3) / IN  # damping is over the mean of all inputs
    kept = gptq(
        KERNEL[~dead], HESSIAN[~dead][:, ~dead], IntFormat(4), clip=1.0, act_order=act_order,
        damping=0.01 * share,
    )  # fmt: skip
    np.testing.assert_allclose(found.dequantize()[~dead], kept.dequantize(), atol=1e-5)
    assert not gptq(KERNEL, 0 * HESSIAN, IntFormat(4)).dequantize().any()


def test_leading_axes_jit_and_vmap():
    kernels, hessians = jnp.stack([KERNEL, 2 * KERNEL[::-1]]), jnp.stack([HESSIAN, HESSIAN.T + 1])
    found = gptq(kernels, hessians, IntFormat(4), ScaleSpec(-2, 16))
    for i in range(2):
        alone = gptq(kernels[i], hessians[i], IntFormat(4), ScaleSpec(-2, 16))
        np.testing.assert_allclose(found.dequantize()[i], alone.dequantize(), atol=1e-5)
        np.testing.assert_allclose(found.scales[i], alone.scales, atol=1e-5)
    mapped = jax.jit(jax.vmap(lambda w, h: gptq(w, h, IntFormat(4), ScaleSpec(-2, 16))))(
        kernels, hessians
    )
    np.testing.assert_allclose(mapped.dequantize(), found.dequantize(), atol=1e-4)


def test_the_program_does_not_grow_with_the_kernel():
    def equations(n):
        shapes = jnp.ones((n, 4)), jnp.eye(n)
        return str(jax.make_jaxpr(lambda w, h: gptq(w, h, IntFormat(4)))(*shapes)).count(" = ")

    assert equations(64) == equations(512) > 50


def test_half_precision_kernels_are_solved_in_float32():
    half = KERNEL.astype(jnp.bfloat16)
    found = gptq(half, HESSIAN, IntFormat(4))
    wide = gptq(half.astype(jnp.float32), HESSIAN, IntFormat(4))
    assert found.dequantize().dtype == jnp.bfloat16
    np.testing.assert_array_equal(found.dequantize(), wide.dequantize().astype(jnp.bfloat16))


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"`hessian` must have the shape \(48, 48\)"):
        gptq(KERNEL, HESSIAN[:3], IntFormat(4))
    with pytest.raises(TypeError, match="`hessian` must be real floating point"):
        gptq(KERNEL, HESSIAN.astype(int), IntFormat(4))
    with pytest.raises(ValueError, match="positive definite once it is damped, but is not"):
        gptq(KERNEL, HESSIAN - 9 * jnp.diag(jnp.diagonal(HESSIAN) - 1), IntFormat(4))
    unsolved = jax.jit(lambda h: gptq(KERNEL, h, IntFormat(4), act_order=True))(-HESSIAN)
    assert jnp.isnan(unsolved.scales).all()
    with pytest.raises(ValueError, match="`damping` must be at least 0, but is -1"):
        gptq(KERNEL, HESSIAN, IntFormat(4), damping=-1)
    with pytest.raises(ValueError, match="`block` must be at least 1, but is 0"):
        gptq(KERNEL, HESSIAN, IntFormat(4), block=0)
    with pytest.raises(TypeError, match="`act_order` must be True or False"):
        gptq(KERNEL, HESSIAN, IntFormat(4), act_order=1)
