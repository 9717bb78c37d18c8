r"""GPTQ: weights are rounded one input after the other, the rest make up for what was lost.

The error of a linear's output, $\|X (W - \hat W)\|^2$, is a quadratic form of the Hessian
$H = \frac{2}{N} X^\top X$, the same for every output. If the weights of input i are changed by -e,
the best change of those of the inputs after it is $-e\,U_{ij} / U_{ii}$, with $U$ the upper
triangular factor of $H^{-1} = U^\top U$.
"""

from functools import partial

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization.methods import _grid, _method_checks
from hadax.quantization.methods.rtn import Rounded


def gptq(
    kernel: ArrayLike,
    hessian: ArrayLike,
    *,
    bits: int,
    group: int | None = None,
    clip: float | None = None,
    damping: float = 0.01,
    act_order: bool = False,
    block: int = 128,
) -> Rounded:
    r"""Round a kernel so that its output changes little on inputs of the given second moment.

    For $i = 1, \dots, n$: $\hat w_i = Q(w_i)$, $e = (w_i - \hat w_i) / U_{ii}$,
    $w_j \leftarrow w_j - U_{ij} e$ for $j > i$, with $(H + \lambda I)^{-1} = U^\top U$ and
    $\lambda$ = damping times the mean of the diagonal of H. Outputs are independent: kernels that
    read the same inputs can be joined along their outputs.

    Inputs that are always zero (a zero on the diagonal of H) get zero weights. The scales of a
    group are found when its turn comes, from weights that already make up for earlier errors; with
    `act_order`, beforehand.

    Args:
        kernel: array (..., in, out), real.
        hessian: array (..., in, in), any multiple of $\sum x x^\top$ over the inputs x.
        bits: width of the grid's integers, 2 to 16.
        group: how many consecutive inputs share a scale; None for all.
        clip: share of the largest magnitude that grids reach; None searches as `rtn` does.
        damping: what is added to the diagonal of H, over its mean.
        act_order: whether inputs with a large second moment come first.
        block: how many inputs, at most, are rounded before the errors are carried to all later
            ones. It does not change the result beyond round-off.

    Returns:
        The kernel on the grid, and the scales (..., groups, out), groups in the order of the
        kernel's inputs.

    Raises:
        TypeError: an array is not real floating point, or bits, group or block no integer.
        ValueError: bits, clip, damping or block outside its range, a group that does not divide the
            inputs, a Hessian of another shape; one that is not positive definite (not seen under
            `jax.jit`: then the result is not finite).

    Cost:
        O(in^3 + in^2 out) operations, and memory for three matrices (in, in) and four (in, out),
        one leading index after the other; the program has the same length for every size. Some
        tenths of a second for (576, 1536) and for (1536, 576) on two cores.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.quantization.methods import gptq, rtn
        >>> keys = jax.random.split(jax.random.key(0), 3)
        >>> x = jax.random.normal(keys[0], (200, 16)) @ jax.random.normal(keys[1], (16, 16))
        >>> w = jax.random.normal(keys[2], (16, 4))
        >>> errors = [jnp.sum((x @ (w - rounded.kernel)) ** 2)
        ...           for rounded in (rtn(w, bits=3), gptq(w, x.T @ x, bits=3))]
        >>> bool(errors[1] < 0.7 * errors[0])
        True

    See Also:
        `rtn`, which it equals for a diagonal Hessian; `hadax.models.input_moments`, for the
        Hessians of a model.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    w = _method_checks.kernel(kernel)
    inputs = w.shape[-2]
    h = _method_checks.moments("hessian", hessian, (*w.shape[:-1], inputs))
    bits, group = _method_checks.grid(bits, group, inputs)
    _method_checks.not_negative("damping", damping)
    _checks.flag("act_order", act_order)
    rounded = _gptq(
        w,
        h,
        bits,
        group,
        _method_checks.clip(clip),
        damping,
        act_order,
        _checks.integer("block", block, minimum=1),
    )
    _method_checks.solved(rounded.kernel)
    return rounded


@partial(jax.jit, static_argnums=(2, 3, 4, 5, 6, 7))
def _gptq(
    kernel: Array,
    hessian: Array,
    bits: int,
    group: int,
    clip: float | None,
    damping: float,
    act_order: bool,
    block: int,
) -> Rounded:
    """The method on every matrix of a stack, one after the other."""
    wide = _dtypes.accumulator(kernel.dtype)

    def one(pair: tuple[Array, Array]) -> Rounded:
        w, h = pair[0].astype(wide), pair[1].astype(wide)
        live = jnp.diagonal(h) > 0
        w = jnp.where(live[:, None], w, jnp.zeros_like(w))
        if act_order:
            order = jnp.argsort(jnp.diagonal(h), descending=True)
            scale = _grid.scales(_grid.split(w, group), bits, clip).squeeze(1)
            inverse = _inverse_factor(h[order][:, order], damping)
            points = _rounded(w[order], inverse, scale[order // group], bits, block)
            w = jnp.zeros_like(w).at[order].set(points)
        else:
            w, scale = _rounded_groups(w, _inverse_factor(h, damping), bits, group, clip, block)
        return Rounded(w.astype(kernel.dtype), scale)

    *leading, inputs, outputs = kernel.shape
    flat = kernel.reshape(-1, inputs, outputs), hessian.reshape(-1, inputs, inputs)
    found = jax.lax.map(one, flat)
    return jax.tree.map(lambda array: array.reshape(*leading, *array.shape[1:]), found)


def _inverse_factor(hessian: Array, damping: float) -> Array:
    """The upper triangular U with U^T U = H^{-1} of the damped Hessian."""
    diagonal = jnp.diagonal(hessian)
    mean = jnp.mean(diagonal)
    mean = jnp.where(mean > 0, mean, jnp.ones_like(mean))
    # Rows and columns of dead inputs are zero: any positive number keeps them apart and regular.
    filled = jnp.where(diagonal > 0, diagonal, mean) + damping * mean
    identity = jnp.eye(len(diagonal), dtype=hessian.dtype)
    regular = jnp.where(identity > 0, filled, hessian)
    # Cholesky from the last row up gives H = R R^T with R upper triangular, and U is its inverse.
    factor = jnp.linalg.cholesky(regular[::-1, ::-1])[::-1, ::-1]
    return jax.scipy.linalg.solve_triangular(factor, identity, lower=False)


def _rounded_groups(
    kernel: Array, inverse: Array, bits: int, group: int, clip: float | None, block: int
) -> tuple[Array, Array]:
    """The rounded kernel (in, out) and its scales (groups, out), each found at its group's turn."""

    def step(kernel: Array, start: Array) -> tuple[Array, tuple[Array, Array]]:
        current = jax.lax.dynamic_slice_in_dim(kernel, start, group)
        scale = _grid.scales(current, bits, clip)
        spread = jnp.broadcast_to(scale, current.shape)
        kernel, points = _sweep(kernel, inverse, start, spread, bits, block)
        return kernel, (points, scale[0])

    starts = jnp.arange(0, len(kernel), group)
    _, (points, scale) = jax.lax.scan(step, kernel, starts)
    return points.reshape(kernel.shape), scale


def _rounded(kernel: Array, inverse: Array, scale: Array, bits: int, block: int) -> Array:
    """The rounded kernel (in, out) with known scales (in, out)."""
    return _sweep(kernel, inverse, jnp.asarray(0), scale, bits, block)[1]


def _sweep(
    kernel: Array, inverse: Array, start: Array, scale: Array, bits: int, block: int
) -> tuple[Array, Array]:
    """Round the inputs from `start` on, as many as `scale` has rows, block by block.

    Returns the kernel with all later weights changed, and the rounded ones.
    """
    span = len(scale)
    size = next(d for d in range(min(block, span), 0, -1) if span % d == 0)

    def step(kernel: Array, part: tuple[Array, Array]) -> tuple[Array, Array]:
        at, scale = part
        rows = jax.lax.dynamic_slice_in_dim(kernel, at, size)
        factor = jax.lax.dynamic_slice_in_dim(inverse, at, size)
        square = jax.lax.dynamic_slice_in_dim(factor, at, size, axis=1)
        points, errors = _rounded_block(rows, square, scale, bits)
        # The rows of U are zero before their own input, so what is done already does not change.
        lost = jnp.matmul(factor.T, errors, precision="highest")
        return kernel - lost, points

    starts = start + jnp.arange(0, span, size)
    blocks = scale.reshape(span // size, size, -1)
    kernel, points = jax.lax.scan(step, kernel, (starts, blocks))
    return kernel, points.reshape(scale.shape)


def _rounded_block(rows: Array, square: Array, scale: Array, bits: int) -> tuple[Array, Array]:
    """The rounded rows (size, out) of one block, and their errors over the diagonal of U."""

    def step(rows: Array, part: tuple[Array, Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        i, factor, scale = part
        point = _grid.to_grid(rows[i], scale, bits)
        error = (rows[i] - point) / factor[i]
        return rows - factor[:, None] * error[None], (point, error)

    _, found = jax.lax.scan(step, rows, (jnp.arange(len(rows)), square, scale))
    return found
