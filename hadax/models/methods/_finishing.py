"""How every method ends: kernels are rounded by rules, then quantizers put in their places."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from hadax import _checks
from hadax._typing import Array, ArrayLike
from hadax.models.base import Model, StackedModel, parameters
from hadax.models.methods import _system_checks
from hadax.models.methods._quantizers import (
    PlaceClips,
    layers_by_rule,
    linear_name,
    place_quantizers,
    rule_of,
    with_clips,
    without_quantizers,
)
from hadax.models.solving import Kernels, solve_kernels
from hadax.quantization import _params
from hadax.quantization.formats import Format
from hadax.quantization.methods import _method_checks, rtn
from hadax.quantization.methods import gptq as gptq_kernel
from hadax.quantization.qtensor import QTensor
from hadax.quantization.rules import Precision, QuantizationRule
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.sites import ModelSites

Clip: TypeAlias = Array | float | tuple[Array, Array]
"""How far grids reach: one share, an array of them, or two arrays for the lower and upper ends."""
Clips: TypeAlias = Mapping[str, float | Sequence[Clip]]
"""By path, how far the grids of a kernel reach: one share, or what each layer has."""
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

    def __post_init__(self):
        _method_checks.not_negative("damping", self.damping)
        _checks.flag("act_order", self.act_order)
        _checks.integer("block", self.block, minimum=1)


@jax.tree_util.register_dataclass
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

    method: str = field(metadata={"static": True})
    bits_per_weight: float = field(metadata={"static": True})
    kernel_errors: Mapping[str, Array]
    losses: Array | np.ndarray = field(default_factory=lambda: np.zeros(0))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Quantized(Generic[Model]):
    """A model that computes on numbers of few bits, what is to be stored of it, and a report.

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
    online = place_quantizers(model, sites, precision).blocks.online
    model = without_quantizers(model)
    if gptq is None:
        changed, kernels = _nearest(model, sites, precision, clips or {})
    else:
        tokens = _system_checks.calibration(tokens, model)
        changed, kernels = _compensated(model, sites, tokens, precision, gptq, progress)
    before, after = parameters(model), parameters(changed)
    errors = {
        path: _relative_error(_params.at(before, path), _params.at(after, path))
        for path in sites.kernels
    }
    weights = sum(8 * kernel.nbytes / kernel.bits_per_weight for kernel in kernels.values())
    bits = 8 * sum(kernel.nbytes for kernel in kernels.values())
    share = bits / weights if weights else float("nan")
    report = Report(name, share, errors, np.zeros(0) if losses is None else losses)
    changed.blocks.online = nnx.data(with_clips(online, place_clips or {}))
    return Quantized(changed, kernels, report)


def check_plan(model: StackedModel, sites: ModelSites, precision: Precision) -> None:
    """Refuse, before any work, rules that do not fit the model or the way it is rounded."""
    _system_checks.planned(model, sites)
    layers = model.config.layers
    linears = [linear_name(path, layer) for path in sites.kernels for layer in range(layers)]
    used = {rule.module_path: any(map(rule.matches, linears)) for rule in precision.rules}
    _system_checks.of_some_linear(used, linears)
    place_quantizers(model, sites, precision)
    params = parameters(model)
    _system_checks.every_kernel(sites.kernels, params["blocks"])
    for path in sites.kernels:
        inputs = _params.at(params, path).shape[-2]
        for rule, (first, *_) in layers_by_rule(precision, path, layers):
            name, format = linear_name(path, first), rule.weight_qtype
            _system_checks.groups(name, "tile_size", rule.tile_size, inputs, format)


def stored_name(path: str, layer: int) -> str:
    """The name of one layer's kernel: "blocks.3.query.kernel"."""
    blocks, *rest = path.split(".")
    return ".".join([blocks, str(layer), *rest])


def _nearest(
    model: Model, sites: ModelSites, precision: Precision, clips: Clips
) -> tuple[Model, dict[str, QTensor]]:
    """Every kernel rounded to nearest."""
    params, packed, changed = parameters(model), {}, {}
    for path in sites.kernels:
        kernel = _params.at(params, path)
        for rule, layers in layers_by_rule(precision, path, model.config.layers):
            clip = _chosen(clips.get(path, rule.weight_clip), layers)
            found = _packed(kernel[np.asarray(layers)], clip, rule.weight_qtype, rule.weight_spec)
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


@functools.partial(jax.jit, static_argnums=(2, 3))
def _packed(kernel: Array, clip: Clip | None, format: Format, spec: ScaleSpec) -> QTensor:
    """Kernels (layers, in, out) rounded to nearest; clip None searches the best."""
    return rtn(kernel, format, spec, clip=clip)


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
            # What reads the same shares one factorization.
            joined = gptq_kernel(
                jnp.concatenate([kernels[path] for path in paths], axis=1),
                hessian,
                rule.weight_qtype,
                rule.weight_spec,
                clip=rule.weight_clip,
                damping=settings.damping,
                act_order=settings.act_order,
                block=settings.block,
            )
            start = 0
            for path in paths:
                found = joined.columns(start, start + kernels[path].shape[1])
                packed[stored_name(path, layer)] = found
                solved[path] = found.dequantize()
                start += found.n
        return solved

    return solve_kernels(model, sites, tokens, solve, progress=progress), packed


@jax.jit
def _relative_error(before: Array, after: Array) -> Array:
    """||W - W'|| / ||W|| of every layer."""
    axes = (-2, -1)
    gap = jnp.linalg.norm(before - after, axis=axes)
    return gap / jnp.maximum(jnp.linalg.norm(before, axis=axes), jnp.finfo(before.dtype).tiny)
