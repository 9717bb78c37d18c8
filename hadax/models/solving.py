"""Changing a model's kernels one after the other, each by what it reads in the changed model."""

import functools
from collections.abc import Callable, Iterable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from hadax._typing import Array, ArrayLike
from hadax.models import _model_checks
from hadax.models.llama import Block, Llama, llama_from_params, llama_params

Solve: TypeAlias = Callable[[Array, Array], Array]
"""`solve(kernel, hessian)`: another kernel (in, out), by 2 E[x x^T] of what it reads."""

_READERS = {
    "attention": ("query", "key", "value"),
    "output": ("output",),
    "feed_forward": ("gate", "up"),
    "down": ("down",),
}


def solve_kernels(
    model: Llama,
    tokens: ArrayLike,
    solve: Solve,
    *,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Llama:
    """The model with every kernel of its blocks solved for, from the first block to the last.

    In each block {q, k, v} come first, then W_o, then {gate, up}, then W_down: each is given the
    second moment of what it reads in the model as it is changed up to there. Kernels that read the
    same inputs are joined along their outputs. Embedding, head and norms stay.

    Args:
        model: the model; it is left as it is.
        tokens: integer array (windows, time), time >= 2; not of the text that the model is to be
            judged by.
        solve: function from a kernel (in, out) and a Hessian (in, in) to a kernel, for example
            `lambda w, h: gptq(w, h, bits=4).kernel`.
        progress: what shows how far it is: it is given the layers, as `tqdm.tqdm` is.

    Returns:
        A new model.

    Raises:
        ValueError: `tokens` is not a matrix with at least two columns, or `solve` does not keep a
            shape.

    Cost:
        A little over two forward passes, layers (3 width^2 + hidden^2) operations a token, and four
        calls of `solve` a layer. Memory: the residual stream of all tokens.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, solve_kernels
        >>> from hadax.quantization.methods import gptq
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5]])
        >>> rounded = solve_kernels(llama, tokens, lambda w, h: gptq(w, h, bits=4).kernel)
        >>> len(set(rounded.blocks.up.kernel[0, :, 0].tolist())) <= 8
        True

    See Also:
        `map_kernels`, for methods that look at the kernels alone.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    tokens = _model_checks.windows(tokens)
    stream = model.embed(tokens)
    blocks = []
    for layer in progress(range(model.config.layers)):
        block = jax.tree.map(lambda leaf, at=layer: leaf[at], model.blocks)
        for site, names in _READERS.items():
            linears = [getattr(block, name) for name in names]
            kernels = [linear.kernel[...] for linear in linears]
            joined = jnp.concatenate(kernels, axis=1)
            solved = solve(joined, _hessian(block, stream, site))
            _model_checks.same_shapes("solve(kernel, hessian)", {site: solved}, {site: joined})
            ends = np.cumsum([kernel.shape[1] for kernel in kernels])[:-1]
            for linear, part in zip(linears, jnp.split(solved, ends, axis=1), strict=True):
                linear.kernel[...] = part
        stream = _advanced(block, stream)
        blocks.append(nnx.to_pure_dict(nnx.state(block, nnx.Param)))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks)
    changed = llama_from_params(model.config, llama_params(model) | {"blocks": stacked})
    changed.blocks.hidden_rotation = nnx.data(model.blocks.hidden_rotation)
    return changed


@functools.partial(jax.jit, static_argnums=2)
def _hessian(block: Block, stream: Array, site: str) -> Array:
    """2 E[x x^T] of what is read at a site of one block; what comes after it is not computed."""

    def step(total: Array, window: Array) -> tuple[Array, None]:
        x = block(window)[1][site]
        return total + jnp.matmul(x.T, x, precision="highest"), None

    inputs = jax.eval_shape(lambda window: block(window)[1][site], stream[0])
    width = inputs.shape[-1]
    total, _ = jax.lax.scan(step, jnp.zeros((width, width), inputs.dtype), stream)
    return 2 / (stream.shape[0] * stream.shape[1]) * total


@jax.jit
def _advanced(block: Block, stream: Array) -> Array:
    """The residual stream of all windows after a block."""
    return jax.lax.map(lambda window: block(window)[0], stream)
