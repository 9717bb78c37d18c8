"""How well a language model predicts a text: next-token losses and perplexity."""

import jax
import jax.numpy as jnp
import optax

from hadax._typing import Array, ArrayLike
from hadax.models import _model_checks
from hadax.models.base import Tap, no_tap
from hadax.models.llama import Llama


def next_token_losses(model: Llama, tokens: ArrayLike, *, tap: Tap = no_tap) -> Array:
    """Negative log-likelihood, in nats, of every token but the first of each window.

    loss[w, t] = -log p(tokens[w, t + 1] | tokens[w, :t + 1]); windows do not see one another.

    Args:
        model: the language model.
        tokens: integer array (windows, time), time >= 2.
        tap: function between each linear's input and the linear, for example a quantizer.

    Returns:
        Array (windows, time - 1).

    Raises:
        ValueError: `tokens` is not a matrix with at least two columns.

    Cost:
        One forward pass a window, one window after another: the logits of one window are held.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, next_token_losses
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama = Llama(config, rngs=nnx.Rngs(0))
        >>> next_token_losses(llama, jnp.array([[3, 1, 4, 1], [5, 9, 2, 6]])).shape
        (2, 3)

    See Also:
        `perplexity`, their exponential mean.
    """
    tokens = _model_checks.windows(tokens)

    def one(window: Array) -> Array:
        logits = model(window[:-1], tap=tap)
        return optax.softmax_cross_entropy_with_integer_labels(logits, window[1:])

    return jax.lax.map(one, tokens)


def perplexity(losses: ArrayLike) -> Array:
    """exp(mean(losses)): the number of equally likely next tokens that would be as hard to guess.

    Args:
        losses: array of any shape, negative log-likelihoods in nats.

    Returns:
        Scalar of the dtype of `losses`.

    Cost:
        One pass.

    Example:
        >>> import jax.numpy as jnp
        >>> from hadax.models import perplexity
        >>> perplexity(jnp.log(jnp.array([2.0, 8.0])))
        Array(4., dtype=float32)

    See Also:
        `next_token_losses`.
    """
    return jnp.exp(jnp.mean(jnp.asarray(losses)))
