"""GPTQ against a plain loop in float64, and the symmetries that it has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hadax.quantization.methods import gptq, rtn

IN, OUT = 48, 7
KEYS = jax.random.split(jax.random.key(0), 3)
INPUTS = jax.random.normal(KEYS[0], (300, IN)) @ jax.random.normal(KEYS[1], (IN, IN))
HESSIAN = INPUTS.T @ INPUTS / 150
KERNEL = jax.random.normal(KEYS[2], (IN, OUT))
CASES = [{}, {"group": 16}, {"act_order": True}, {"group": 12, "act_order": True}]


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


def by_columns(kernel, hessian, *, bits, group=None, act_order=False, damping=0.01):
    """The method as it is written down: one input after the other, all later ones updated."""
    w, h = np.array(kernel, np.float64), np.array(hessian, np.float64)
    n, top = len(w), 2 ** (bits - 1) - 1
    group = group or n
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
    return float(jnp.sum(jnp.square(INPUTS @ (KERNEL - rounded.kernel))))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_a_plain_loop(case):
    kernel, hessian = np.float64(KERNEL), np.float64(HESSIAN)
    found = gptq(kernel, hessian, bits=3, block=8, **case)
    np.testing.assert_allclose(found.kernel, by_columns(kernel, hessian, bits=3, **case), atol=1e-9)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_diagonal_hessian_rounds_to_nearest_exactly(case):
    diagonal = jnp.diag(jnp.diagonal(HESSIAN))
    group = case.get("group")
    for bits in (2, 4):
        found = gptq(KERNEL, diagonal, bits=bits, block=16, **case)
        expected = rtn(KERNEL, bits=bits, group=group)
        np.testing.assert_array_equal(found.kernel, expected.kernel)
        np.testing.assert_array_equal(found.scales, expected.scales)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_correlated_inputs_lose_less(case):
    nearest = rtn(KERNEL, bits=3, group=case.get("group"))
    assert output_error(gptq(KERNEL, HESSIAN, bits=3, **case)) < 0.8 * output_error(nearest)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_weight_is_on_the_grid_of_its_group(case):
    found = gptq(KERNEL, HESSIAN, bits=3, **case)
    groups = len(found.scales)
    integers = found.kernel.reshape(groups, -1, OUT) / found.scales[:, None]
    np.testing.assert_allclose(integers, jnp.round(integers), atol=1e-4)
    assert integers.min() >= -4.001
    assert integers.max() <= 3.001


@pytest.mark.parametrize("case", CASES, ids=str)
def test_outputs_are_independent(case):
    order = jnp.asarray(np.random.default_rng(0).permutation(OUT))
    whole = gptq(KERNEL, HESSIAN, bits=3, **case)
    permuted = gptq(KERNEL[:, order], HESSIAN, bits=3, **case)
    np.testing.assert_allclose(permuted.kernel, whole.kernel[:, order], atol=1e-5)
    np.testing.assert_allclose(permuted.scales, whole.scales[:, order], atol=1e-5)


def test_act_order_does_not_see_the_order_of_the_inputs():
    order = jnp.asarray(np.random.default_rng(0).permutation(IN))
    whole = gptq(KERNEL, HESSIAN, bits=3, act_order=True)
    permuted = gptq(KERNEL[order], HESSIAN[order][:, order], bits=3, act_order=True)
    np.testing.assert_allclose(permuted.kernel, whole.kernel[order], atol=1e-5)


@pytest.mark.parametrize("case", [{}, {"group": 16}], ids=str)
def test_blocks_and_the_scale_of_the_hessian_do_not_matter(case):
    expected = gptq(KERNEL, HESSIAN, bits=3, **case).kernel
    for block in (1, 5, 16):
        found = gptq(KERNEL, HESSIAN, bits=3, block=block, **case).kernel
        np.testing.assert_allclose(found, expected, atol=1e-4)
    found = gptq(KERNEL, 2.0**-20 * HESSIAN, bits=3, **case).kernel
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("act_order", [False, True])
def test_dead_inputs_get_no_weight_and_leave_the_others_alone(act_order):
    dead = jnp.zeros(IN, bool).at[jnp.array([0, 20, 47])].set(True)
    hessian = jnp.where(dead[:, None] | dead[None], 0.0, HESSIAN)
    found = gptq(KERNEL, hessian, bits=4, clip=1.0, act_order=act_order)
    assert not found.kernel[dead].any()
    share = (IN - 3) / IN  # damping is over the mean of all inputs
    kept = gptq(
        KERNEL[~dead], HESSIAN[~dead][:, ~dead], bits=4, clip=1.0, act_order=act_order,
        damping=0.01 * share,
    )  # fmt: skip
    np.testing.assert_allclose(found.kernel[~dead], kept.kernel, atol=1e-5)
    assert not gptq(KERNEL, 0 * HESSIAN, bits=4).kernel.any()


def test_leading_axes_jit_and_vmap():
    kernels, hessians = jnp.stack([KERNEL, 2 * KERNEL[::-1]]), jnp.stack([HESSIAN, HESSIAN.T + 1])
    found = gptq(kernels, hessians, bits=4, group=16)
    for i in range(2):
        alone = gptq(kernels[i], hessians[i], bits=4, group=16)
        np.testing.assert_allclose(found.kernel[i], alone.kernel, atol=1e-5)
        np.testing.assert_allclose(found.scales[i], alone.scales, atol=1e-5)
    mapped = jax.jit(jax.vmap(lambda w, h: gptq(w, h, bits=4, group=16)))(kernels, hessians)
    np.testing.assert_allclose(mapped.kernel, found.kernel, atol=1e-4)


def test_the_program_does_not_grow_with_the_kernel():
    def equations(n):
        shapes = jnp.ones((n, 4)), jnp.eye(n)
        return str(jax.make_jaxpr(lambda w, h: gptq(w, h, bits=4))(*shapes)).count(" = ")

    assert equations(64) == equations(512) > 50


def test_half_precision_kernels_are_solved_in_float32():
    half = KERNEL.astype(jnp.bfloat16)
    found = gptq(half, HESSIAN, bits=4)
    wide = gptq(half.astype(jnp.float32), HESSIAN, bits=4)
    assert found.kernel.dtype == jnp.bfloat16
    np.testing.assert_array_equal(found.kernel, wide.kernel.astype(jnp.bfloat16))


@pytest.mark.usefixtures("without_shape_checks")
def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"`hessian` must have the shape \(48, 48\)"):
        gptq(KERNEL, HESSIAN[:3], bits=4)
    with pytest.raises(TypeError, match="`hessian` must be real floating point"):
        gptq(KERNEL, HESSIAN.astype(int), bits=4)
    with pytest.raises(ValueError, match="positive definite once it is damped, but is not"):
        gptq(KERNEL, HESSIAN - 9 * jnp.diag(jnp.diagonal(HESSIAN) - 1), bits=4)
    with pytest.raises(ValueError, match="`damping` must be at least 0, but is -1"):
        gptq(KERNEL, HESSIAN, bits=4, damping=-1)
    with pytest.raises(ValueError, match="`block` must be at least 1, but is 0"):
        gptq(KERNEL, HESSIAN, bits=4, block=0)
    with pytest.raises(TypeError, match="`act_order` must be True or False"):
        gptq(KERNEL, HESSIAN, bits=4, act_order=1)
