"""What the linears of a model read, summed up over a text: what calibrated methods ask for."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from hadax._typing import Array, ArrayLike
from hadax.models import _model_checks
from hadax.models.base import SITES, StackedModel


class InputMoments(NamedTuple):
    """Moments of the inputs x of one kind of linear, in every layer.

    Args:
        hessian: array (layers, n, n), 2 E[x x^T]: of the squared error of an output, by its
            weights.
        magnitude: array (layers, n), E|x|.
        peak: array (layers, n), max|x|.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.models import InputMoments
        >>> InputMoments(jnp.ones((1, 2, 2)), jnp.ones((1, 2)), jnp.ones((1, 2))).peak.shape
        (1, 2)
    """

    hessian: Array
    magnitude: Array
    peak: Array


def input_moments(model: StackedModel, tokens: ArrayLike) -> dict[str, InputMoments]:
    r"""Second moments, mean and largest magnitudes of what every linear of the blocks reads.

    $H = \frac{2}{N} \sum x x^\top$, $\frac{1}{N} \sum |x|$ and $\max |x|$ over the N tokens of all
    windows; windows do not see one another.

    Args:
        model: the model.
        tokens: integer array (windows, time), time >= 2; not of the text that the model is to be
            judged by.

    Returns:
        By the name in `SITES`, the moments with a leading layer axis, float32 or wider.

    Raises:
        ValueError: `tokens` is not a matrix with at least two columns.

    Cost:
        A forward pass and layers (3 width^2 + hidden^2) operations a token; two copies of the
        result, 0.4 GB each for a model of 30 layers, width 576 and hidden 1536.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, input_moments
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> moments = input_moments(Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1]]))
        >>> moments["down"].hessian.shape, moments["attention"].peak.shape
        ((2, 12, 12), (2, 8))

    See Also:
        `solve_kernels`, whose Hessians are those of a model that is rounded up to there.
    """
    tokens = _model_checks.windows(tokens)

    def of_window(window: Array) -> dict[str, InputMoments]:
        def record(inputs: dict[str, Array]) -> dict[str, InputMoments]:
            return {site: _sums(x) for site, x in inputs.items()}

        return model.hidden(window, record=record)[1]

    def step(total: dict[str, InputMoments], window: Array) -> tuple[dict[str, InputMoments], None]:
        return {site: _joined(total[site], new) for site, new in of_window(window).items()}, None

    shapes = jax.eval_shape(of_window, tokens[0])
    start = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    total, _ = jax.lax.scan(step, start, tokens)
    return {site: _means(total[site], tokens.size) for site in SITES}


def _sums(x: Array) -> InputMoments:
    """Of the inputs (time, n) of one layer."""
    square = jnp.matmul(x.T, x, precision="highest")
    return InputMoments(square, jnp.sum(jnp.abs(x), axis=0), jnp.max(jnp.abs(x), axis=0))


def _joined(one: InputMoments, other: InputMoments) -> InputMoments:
    """Of the inputs of both."""
    return InputMoments(
        one.hessian + other.hessian,
        one.magnitude + other.magnitude,
        jnp.maximum(one.peak, other.peak),
    )


def _means(total: InputMoments, count: int) -> InputMoments:
    """Sums over so many inputs as means."""
    return InputMoments(2 / count * total.hessian, total.magnitude / count, total.peak)
