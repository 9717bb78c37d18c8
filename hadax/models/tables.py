"""Where the hidden vectors of the models here can be transformed, scaled and rounded."""

from hadax.models.encoder import EncoderConfig
from hadax.models.llama import LlamaConfig
from hadax.quantization.sites import ModelSites, Norm, Site


def llama_sites(config: LlamaConfig) -> ModelSites:
    """The hidden vectors of a Llama that can be transformed, and who writes and reads them.

    Args:
        config: sizes of the model.

    Returns:
        The sites "residual" (the stream; all RMSNorms stand on it), "value" (a value head; each
        layer has its own), "hidden" (the feed-forward vector; online: SwiGLU's product stands
        between it and its writers), "heads" (what W_o reads, mixed across heads; online) and "keys"
        (queries and keys after rotary positions, to round keys in other coordinates; online), with
        the paths of `parameters`; and as inputs what linears read, with the names of `SITES`.

    Cost:
        None.

    Example:
        >>> from hadax.models import LlamaConfig, llama_sites
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> [(site.name, site.width, site.is_online) for site in llama_sites(config).sites[:3]]
        [('residual', 8, False), ('value', 2, False), ('hidden', 12, True)]
        >>> [(site.name, bool(site.writers)) for site in llama_sites(config).inputs]
        [('attention', True), ('output', False), ('feed_forward', True), ('down', True)]

    See Also:
        `rotate`; `hadax.quantization.fuse`, for one site of any model.
    """

    attention = _blocks("query.kernel", "key.kernel", "value.kernel")
    output, down = _blocks("output.kernel"), _blocks("down.kernel")
    feed_forward = _blocks("gate.kernel", "up.kernel")
    gains = _blocks("attention_norm.scale", "feed_forward_norm.scale")
    values = _blocks("value.kernel", *(("value.bias",) if config.attention_bias else ()))
    width, head = config.width, config.head_width
    mixed = config.heads * head
    # Where heads share their values, so would they share a scale.
    output_writers = values if config.heads == config.kv_heads else ()
    return ModelSites(
        sites=(
            Site(
                "residual",
                width,
                writers=("embed.embedding", *output, *down),
                readers=(*attention, *feed_forward, "head.kernel"),
                orthogonal=True,
            ),
            Site(
                "value",
                head,
                writers=values,
                readers=output,
                written=config.kv_heads,
                read=config.heads,
                layered=True,
            ),
            Site("hidden", config.hidden, (), down, layered=True, places=("down",)),
            Site("heads", mixed, (), output, layered=True, stride=head, places=("output",)),
            Site("keys", head, (), (), layered=True, places=("key",), duals=("query",)),
        ),
        norms=(
            Norm(gains[0], attention),
            Norm(gains[1], feed_forward),
            Norm("norm.scale", ("head.kernel",)),
        ),
        tied=("embed.embedding", "head.kernel") if config.tied else None,
        inputs=(
            _read("attention", width, gains[:1], attention),
            _read("output", mixed, output_writers, output),
            _read("feed_forward", width, gains[1:], feed_forward),
            _read("down", config.hidden, _blocks("up.kernel"), down),
        ),
        cache=("key", "value"),
    )


def encoder_sites(config: EncoderConfig) -> ModelSites:
    """The hidden vectors of an encoder that can be transformed, and who writes and reads them.

    There is no site of the residual stream. What a LayerNorm here puts out, gain and all, is the
    stream itself: linears read it, and the next sum adds to it. Folded into the linears the gain
    would be missing in the sum, and where it is no rotation passes through it.

    Args:
        config: sizes of the model.

    Returns:
        The sites "value" (a value head, with its bias) and "keys" (queries and keys: no rotary
        positions stand between them and their kernels), both free; and, online since norms, the
        softmax or a GELU write them, "stream" (what q, k and v read), "heads" (what W_o reads,
        mixed across heads), "middle" (what W_up reads) and "hidden" (what W_down reads). Inputs
        are what linears read, with the names of `SITES`; only that of W_o has writers that can
        scale its entries for free.

    Cost:
        None.

    Example:
        >>> from hadax.models import EncoderConfig, encoder_sites
        >>> config = EncoderConfig(vocabulary=16, width=8, layers=2, heads=4, hidden=12)
        >>> [(site.name, site.width) for site in encoder_sites(config).sites if site.is_online]
        [('stream', 8), ('heads', 8), ('middle', 8), ('hidden', 12)]

    See Also:
        `llama_sites`; `rotate`.
    """
    attention = _blocks("query.kernel", "key.kernel", "value.kernel")
    output, up, down = _blocks("output.kernel"), _blocks("up.kernel"), _blocks("down.kernel")
    values = _blocks("value.kernel", "value.bias")
    compared = _blocks("query.kernel", "query.bias", "key.kernel", "key.bias")
    width, head, heads = config.width, config.head_width, config.heads
    return ModelSites(
        sites=(
            Site("value", head, values, output, written=heads, read=heads, layered=True),
            # Scores are inner products: what is done to both sides has to be orthogonal.
            Site("keys", head, compared, (), written=heads, layered=True, orthogonal=True),
            Site("stream", width, (), attention, layered=True, places=("attention",)),
            Site("heads", width, (), output, layered=True, stride=head, places=("output",)),
            Site("middle", width, (), up, layered=True, places=("feed_forward",)),
            Site("hidden", config.hidden, (), down, layered=True, places=("down",)),
        ),
        norms=(),
        inputs=(
            _read("attention", width, (), attention),
            _read("output", width, values, output),
            _read("feed_forward", width, (), up),
            _read("down", config.hidden, (), down),
        ),
    )


def _blocks(*names: str) -> tuple[str, ...]:
    """Paths of parameters of the blocks."""
    return tuple(f"blocks.{name}" for name in names)


def _read(place: str, width: int, writers: tuple[str, ...], readers: tuple[str, ...]) -> Site:
    """What linears read at a place of every block."""
    return Site(place, width, writers, readers, layered=True, places=(place,))
