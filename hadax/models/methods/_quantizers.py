"""Rules read layer by layer, and the quantizers of activations that they ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

import jax.numpy as jnp
from flax import nnx

from hadax._typing import Array
from hadax.models.base import Model, parameters
from hadax.models.methods import _system_checks
from hadax.models.online import NOTHING, ActivationQuantizer, Online, activation_quantizer
from hadax.quantization import _params
from hadax.quantization.formats import Format
from hadax.quantization.rules import Precision, QuantizationRule
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.simulated import Gradient
from hadax.quantization.sites import ModelSites

PlaceClips: TypeAlias = Mapping[str, tuple[Array, Array]]
"""By place, how far the grids of its quantizers reach below and above; (layers,) each."""
ActivationRounding: TypeAlias = tuple[Format, float, ScaleSpec]


def place_quantizers(model: Model, sites: ModelSites, precision: Precision) -> Model:
    """The model with quantizers of activations, keys and values; kernels stay.

    Args:
        model: the model; it is left as it is. Quantizers that it has are replaced.
        sites: its table, as `hadax.models.llama_sites` gives it.
        precision: what is rounded to what.

    Returns:
        A new model.

    Raises:
        ValueError: other formats of activations for linears that read the same vector, groups that
            do not divide it in a format that cannot have a shorter one, or a format of keys and
            values for a model that keeps none.

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
    layers, params = model.config.layers, parameters(model)
    changed = model.with_parameters(params)
    online = dict(changed.blocks.online)
    for site in sites.inputs:
        width = _params.at(params, site.readers[0]).shape[-2]
        rules = [_reading(precision, site.readers, layer, width) for layer in range(layers)]
        kinds = [_rounding(rule) for rule in rules]
        quantizers = tuple(
            _switched(kind, [kind == other for other in kinds])
            for kind in sorted({kind for kind in kinds if kind is not None}, key=repr)
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


def _rounding(rule: QuantizationRule) -> ActivationRounding | None:
    """How what a linear reads is rounded; None where it is left."""
    return rule.act_qtype and (rule.act_qtype, rule.act_clip, rule.act_spec)


def _switched(kind: ActivationRounding, on: list[bool]) -> ActivationQuantizer:
    """A quantizer that is on in some layers."""
    format, clip, spec = kind
    found = activation_quantizer(format, spec, layers=len(on), clip=clip)
    return replace(found, on=jnp.asarray(on))


def _reading(
    precision: Precision, readers: tuple[str, ...], layer: int, width: int
) -> QuantizationRule:
    """What is said of the vector, of this width, that all of these read."""
    rules = {path: rule_of(precision, path, layer) for path in readers}
    _system_checks.agreed(layer, {path: _rounding(rule) for path, rule in rules.items()})
    name, rule = linear_name(readers[0], layer), rules[readers[0]]
    _system_checks.groups(name, "act_tile_size", rule.act_tile_size, width, rule.act_qtype)
    return rule


def without_quantizers(model: Model) -> Model:
    """The model with what transforms vectors, and nothing that rounds them."""
    changed = model.with_parameters(parameters(model))
    online = {place: replace(what, quantizers=()) for place, what in changed.blocks.online.items()}
    changed.blocks.online = nnx.data(online)
    return changed


def linear_name(path: str, layer: int) -> str:
    """What rules call the linear of "blocks.query.kernel" in a layer: "blocks/3/query"."""
    blocks, *names, _ = path.split(".")
    return "/".join([blocks, str(layer), *names])


def rule_of(precision: Precision, path: str, layer: int) -> QuantizationRule:
    """The rule of a kernel of a layer."""
    return precision.rule(linear_name(path, layer))


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
