"""How every method ends: kernels are rounded by rules, then quantizers put in their places."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from hadax._typing import Array, ArrayLike
from hadax.models.base import Model, parameters
from hadax.models.methods import _system_checks
from hadax.models.online import NOTHING, ActivationQuantizer, Online, activation_quantizer
from hadax.models.solving import Kernels, solve_kernels
from hadax.quantization import _params
from hadax.quantization.clipping import best_clip
from hadax.quantization.formats import Format, IntFormat
from hadax.quantization.methods import Rounded
from hadax.quantization.methods import gptq as gptq_kernel
from hadax.quantization.qtensor import QTensor, quantize
from hadax.quantization.rules import Precision, QuantizationRule
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.simulated import Gradient
from hadax.quantization.sites import ModelSites

Clip: TypeAlias = Array | float | tuple[Array, Array]
"""How far grids reach: one share, an array of them, or two arrays for the lower and upper ends."""
Clips: TypeAlias = Mapping[str, float | Sequence[Clip]]
"""By path, how far the grids of a kernel reach: one share, or what each layer has."""
PlaceClips: TypeAlias = Mapping[str, tuple[Array, Array]]
"""By place, how far the grids of its quantizers reach below and above; (layers,) each."""

Progress: TypeAlias = Callable[[Iterable[int]], Iterable[int]]
"""What shows how far a loop is: it is given the steps, as `tqdm.tqdm` is."""


@dataclass(frozen=True)
class GPTQ:
    """How kernels are rounded so that later weights make up for earlier errors.

    Args:
        damping: share of the Hessian's mean diagonal that is added to it.
        act_order: whether inputs that weigh most are rounded first.
        block: how many inputs are rounded between two updates of all later ones.

    Example:
        >>> from hadax.models.methods import GPTQ
        >>> GPTQ().act_order
        True
    """

    damping: float = 0.01
    act_order: bool = True
    block: int = 128


@dataclass(frozen=True)
class Report:
    """What a method has to say about what it did.

    Args:
        method: its name.
        bits_per_weight: bits of codes and scales of all rounded kernels, an entry of these; NaN
            where there are none.
        kernel_errors: by path, array (layers,): ||W - W'|| / ||W|| of a kernel that was rounded to
            W', after everything else that the method did to it; 0 for one that was left.
        losses: what was made small by methods that learn: array (steps,), or (layers, 2) for one
            that learns layer by layer, at first and at last.

    Example:
        >>> from hadax.models.methods import Report
        >>> Report("rtn", 4.25, {}).losses.shape
        (0,)
    """

    method: str
    bits_per_weight: float
    kernel_errors: Mapping[str, np.ndarray]
    losses: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class Quantized(Generic[Model]):
    """A model that computes in few bits, what is to be stored of it, and a report.

    Args:
        model: the model, its kernels rounded and its quantizers in place.
        kernels: the rounded kernels as codes and scales, by paths such as "blocks.3.query.kernel";
            the model's are theirs, bit for bit.
        report: what happened.

    Example:
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import RTNConfig, rtn
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama = Llama(config, rngs=nnx.Rngs(0))
        >>> found = rtn(llama, llama_sites(config), None, None, RTNConfig(precision("W4A8")))
        >>> found.kernels["blocks.1.down.kernel"].shape
        (12, 8)
    """

    model: Model
    kernels: dict[str, QTensor]
    report: Report


def finished(
    name: str,
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike | None,
    precision: Precision,
    *,
    gptq: GPTQ | None = None,
    clips: Clips | None = None,
    place_clips: PlaceClips | None = None,
    losses: np.ndarray | None = None,
    progress: Progress = iter,
) -> Quantized[Model]:
    """The model with its kernels rounded, by GPTQ where given, and its quantizers in place."""
    place_quantizers(model, sites, precision)  # so that contradicting rules are seen first
    if gptq is None:
        changed, kernels = _nearest(model, sites, precision, clips or {})
    else:
        tokens = _system_checks.calibration(tokens)
        changed, kernels = _compensated(model, sites, tokens, precision, gptq, progress)
    before, after = parameters(model), parameters(changed)
    errors = {
        path: np.asarray(_relative_error(_params.at(before, path), _params.at(after, path)))
        for site in sites.inputs
        for path in site.readers
    }
    weights = sum(8 * kernel.nbytes / kernel.bits_per_weight for kernel in kernels.values())
    bits = 8 * sum(kernel.nbytes for kernel in kernels.values())
    share = bits / weights if weights else float("nan")
    report = Report(name, share, errors, np.zeros(0) if losses is None else losses)
    ready = place_quantizers(changed, sites, precision)
    ready.blocks.online = nnx.data(with_clips(ready.blocks.online, place_clips or {}))
    return Quantized(ready, kernels, report)


def place_quantizers(model: Model, sites: ModelSites, precision: Precision) -> Model:
    """The model with quantizers of activations, keys and values; kernels stay.

    Args:
        model: the model; it is left as it is. Quantizers that it has are replaced.
        sites: its table, as `hadax.models.llama_sites` gives it.
        precision: what is rounded to what.

    Returns:
        A new model.

    Raises:
        ValueError: other formats of activations for linears that read the same vector, or one of
            keys and values for a model that keeps none.

    Cost:
        None.

    Example:
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import place_quantizers
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama = Llama(config, rngs=nnx.Rngs(0))
        >>> placed = place_quantizers(llama, llama_sites(config), precision("W16A4KV4"))
        >>> [place for place, online in placed.blocks.online.items() if online.quantizers]
        ['attention', 'output', 'feed_forward', 'down', 'key', 'value']

    See Also:
        `rtn`, which rounds kernels too.
    """
    layers = model.config.layers
    changed = model.with_parameters(parameters(model))
    online = dict(changed.blocks.online)
    for site in sites.inputs:
        rules = [_reading(precision, site.readers, layer) for layer in range(layers)]
        kinds = {(rule.act_qtype, rule.act_clip) for rule in rules if rule.act_qtype is not None}
        quantizers = tuple(
            _switched(
                kind, clip, [(rule.act_qtype, rule.act_clip) == (kind, clip) for rule in rules]
            )
            for kind, clip in sorted(kinds, key=repr)
            if kind is not None
        )
        for place in site.places:
            online[place] = replace(online.get(place, NOTHING), quantizers=quantizers)
    if precision.kv_qtype is not None:
        _system_checks.has_cache(sites.cache)
    for place in sites.cache:
        kept = ()
        if precision.kv_qtype is not None:
            clip = precision.kv_clip
            kept = (activation_quantizer(precision.kv_qtype, layers=layers, clip=clip),)
        online[place] = replace(online.get(place, NOTHING), quantizers=kept)
    changed.blocks.online = nnx.data(online)
    return changed


def with_clips(
    online: Mapping[str, Online], clips: PlaceClips, *, gradient: Gradient = "identity"
) -> dict[str, Online]:
    """What happens by place, with other clips of the quantizers of some."""
    changed = dict(online)
    for place, clip in clips.items():
        quantizers = tuple(
            replace(one, clip=clip, gradient=gradient) for one in online[place].quantizers
        )
        changed[place] = replace(online[place], quantizers=quantizers)
    return changed


def _switched(kind: Format, clip: float, on: list[bool]) -> ActivationQuantizer:
    """A quantizer that is on in some layers."""
    return replace(activation_quantizer(kind, layers=len(on), clip=clip), on=jnp.asarray(on))


def _reading(precision: Precision, readers: tuple[str, ...], layer: int) -> QuantizationRule:
    """What is said of the vector that all of these read."""
    rules = {path: rule_of(precision, path, layer) for path in readers}
    _system_checks.agreed(layer, {path: rule.act_qtype for path, rule in rules.items()})
    return rules[readers[0]]


def rule_of(precision: Precision, path: str, layer: int) -> QuantizationRule:
    """The rule of the kernel "blocks.query.kernel" of a layer: that of "blocks/3/query"."""
    blocks, *names, _ = path.split(".")
    return precision.rule("/".join([blocks, str(layer), *names]))


def layers_by_rule(
    precision: Precision, path: str, layers: int
) -> Iterator[tuple[QuantizationRule, list[int]]]:
    """The rules by which a kernel is rounded, each with its layers; those that leave it are not."""
    groups: dict[QuantizationRule, list[int]] = {}
    for layer in range(layers):
        groups.setdefault(rule_of(precision, path, layer), []).append(layer)
    for rule, members in groups.items():
        if rule.weight_qtype is not None:
            yield rule, members


def stored_name(path: str, layer: int) -> str:
    """The name of one layer's kernel: "blocks.3.query.kernel"."""
    blocks, *rest = path.split(".")
    return ".".join([blocks, str(layer), *rest])


def _nearest(
    model: Model, sites: ModelSites, precision: Precision, clips: Clips
) -> tuple[Model, dict[str, QTensor]]:
    """Every kernel rounded to nearest."""
    params, packed, changed = parameters(model), {}, {}
    for path in (path for site in sites.inputs for path in site.readers):
        kernel = _params.at(params, path)
        for rule, layers in layers_by_rule(precision, path, model.config.layers):
            clip = _chosen(clips.get(path, rule.weight_clip), layers)
            found = _packed(
                kernel[np.asarray(layers)], clip, format=rule.weight_qtype, group=rule.tile_size
            )
            kernel = kernel.at[np.asarray(layers)].set(found.dequantize())
            for i, layer in enumerate(layers):
                packed[stored_name(path, layer)] = jax.tree.map(lambda leaf, i=i: leaf[i], found)
        changed[path] = kernel
    return model.with_parameters(_params.replaced(params, changed)), packed


def _chosen(clip: float | Sequence[Clip] | None, layers: list[int]) -> Clip | None:
    """The clips of some layers."""
    if clip is None or isinstance(clip, (int, float)):
        return clip
    return jax.tree.map(
        lambda *shares: jnp.stack([jnp.asarray(share, jnp.float32) for share in shares]),
        *(clip[layer] for layer in layers),
    )


@functools.partial(jax.jit, static_argnames=("format", "group"))
def _packed(kernel: Array, clip: Clip | None, *, format: Format, group: int | None) -> QTensor:
    """Kernels (layers, in, out) of a format; clip None searches the best."""
    spec = ScaleSpec(axis=-2, block=group)
    if clip is None:
        clip = best_clip(kernel, format, spec)
    return quantize(kernel, format, spec, clip=clip)


def _compensated(
    model: Model,
    sites: ModelSites,
    tokens: Array,
    precision: Precision,
    settings: GPTQ,
    progress: Progress,
) -> tuple[Model, dict[str, QTensor]]:
    """Every kernel rounded by GPTQ, each by what it reads in the model rounded up to there."""
    packed: dict[str, QTensor] = {}

    def solve(layer: int, kernels: Kernels, hessian: Array) -> Kernels:
        groups: dict[QuantizationRule, list[str]] = {}
        for path in kernels:
            groups.setdefault(rule_of(precision, path, layer), []).append(path)
        solved = dict(kernels)
        for rule, paths in groups.items():
            if rule.weight_qtype is None:
                continue
            format = _system_checks.symmetric_integers(rule.weight_qtype, IntFormat)
            # What reads the same shares one factorization.
            joined = gptq_kernel(
                jnp.concatenate([kernels[path] for path in paths], axis=1),
                hessian,
                bits=format.bits,
                group=rule.tile_size,
                clip=rule.weight_clip,
                damping=settings.damping,
                act_order=settings.act_order,
                block=settings.block,
            )
            ends = np.cumsum([kernels[path].shape[1] for path in paths])[:-1]
            parts = zip(*(jnp.split(array, ends, axis=1) for array in joined), strict=True)
            for path, (kernel, scales) in zip(paths, parts, strict=True):
                found = Rounded(kernel, scales).packed(format.bits)
                packed[stored_name(path, layer)] = found
                solved[path] = found.dequantize()
        return solved

    return solve_kernels(model, sites, tokens, solve, progress=progress), packed


@jax.jit
def _relative_error(before: Array, after: Array) -> Array:
    """||W - W'|| / ||W|| of every layer."""
    axes = (-2, -1)
    gap = jnp.linalg.norm(before - after, axis=axes)
    return gap / jnp.maximum(jnp.linalg.norm(before, axis=axes), jnp.finfo(before.dtype).tiny)
