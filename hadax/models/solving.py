"""Changing a model's kernels one after the other, each by what it reads in the changed model."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx

from hadax._typing import Array, ArrayLike
from hadax.models import _model_checks
from hadax.models.base import Model, StackedBlock, parameters
from hadax.quantization.sites import ModelSites

Kernels: TypeAlias = Mapping[str, Array]
Solve: TypeAlias = Callable[[int, Kernels, Array], Kernels]
"""`solve(layer, kernels, hessian)`: other kernels (in, out) by path, by 2 E[x x^T] of what all of
them read."""


def solve_kernels(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike,
    solve: Solve,
    *,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Model:
    """The model with every kernel of its blocks solved for, from the first block to the last.

    Within a block the inputs of `sites` come one after the other, in a Llama those of {q, k, v},
    W_o, {gate, up} and W_down: each is given the second moment of what it reads in the model as it
    is changed up to there, before activations are rounded. Everything else stays.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `llama_sites` gives it.
        tokens: integer array (windows, time), time >= 2; not of the text that the model is to be
            judged by.
        solve: function from the number of the layer, kernels (in, out) by path and a Hessian
            (in, in) to kernels by path.
        progress: what shows how far it is: it is given the layers, as `tqdm.tqdm` is.

    Returns:
        A new model.

    Raises:
        ValueError: `tokens` is not a matrix with at least two columns, or `solve` does not keep a
            path or a shape.

    Cost:
        A little over two forward passes, layers (3 width^2 + hidden^2) operations a token, and four
        calls of `solve` a layer. Memory: the residual stream of all tokens.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites, solve_kernels
        >>> from hadax.quantization import IntFormat
        >>> from hadax.quantization.methods import gptq
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5]])
        >>> def solve(layer, kernels, hessian):
        ...     return {path: gptq(w, hessian, IntFormat(4)).dequantize()
        ...             for path, w in kernels.items()}
        >>> rounded = solve_kernels(llama, llama_sites(config), tokens, solve)
        >>> len(set(rounded.blocks.up.kernel[0, :, 0].tolist())) <= 8
        True

    See Also:
        `map_kernels`, for methods that look at the kernels alone.

    References:
        Frantar et al. (2023), key `frantar2023`.
    """
    tokens = _model_checks.windows(tokens)
    stream = model.stream(tokens)
    blocks = []
    for layer in progress(range(model.config.layers)):
        block = jax.tree.map(lambda leaf, at=layer: leaf[at], model.blocks)
        for site in sites.inputs:
            linears = {path: _linear(block, path) for path in site.readers}
            kernels = {path: linear.kernel[...] for path, linear in linears.items()}
            solved = solve(layer, kernels, _hessian(block, stream, site.name))
            _model_checks.same_shapes("solve(...)", dict(solved), kernels)
            for path, kernel in solved.items():
                linears[path].kernel[...] = kernel
        stream = _advanced(block, stream)
        blocks.append(nnx.to_pure_dict(nnx.state(block, nnx.Param)))
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *blocks)
    return model.with_parameters(parameters(model) | {"blocks": stacked})


def _linear(block: Any, path: str) -> nnx.Linear:
    """The linear of a block whose kernel has a path such as "blocks.query.kernel"."""
    _, *folders, _ = path.split(".")
    return functools.reduce(getattr, folders, block)


@functools.partial(jax.jit, static_argnums=2)
def _hessian(block: StackedBlock, stream: Array, site: str) -> Array:
    """2 E[x x^T] of what is read at a site of one block; what comes after it is not computed."""

    def step(total: Array, window: Array) -> tuple[Array, None]:
        x = block(window)[1][site]
        return total + jnp.matmul(x.T, x, precision="highest"), None

    inputs = jax.eval_shape(lambda window: block(window)[1][site], stream[0])
    width = inputs.shape[-1]
    total, _ = jax.lax.scan(step, jnp.zeros((width, width), inputs.dtype), stream)
    return 2 / (stream.shape[0] * stream.shape[1]) * total


@jax.jit
def _advanced(block: StackedBlock, stream: Array) -> Array:
    """The residual stream of all windows after a block."""
    return jax.lax.map(lambda window: block(window)[0], stream)
