"""The Llama decoder in flax.nnx: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

All blocks are one `Block` whose parameters carry a leading layer axis, and the forward pass scans
over it: a model of thirty layers traces and compiles as one layer does. Kernels are W[in, out].
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from hadax import _checks, _dtypes
from hadax._typing import Array
from hadax.models import _model_checks
from hadax.models._stacked import Reads, holding
from hadax.models.base import Tap, no_tap
from hadax.models.online import Online


@dataclasses.dataclass(frozen=True)
class LlamaConfig:
    """The sizes of a Llama.

    Args:
        vocabulary: number of token ids.
        width: length of the residual stream.
        layers: number of blocks.
        heads: number of query heads.
        kv_heads: number of key/value heads; divides `heads`.
        head_width: length of one head; even, for rotary positions.
        hidden: length of the feed-forward hidden vector.
        rope_base: base of the rotary frequencies.
        norm_epsilon: added to the mean square inside each RMSNorm.
        tied: whether the output head is the transposed embedding.
        attention_bias: whether queries, keys and values have biases, as Qwen2's do; no checkpoint
            with them is read yet.

    Example:
        >>> from hadax.models import LlamaConfig
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> config.tied
        True
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    hidden: int
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5
    tied: bool = True
    attention_bias: bool = False

    def __post_init__(self):
        for field in ("vocabulary", "width", "layers", "heads", "kv_heads", "head_width", "hidden"):
            _checks.integer(field, getattr(self, field), minimum=1)
        _model_checks.divides("kv_heads", self.kv_heads, "heads", self.heads)
        _model_checks.divides("2", 2, "head_width", self.head_width)


def _rotary(x: Array, base: float) -> Array:
    """`x` (..., time, heads, head_width) with pair (i, i + half) turned by t base^(-i/half)."""
    half = x.shape[-1] // 2
    frequency = base ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle = jnp.outer(jnp.arange(x.shape[-3], dtype=jnp.float32), frequency)
    angle = angle.reshape((1,) * (x.ndim - 3) + (x.shape[-3], 1, half))
    cos, sin = jnp.cos(angle).astype(x.dtype), jnp.sin(angle).astype(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


class Block(nnx.Module):
    """One decoder block: x + attention(norm(x)), then x + feed-forward(norm(x)).

    Args:
        config: sizes of the model.
        rngs: source of the initial weights.

    `online` says what happens to a vector before it is read, by place: those of `SITES`, and the
    queries, keys and values (..., time, heads, head_width) of attention after rotary positions.
    """

    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        self.config = config
        linear = functools.partial(nnx.Linear, use_bias=False, rngs=rngs)
        norm = functools.partial(nnx.RMSNorm, config.width, epsilon=config.norm_epsilon, rngs=rngs)
        queries = config.heads * config.head_width
        values = config.kv_heads * config.head_width
        self.attention_norm = norm()
        self.query = linear(config.width, queries, use_bias=config.attention_bias)
        self.key = linear(config.width, values, use_bias=config.attention_bias)
        self.value = linear(config.width, values, use_bias=config.attention_bias)
        self.output = linear(queries, config.width)
        self.feed_forward_norm = norm()
        self.gate = linear(config.width, config.hidden)
        self.up = linear(config.width, config.hidden)
        self.down = linear(config.hidden, config.width)
        self.online: dict[str, Online] = nnx.data({})

    def __call__(self, x: Array, *, tap: Tap = no_tap) -> tuple[Array, dict[str, Array]]:
        """The block's output and, by site, what each of its linears was about to read.

        Args:
            x: array (..., time, width), the residual stream.
            tap: function between each linear's input and the linear.

        Returns:
            The new residual stream and a dict site -> what is read there, transformed if it is, but
            not rounded.
        """
        reads = Reads(self.online, tap)

        def split(value: Array) -> Array:
            return value.reshape(*value.shape[:-1], -1, self.config.head_width)

        base = self.config.rope_base
        normed = reads.at_site("attention", self.attention_norm(x))
        mixed = jax.nn.dot_product_attention(
            reads("query", _rotary(split(self.query(normed)), base)),
            reads("key", _rotary(split(self.key(normed)), base)),
            reads("value", split(self.value(normed))),
            is_causal=True,
        )
        x = x + self.output(reads.at_site("output", mixed.reshape(*x.shape[:-1], -1)))
        normed = reads.at_site("feed_forward", self.feed_forward_norm(x))
        hidden = jax.nn.silu(self.gate(normed)) * self.up(normed)
        return x + self.down(reads.at_site("down", hidden)), reads.inputs


class Llama(nnx.Module):
    """A Llama language model: token ids in, next-token logits out.

    logits = head(norm(blocks(embed(tokens)))). The module is a JAX pytree: pass it to `jax.jit`,
    `jax.grad` and `jax.vmap` as an argument.

    Args:
        config: sizes of the model.
        rngs: source of the initial weights.

    Cost:
        Time O(T (layers (width^2 + width hidden) + width vocabulary) + layers T^2 width) for T
        tokens.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama = Llama(config, rngs=nnx.Rngs(0))
        >>> llama(jnp.array([[3, 1, 4, 1, 5]])).shape
        (1, 5, 16)

    See Also:
        `load_gguf`, `load_safetensors`: trained weights.

    References:
        Touvron et al. (2023), key `touvron2023`.
    """

    def __init__(self, config: LlamaConfig, *, rngs: nnx.Rngs):
        self.config = config
        self.embed = nnx.Embed(config.vocabulary, config.width, rngs=rngs)
        keys = jax.random.split(rngs.params(), config.layers)
        self.blocks = jax.vmap(lambda key: Block(config, rngs=nnx.Rngs(key)))(keys)
        self.norm = nnx.RMSNorm(config.width, epsilon=config.norm_epsilon, rngs=rngs)
        self.head = (
            None
            if config.tied
            else nnx.Linear(config.width, config.vocabulary, use_bias=False, rngs=rngs)
        )

    def __call__(self, tokens: Array, *, tap: Tap = no_tap) -> Array:
        """Next-token logits.

        Args:
            tokens: integer array (time,) or (batch, time).
            tap: function between each linear's input and the linear; the head has none.

        Returns:
            Array (..., time, vocabulary).
        """
        return self.logits(self.hidden(tokens, tap=tap)[0])

    def stream(self, tokens: Array) -> Array:
        """The residual stream before the first block.

        Args:
            tokens: integer array (..., time).

        Returns:
            Array (..., time, width).
        """
        return self.embed(tokens)

    def hidden(
        self,
        tokens: Array,
        *,
        tap: Tap = no_tap,
        record: Callable[[dict[str, Array]], Any] = lambda inputs: None,
    ) -> tuple[Array, Any]:
        """The residual stream after the last block, and a record of what the linears read.

        Args:
            tokens: integer array (time,) or (batch, time).
            tap: function between each linear's input and the linear.
            record: function from a block's dict site -> tap input to whatever is to be kept of it.

        Returns:
            Array (..., time, width), and what `record` returned, stacked over layers.
        """

        def step(x: Array, block: Block) -> tuple[Array, Any]:
            x, inputs = block(x, tap=tap)
            return x, record(inputs)

        return jax.lax.scan(step, self.stream(tokens), self.blocks)

    def logits(self, hidden: Array) -> Array:
        """Logits of a residual stream.

        Args:
            hidden: array (..., width).

        Returns:
            Array (..., vocabulary).
        """
        normed = self.norm(hidden)
        return self.embed.attend(normed) if self.head is None else self.head(normed)

    def with_parameters(self, params: dict[str, Any]) -> "Llama":
        """The model with other arrays, and untied where they hold a head.

        Args:
            params: nested dict of arrays as `parameters` returns it.

        Returns:
            A new model with the same operators and quantizers inside.
        """
        config = dataclasses.replace(self.config, tied="head" not in params)
        model = llama_from_params(config, params)
        model.blocks.online = nnx.data(dict(self.blocks.online))
        return model


def llama_from_params(config: LlamaConfig, params: dict[str, Any]) -> Llama:
    """The model of the given sizes and arrays.

    Args:
        config: sizes of the model.
        params: nested dict of arrays as `parameters` returns it.

    Returns:
        A model that holds the arrays.

    Raises:
        ValueError: a name is missing or unknown, or a shape does not fit `config`.

    Cost:
        None; nothing is initialised first.

    Example:
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_from_params, parameters
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> params = parameters(Llama(config, rngs=nnx.Rngs(0)))
        >>> llama_from_params(config, params).config == config
        True

    See Also:
        `parameters`, the inverse.
    """
    model = holding(lambda: Llama(config, rngs=nnx.Rngs(0)), params)
    # Activations have the dtype of the embedding's output: float32 or wider.
    model.embed.dtype = _dtypes.accumulator(model.embed.embedding.dtype)
    return model
