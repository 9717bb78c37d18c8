"""The BERT encoder in flax.nnx: learned positions, attention to both sides, LayerNorm after sums.

All blocks are one `EncoderBlock` whose parameters carry a leading layer axis, and the forward pass
scans over it, as that of `hadax.models.llama` does. Kernels are W[in, out].
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
class EncoderConfig:
    """The sizes of an encoder.

    Args:
        vocabulary: number of token ids.
        width: length of the residual stream.
        layers: number of blocks.
        heads: number of attention heads; divides `width`.
        hidden: length of the feed-forward hidden vector.
        positions: number of tokens that a text has at most.
        norm_epsilon: added to the variance inside each LayerNorm.

    Example:
        >>> from hadax.models import EncoderConfig
        >>> EncoderConfig(vocabulary=16, width=8, layers=2, heads=4, hidden=12).head_width
        2
    """

    vocabulary: int
    width: int
    layers: int
    heads: int
    hidden: int
    positions: int = 512
    norm_epsilon: float = 1e-12

    def __post_init__(self):
        for field in ("vocabulary", "width", "layers", "heads", "hidden", "positions"):
            _checks.integer(field, getattr(self, field), minimum=1)
        _model_checks.divides("heads", self.heads, "width", self.width)

    @property
    def head_width(self) -> int:
        """The length of one head."""
        return self.width // self.heads


def _norm(config: EncoderConfig, rngs: nnx.Rngs) -> nnx.LayerNorm:
    """A LayerNorm of the residual stream; its variance is that of differences from the mean."""
    return nnx.LayerNorm(
        config.width, epsilon=config.norm_epsilon, use_fast_variance=False, rngs=rngs
    )


class EncoderBlock(nnx.Module):
    """One encoder block: y = norm(x + attention(x)), then norm(y + feed-forward(y)).

    Args:
        config: sizes of the model.
        rngs: source of the initial weights.

    `online` says what happens to a vector before it is read, by place: those of `SITES`, and the
    "query", "key" and "value" (..., time, heads, head_width) of attention.
    """

    def __init__(self, config: EncoderConfig, *, rngs: nnx.Rngs):
        self.config = config
        linear = functools.partial(nnx.Linear, rngs=rngs)
        self.query = linear(config.width, config.width)
        self.key = linear(config.width, config.width)
        self.value = linear(config.width, config.width)
        self.output = linear(config.width, config.width)
        self.attention_norm = _norm(config, rngs)
        self.up = linear(config.width, config.hidden)
        self.down = linear(config.hidden, config.width)
        self.feed_forward_norm = _norm(config, rngs)
        self.online: dict[str, Online] = nnx.data({})

    def __call__(
        self, x: Array, *, mask: Array | None = None, tap: Tap = no_tap
    ) -> tuple[Array, dict[str, Array]]:
        """The block's output and, by site, what each of its linears was about to read.

        Args:
            x: array (..., time, width), the residual stream.
            mask: bool array (..., time), which tokens the others see; None for all.
            tap: function between each linear's input and the linear.

        Returns:
            The new residual stream and a dict site -> what is read there, transformed if it is, but
            not rounded.
        """
        reads = Reads(self.online, tap)

        def split(value: Array) -> Array:
            return value.reshape(*value.shape[:-1], -1, self.config.head_width)

        stream = reads.at_site("attention", x)
        mixed = jax.nn.dot_product_attention(
            reads("query", split(self.query(stream))),
            reads("key", split(self.key(stream))),
            reads("value", split(self.value(stream))),
            mask=None if mask is None else mask[..., None, None, :],
        )
        mixed = reads.at_site("output", mixed.reshape(x.shape))
        x = self.attention_norm(x + self.output(mixed))
        hidden = jax.nn.gelu(self.up(reads.at_site("feed_forward", x)), approximate=False)
        return self.feed_forward_norm(x + self.down(reads.at_site("down", hidden))), reads.inputs


class Encoder(nnx.Module):
    """A BERT encoder: token ids in, a vector a token out, each of which has seen all the others.

    blocks(norm(embed(tokens) + positions)). All tokens are of the first of BERT's two types, whose
    vector is part of `positions`. The module is a JAX pytree: pass it to `jax.jit`, `jax.grad` and
    `jax.vmap` as an argument.

    Args:
        config: sizes of the model.
        rngs: source of the initial weights.

    Cost:
        Time O(T layers (width^2 + width hidden) + layers T^2 width) for T tokens.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Encoder, EncoderConfig
        >>> config = EncoderConfig(vocabulary=16, width=8, layers=2, heads=4, hidden=12)
        >>> Encoder(config, rngs=nnx.Rngs(0))(jnp.array([[3, 1, 4, 1, 5]])).shape
        (1, 5, 8)

    See Also:
        `load_encoder`: trained weights. `sentence_embeddings`: one vector a sentence.

    References:
        Devlin et al. (2019), key `devlin2019`.
    """

    def __init__(self, config: EncoderConfig, *, rngs: nnx.Rngs):
        self.config = config
        self.embed = nnx.Embed(config.vocabulary, config.width, rngs=rngs)
        self.positions = nnx.Embed(config.positions, config.width, rngs=rngs)
        self.norm = _norm(config, rngs)
        keys = jax.random.split(rngs.params(), config.layers)
        self.blocks = jax.vmap(lambda key: EncoderBlock(config, rngs=nnx.Rngs(key)))(keys)

    def __call__(self, tokens: Array, *, mask: Array | None = None, tap: Tap = no_tap) -> Array:
        """One vector a token.

        Args:
            tokens: integer array (time,) or (batch, time).
            mask: bool array of the same shape, False at padding, which no token sees; None for no
                padding.
            tap: function between each linear's input and the linear.

        Returns:
            Array (..., time, width); what stands at padding has no meaning.
        """
        return self.hidden(tokens, mask=mask, tap=tap)[0]

    def stream(self, tokens: Array) -> Array:
        """The residual stream before the first block.

        Args:
            tokens: integer array (..., time).

        Returns:
            Array (..., time, width).
        """
        time = tokens.shape[-1]
        _model_checks.at_most_positions(time, self.config.positions)
        words = self.embed(tokens)
        return self.norm(words + jnp.broadcast_to(self.positions(jnp.arange(time)), words.shape))

    def hidden(
        self,
        tokens: Array,
        *,
        mask: Array | None = None,
        tap: Tap = no_tap,
        record: Callable[[dict[str, Array]], Any] = lambda inputs: None,
    ) -> tuple[Array, Any]:
        """The residual stream after the last block, and a record of what the linears read.

        Args:
            tokens: integer array (time,) or (batch, time).
            mask: bool array of the same shape, False at padding; None for no padding.
            tap: function between each linear's input and the linear.
            record: function from a block's dict site -> tap input to whatever is to be kept of it;
                what is read at padding is among it.

        Returns:
            Array (..., time, width), and what `record` returned, stacked over layers.
        """
        if mask is not None:
            _model_checks.mask(mask, tokens.shape)

        def step(x: Array, block: EncoderBlock) -> tuple[Array, Any]:
            x, inputs = block(x, mask=mask, tap=tap)
            return x, record(inputs)

        return jax.lax.scan(step, self.stream(tokens), self.blocks)

    def with_parameters(self, params: dict[str, Any]) -> "Encoder":
        """The model with other arrays.

        Args:
            params: nested dict of arrays as `parameters` returns it.

        Returns:
            A new model with the same operators and quantizers inside.
        """
        model = encoder_from_params(self.config, params)
        model.blocks.online = nnx.data(dict(self.blocks.online))
        return model


def encoder_from_params(config: EncoderConfig, params: dict[str, Any]) -> Encoder:
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
        >>> from hadax.models import Encoder, EncoderConfig, encoder_from_params, parameters
        >>> config = EncoderConfig(vocabulary=16, width=8, layers=2, heads=4, hidden=12)
        >>> params = parameters(Encoder(config, rngs=nnx.Rngs(0)))
        >>> encoder_from_params(config, params).config == config
        True

    See Also:
        `parameters`, the inverse.
    """
    model = holding(lambda: Encoder(config, rngs=nnx.Rngs(0)), params)
    # Activations have the dtype of the embeddings: float32 or wider.
    for table in (model.embed, model.positions):
        table.dtype = _dtypes.accumulator(table.embedding.dtype)
    return model
