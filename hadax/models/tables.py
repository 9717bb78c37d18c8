"""Where the hidden vectors of the models here can be transformed, scaled and rounded."""

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

    def blocks(*names: str) -> tuple[str, ...]:
        return tuple(f"blocks.{name}" for name in names)

    def read(name: str, width: int, writers: tuple[str, ...], readers: tuple[str, ...]) -> Site:
        return Site(name, width, writers, readers, layered=True, places=(name,))

    attention = blocks("query.kernel", "key.kernel", "value.kernel")
    output, down = blocks("output.kernel"), blocks("down.kernel")
    feed_forward = blocks("gate.kernel", "up.kernel")
    gains = blocks("attention_norm.scale", "feed_forward_norm.scale")
    values = blocks("value.kernel", *(("value.bias",) if config.attention_bias else ()))
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
            Site("keys", head, (), (), layered=True, orthogonal=True, places=("query", "key")),
        ),
        norms=(
            Norm(gains[0], attention),
            Norm(gains[1], feed_forward),
            Norm("norm.scale", ("head.kernel",)),
        ),
        tied=("embed.embedding", "head.kernel") if config.tied else None,
        inputs=(
            read("attention", width, gains[:1], attention),
            read("output", mixed, output_writers, output),
            read("feed_forward", width, gains[1:], feed_forward),
            read("down", config.hidden, blocks("up.kernel"), down),
        ),
        cache=("key", "value"),
    )
