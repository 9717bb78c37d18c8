"""FlatQuant: invertible maps and clips that are learned layer by layer, then rounding."""

from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from hadax import _checks
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.models.base import Model, parameters
from hadax.models.methods import _system_checks
from hadax.models.methods._affine_maps import (
    operators,
    placed_maps,
    random_frames,
    with_maps,
)
from hadax.models.methods._block_learning import (
    Parameters,
    Rates,
    followed,
    kernel_clip,
    learn,
    plan_of,
    start,
)
from hadax.models.methods._finishing import (
    GPTQ,
    Clip,
    Progress,
    Quantized,
    check_plan,
    finished,
)
from hadax.models.methods._kept_layers import KeptLayers
from hadax.models.methods._quantizers import place_quantizers, rule_of
from hadax.quantization.clipping import learned_clip
from hadax.quantization.methods import _method_checks
from hadax.quantization.rules import Precision
from hadax.quantization.sites import ModelSites


@dataclass(frozen=True)
class FlatQuantConfig:
    """Settings of `flatquant`.

    Args:
        precision: what is rounded to what; its clips are learned instead.
        steps: how many steps are made in each layer.
        batch: windows of the text a step.
        rate: of the maps; it falls to a thousandth along a cosine. Short runs want a higher one:
            for 40 steps 2e-2, and a clip_rate of 1e-1.
        clip_rate: the same of the logits of clips.
        smoothing: how much of what is hard to round goes from activations to weights at first, 0
            to 1.
        gptq: how kernels are rounded in the end; None rounds them to nearest, with the clips that
            were learned. GPTQ takes those of `precision`.
        checkpoint: file in which each layer is kept once it is learned, and from which a run that
            was stopped goes on.

    Example:
        >>> from hadax.models.methods import FlatQuantConfig
        >>> from hadax.quantization import precision
        >>> FlatQuantConfig(precision("W4A4")).steps
        480
    """

    precision: Precision
    steps: int = 480
    batch: int = 4
    rate: float = 5e-3
    clip_rate: float = 5e-2
    smoothing: float = 0.3
    gptq: GPTQ | None = None
    checkpoint: str | Path | None = None

    def __post_init__(self):
        _checks.integer("steps", self.steps, minimum=1)
        _checks.integer("batch", self.batch, minimum=1)
        _system_checks.positive("rate", self.rate)
        _system_checks.positive("clip_rate", self.clip_rate)
        _method_checks.fraction("smoothing", self.smoothing)
        _system_checks.solver(self.gptq, GPTQ)


def flatquant(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray,
    config: FlatQuantConfig,
    *,
    progress: Progress = iter,
) -> Quantized[Model]:
    r"""The model under invertible maps that were learned layer by layer, rounded.

    Each vector x that linears read becomes $(P_1 \otimes P_2) \operatorname{diag}(c)\, x$ and their
    kernels the inverse's transpose of it, with $P_i = U e^{\operatorname{diag}(s)} V^\top$; c goes
    into a norm's gain or a kernel before. Across heads, within value heads and, where they are
    rounded, within keys there is one such P. U, V, s, c and the clips of all grids go down the
    squared error of the rounded block's output, while the block reads what it reads in the model
    that is not rounded. AdamW; rounding is passed straight through. $U$ and $V$ start as Haar
    rotations, which Cayley maps turn on, and c as SmoothQuant's.

    FlatQuant learns s and c themselves; here they are logarithms, so that no map ever becomes
    singular.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to learn and to calibrate on.
        key: a new-style PRNG key, of the rotations to start from and of the order of windows.
        config: what is rounded to what, and how long to learn.
        progress: what shows how far it is: it is given the layers, and those of GPTQ.

    Returns:
        The quantized model, its packed kernels and a report. Its losses (layers, 2) are the squared
        errors of rounded blocks relative to what the blocks add, before and after learning.

    Raises:
        TypeError: key is no new-style key.
        ValueError: no tokens, settings outside their range, a model that has transforms or
            quantizers already, rules that do not fit it, or a checkpoint of other settings or that
            is damaged.

    Cost:
        steps * batch windows forward and back, and steps folds of all kernels. Memory: two residual
        streams of all windows, and what one block keeps of a batch to go back. The model then
        does O(n (n1 + n2)) operations more for a vector of n = n1 n2 entries.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import FlatQuantConfig, flatquant
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = FlatQuantConfig(precision("W4A4"), steps=2)
        >>> found = flatquant(llama, llama_sites(config), tokens, jax.random.key(0), settings)
        >>> found.report.losses.shape
        (2, 2)

    See Also:
        `quarot` and `spinquant`, whose maps are rotations.

    References:
        Sun et al. (2025), key `sun2025`.
    """
    mapped, learned = _learned(model, sites, tokens, key, config, progress)
    places = jax.tree.map(
        lambda *leaves: jnp.stack(leaves), *(each["places"] for each, _ in learned)
    )
    return finished(
        "flatquant",
        mapped,
        sites,
        tokens,
        config.precision,
        gptq=config.gptq,
        clips=_kernel_clips([each for each, _ in learned], config.precision),
        place_clips={place: _ends(pair) for place, pair in places.items()},
        losses=np.stack([losses for _, losses in learned]),
        progress=progress,
    )


def flatquant_mapped(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray,
    config: FlatQuantConfig,
    *,
    progress: Progress = iter,
) -> Model:
    """The model under the maps that `flatquant` learns, before anything is rounded.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to learn on.
        key: a new-style PRNG key, of the rotations to start from and of the order of windows.
        config: what is to be rounded to what, and how long to learn. With a checkpoint that
            `flatquant` has filled nothing is learned again.
        progress: what shows how far it is: it is given the layers.

    Returns:
        A model with the same outputs up to round-off.

    Raises:
        TypeError: key is no new-style key.
        ValueError: as `flatquant`.

    Cost:
        That of `flatquant` without its rounding.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import FlatQuantConfig, flatquant_mapped
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = FlatQuantConfig(precision("W4A4KV4"), steps=2)
        >>> mapped = flatquant_mapped(
        ...     llama, llama_sites(config), tokens, jax.random.key(0), settings)
        >>> bool(abs(mapped(tokens) - llama(tokens)).max() < 1e-4)
        True

    See Also:
        `flatquant`.
    """
    return _learned(model, sites, tokens, key, config, progress)[0]


def _learned(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray,
    config: FlatQuantConfig,
    progress: Progress,
) -> tuple[Model, list[tuple[Parameters, np.ndarray]]]:
    """The model under the learned maps, and what was learned and lost in each layer."""
    tokens = _system_checks.calibration(tokens, model)
    key_frames, key_order = jax.random.split(_checks.key(key))
    _system_checks.settings(config, FlatQuantConfig)
    _system_checks.plain(model.blocks.online)
    check_plan(model, sites, config.precision)
    layers = range(model.config.layers)
    maps = placed_maps(sites, config.precision)
    with_quantizers = place_quantizers(model, sites, config.precision)
    settings = replace(config, checkpoint=None, gptq=None)
    kept = KeptLayers(
        config.checkpoint,
        (settings, sites, model.config),
        (jax.random.key_data(key), tokens, parameters(model)),
    )
    batches = _batches(key_order, len(tokens), config)
    rates = Rates(config.rate, config.clip_rate)
    stream = model.stream(tokens)
    learned, ops = [], []
    for layer in progress(layers):
        block, rounded = (
            jax.tree.map(lambda leaf, at=layer: leaf[at], blocks)
            for blocks in (model.blocks, with_quantizers.blocks)
        )
        wanted, peaks = followed(block, stream)
        begin = start(block, sites, maps, peaks, smoothing=config.smoothing)
        frame = random_frames(jax.random.fold_in(key_frames, layer), maps, stream.dtype)
        found = kept.get(layer, (begin, wanted))
        if found is None:
            plan = plan_of(sites, maps, config.precision, layer)
            found = learn(rounded, stream, wanted, batches, begin, frame, plan=plan, rates=rates)
            kept.put(layer, found)
        learned.append((found[0], np.asarray(found[1])))
        ops.append(operators(maps, found[0]["maps"], frame))
        stream = wanted
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *ops)
    return with_maps(model, maps, stacked), learned


def _batches(key: KeyArray, windows: int, config: FlatQuantConfig) -> Array:
    """The windows of every step: all of them in random order, again and again."""
    count = config.steps * config.batch
    keys = jax.random.split(key, -(-count // windows))
    orders = jax.vmap(lambda each: jax.random.permutation(each, windows))(keys)
    return orders.ravel()[:count].reshape(config.steps, config.batch)


def _kernel_clips(learned: list[Parameters], precision: Precision) -> dict[str, list[Clip]]:
    """By path, the clips of each layer; those of layers that are left are not looked at."""

    def clip(path: str, layer: int, logits: Array) -> Clip:
        format = rule_of(precision, path, layer).weight_qtype
        return 1.0 if format is None else kernel_clip(logits, format)

    return {
        path: [clip(path, layer, found["kernels"][path]) for layer, found in enumerate(learned)]
        for path in learned[0]["kernels"]
    }


def _ends(logits: Array) -> tuple[Array, Array]:
    """The lower and upper clips of one place, of logits (layers, 2)."""
    lower, upper = learned_clip(logits).T
    return lower, upper
