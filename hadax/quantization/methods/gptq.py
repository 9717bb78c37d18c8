r"""GPTQ: weights are rounded one input after the other, the rest make up for what was lost.

The error of a linear's output, $\|X (W - \hat W)\|^2$, is a quadratic form of the Hessian
$H = \frac{2}{N} X^\top X$, the same for every output. If the weights of input i are changed by -e,
the best change of those of the inputs after it is $-e\,U_{ij} / U_{ii}$, with $U$ the upper
triangular factor of $H^{-1} = U^\top U$.
"""

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from hadax import _checks, _dtypes
from hadax._typing import Array, ArrayLike
from hadax.quantization import _grid
from hadax.quantization.clipping import best_clip
from hadax.quantization.formats import Format
from hadax.quantization.methods import _method_checks
from hadax.quantization.qtensor import QTensor, packed
from hadax.quantization.scales import ScaleSpec


def gptq(
    kernel: ArrayLike,
    hessian: ArrayLike,
    format: Format,
    spec: ScaleSpec = ScaleSpec(axis=-2),
    *,
    clip: float | None = None,
    damping: float = 0.01,
    act_order: bool = False,
    block: int = 128,
) -> QTensor:
    r"""Round a kernel so that its output changes little on inputs of the given second moment.

    For $i = 1, \dots, n$: $\hat w_i = Q(w_i)$, $e = (w_i - \hat w_i) / U_{ii}$,
    $w_j \leftarrow w_j - U_{ij} e$ for $j > i$, with $(H + \lambda I)^{-1} = U^\top U$ and
    $\lambda$ = damping times the mean of the diagonal of H. Outputs are independent: kernels that
    read the same inputs can be joined along their outputs.

    Inputs that are always zero (a zero on the diagonal of H) get the weights nearest to zero. The
    scales of a group are found when its turn comes, from weights that already make up for earlier
    errors; with `act_order`, beforehand.

    Args:
        kernel: array (..., in, out), real.
        hessian: array (..., in, in), any multiple of $\sum x x^\top$ over the inputs x.
        format: the numbers, of at most 8 bits.
        spec: what shares a scale, and the dtype of scales; its axis is -2, the inputs.
        clip: share of the range that grids reach; None searches as `rtn` does.
        damping: what is added to the diagonal of H, over its mean.
        act_order: whether inputs with a large second moment come first.
        block: how many inputs, at most, are rounded before the errors are carried to all later
            ones. It does not change the result beyond round-off.

    Returns:
        The codes of the kernel and its scales (..., groups, out), groups in the order of the
        kernel's inputs.

    Raises:
        TypeError: an array is not real floating point, block no integer, or format or spec of
            another kind.
        ValueError: a format above 8 bits, clip, damping or block outside its range, scales along
            other axes, groups that `simulate` refuses, a Hessian of another shape; one that is not
            positive definite (not seen under `jax.jit`: then scales are not finite).

    Cost:
        O(in^3 + in^2 out) operations, and memory for three matrices (in, in) and four (in, out),
        one leading index after the other; the program has the same length for every size. Some
        tenths of a second for (576, 1536) and for (1536, 576) on two cores.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from hadax.quantization import IntFormat
        >>> from hadax.quantization.methods import gptq, rtn
        >>> keys = jax.random.split(jax.random.key(0), 3)
        >>> x = jax.random.normal(keys[0], (200, 16)) @ jax.random.normal(keys[1], (16, 16))
        >>> w = jax.random.normal(keys[2], (16, 4))
        >>> three = IntFormat(3)
        >>> errors = [jnp.sum((x @ (w - rounded.dequantize())) ** 2)
        ...           for rounded in (rtn(w, three), gptq(w, x.T @ x, three))]
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
    group = _method_checks.grid(format, spec, w)
    _method_checks.not_negative("damping", damping)
    _checks.flag("act_order", act_order)
    block = _checks.integer("block", block, minimum=1)
    plan = _Plan(format, spec, _method_checks.clip(clip), group, damping, act_order, block)
    found = _gptq(w, h, plan)
    _method_checks.solved(found.scales)
    return found


class _Plan(NamedTuple):
    """How a kernel is rounded; static."""

    format: Format
    spec: ScaleSpec
    clip: float | None
    group: int
    damping: float
    act_order: bool
    block: int


class _Grid(NamedTuple):
    """Scales, and zero points of asymmetric formats, of the same shape."""

    scales: Array
    zeros: Array | None

    def at(self, i: Array) -> "_Grid":
        """The rows i."""
        return jax.tree.map(lambda array: array[i], self)


@partial(jax.jit, static_argnums=2)
def _gptq(kernel: Array, hessian: Array, plan: _Plan) -> QTensor:
    """The method on every matrix of a stack, one after the other."""
    wide = _dtypes.accumulator(kernel.dtype)

    def one(pair: tuple[Array, Array]) -> tuple[Array, _Grid]:
        w, h = pair[0].astype(wide), pair[1].astype(wide)
        live = jnp.diagonal(h) > 0
        w = jnp.where(live[:, None], w, jnp.zeros_like(w))
        if plan.act_order:
            order = jnp.argsort(jnp.diagonal(h), descending=True)
            grid = _grid_of(w, plan.spec, plan)
            inverse = _inverse_factor(h[order][:, order], plan.damping)
            spread = grid.at(order // plan.group)
            swept = _sweep(w[order], inverse, jnp.asarray(0), spread, plan)[1]
            codes = jnp.zeros_like(swept).at[order].set(swept)
        else:
            inverse = _inverse_factor(h, plan.damping)
            codes, grid = _coded_groups(w, inverse, plan)
        # Codes are never NaN: what comes of a Hessian without a factor is to be seen in the scales.
        is_regular = jnp.isfinite(inverse).all()
        return codes, grid._replace(scales=jnp.where(is_regular, grid.scales, jnp.nan))

    *leading, inputs, outputs = kernel.shape
    flat = kernel.reshape(-1, inputs, outputs), hessian.reshape(-1, inputs, inputs)
    codes, grid = jax.lax.map(one, flat)
    codes, scales, zeros = jax.tree.map(
        lambda array: array.reshape(*leading, *array.shape[1:]), (codes, *grid)
    )
    return packed(codes, scales, zeros, plan.format, plan.spec, kernel.dtype.name)


def _grid_of(kernel: Array, spec: ScaleSpec, plan: _Plan) -> _Grid:
    """The grid (groups, out) of a kernel (in, out)."""
    clip = best_clip(kernel, plan.format, spec) if plan.clip is None else plan.clip
    blocks, shares = _grid.prepare(kernel, plan.format, spec, clip)
    found = _grid.scales_and_zeros(blocks, plan.format, spec, shares)
    return jax.tree.map(lambda array: array.reshape(_grid.joined(array)), _Grid(*found))


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


def _coded_groups(kernel: Array, inverse: Array, plan: _Plan) -> tuple[Array, _Grid]:
    """The codes of a kernel (in, out), and its grid (groups, out), found as groups come."""
    whole = dataclasses.replace(plan.spec, block=None)
    inputs = len(kernel)
    # Where the last group is shorter, weights of zero fill it that nothing is carried to or from.
    if lack := -inputs % plan.group:
        kernel = jnp.pad(kernel, [(0, lack), (0, 0)])
        inverse = jax.scipy.linalg.block_diag(inverse, jnp.eye(lack, dtype=inverse.dtype))

    def step(kernel: Array, start: Array) -> tuple[Array, tuple[Array, _Grid]]:
        current = jax.lax.dynamic_slice_in_dim(kernel, start, plan.group)
        grid = _grid_of(current, whole, plan)
        spread = grid.at(jnp.zeros(plan.group, int))
        kernel, codes = _sweep(kernel, inverse, start, spread, plan)
        return kernel, (codes, grid.at(jnp.asarray(0)))

    starts = jnp.arange(0, len(kernel), plan.group)
    _, (codes, grid) = jax.lax.scan(step, kernel, starts)
    return codes.reshape(kernel.shape)[:inputs], grid


def _sweep(
    kernel: Array, inverse: Array, start: Array, grid: _Grid, plan: _Plan
) -> tuple[Array, Array]:
    """Round the inputs from `start` on, as many as `grid` has rows, block by block.

    Returns the kernel with all later weights changed, and the codes.
    """
    span = len(grid.scales)
    size = next(d for d in range(min(plan.block, span), 0, -1) if span % d == 0)

    def step(kernel: Array, part: tuple[Array, _Grid]) -> tuple[Array, Array]:
        at, grid = part
        rows = jax.lax.dynamic_slice_in_dim(kernel, at, size)
        factor = jax.lax.dynamic_slice_in_dim(inverse, at, size)
        square = jax.lax.dynamic_slice_in_dim(factor, at, size, axis=1)
        codes, errors = _coded_block(rows, square, grid, plan.format)
        # The rows of U are zero before their own input, so what is done already does not change.
        lost = jnp.matmul(factor.T, errors, precision="highest")
        return kernel - lost, codes

    starts = start + jnp.arange(0, span, size)
    blocks = jax.tree.map(lambda array: array.reshape(span // size, size, -1), grid)
    kernel, codes = jax.lax.scan(step, kernel, (starts, blocks))
    return kernel, codes.reshape(span, -1)


def _coded_block(rows: Array, square: Array, grid: _Grid, format: Format) -> tuple[Array, Array]:
    """The codes (size, out) of one block, and its errors over the diagonal of U."""

    def step(rows: Array, part: tuple[Array, Array, _Grid]) -> tuple[Array, tuple[Array, Array]]:
        i, factor, (scale, zero) = part
        codes = format.codes(rows[i] / scale, zero)
        point = scale * format.decode(codes, zero, dtype=rows.dtype)
        error = (rows[i] - point) / factor[i]
        return rows - factor[:, None] * error[None], (codes, error)

    _, found = jax.lax.scan(step, rows, (jnp.arange(len(rows)), square, grid))
    return found
