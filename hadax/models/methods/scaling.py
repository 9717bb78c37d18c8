"""SmoothQuant and AWQ: inputs scaled entry by entry, for free, before kernels are rounded."""

from dataclasses import dataclass
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from hadax._typing import Array, ArrayLike, KeyArray
from hadax.models.base import Model, StackedModel, parameters
from hadax.models.methods import _system_checks
from hadax.models.methods._finishing import (
    GPTQ,
    Clips,
    Progress,
    Quantized,
    check_plan,
    finished,
)
from hadax.models.methods._quantizers import layers_by_rule, without_quantizers
from hadax.models.moments import InputMoments, input_moments
from hadax.models.online import NOTHING
from hadax.operators.factories import diagonal
from hadax.quantization import _params
from hadax.quantization._params import Params
from hadax.quantization.formats import Format
from hadax.quantization.methods import _method_checks, awq_clip, awq_gains
from hadax.quantization.methods import smoothquant as smooth_site
from hadax.quantization.rules import Precision, QuantizationRule
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.sites import ModelSites, Site, fuse

Grid: TypeAlias = tuple[Format, ScaleSpec]


@dataclass(frozen=True)
class SmoothQuantConfig:
    """Settings of `smoothquant`.

    Args:
        precision: what is rounded to what.
        alpha: how much of what is hard to round goes from activations to weights, 0 to 1.
        gptq: how kernels are rounded; None rounds them to nearest.

    Example:
        >>> from hadax.models.methods import SmoothQuantConfig
        >>> from hadax.quantization import precision
        >>> SmoothQuantConfig(precision("W8A8")).alpha
        0.5
    """

    precision: Precision
    alpha: float = 0.5
    gptq: GPTQ | None = None

    def __post_init__(self):
        _method_checks.fraction("alpha", self.alpha)
        _system_checks.solver(self.gptq, GPTQ)


@dataclass(frozen=True)
class AWQConfig:
    """Settings of `awq`.

    Args:
        precision: what is rounded to what.
        unclipped: names of linears whose grids reach all of the range: AWQ takes queries and keys
            out of its search. Where a rule has a `weight_clip`, that holds.

    Example:
        >>> from hadax.models.methods import AWQConfig
        >>> from hadax.quantization import precision
        >>> AWQConfig(precision("W4A16", group=128)).unclipped
        ('query', 'key')
    """

    precision: Precision
    unclipped: tuple[str, ...] = ("query", "key")

    def __post_init__(self):
        _system_checks.names("unclipped", self.unclipped)


def smoothquant(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray | None,
    config: SmoothQuantConfig,
    *,
    progress: Progress = iter,
) -> Quantized[Model]:
    """The model with activations that are easier to round at the cost of its weights, rounded.

    Inputs of linears are divided by `hadax.quantization.methods.smoothing_gains` where that is
    free: in the gains of norms, and in kernels whose outputs the input is. Others stay.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to calibrate on.
        key: not looked at.
        config: what is rounded to what, and how much is moved.
        progress: what shows how far GPTQ is: it is given the layers.

    Returns:
        The quantized model, its packed kernels and a report.

    Raises:
        ValueError: no tokens, alpha outside its range, or rules that do not fit the model.

    Cost:
        `hadax.models.input_moments`, then `rtn` or `gptq`.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import SmoothQuantConfig, smoothquant
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = SmoothQuantConfig(precision("W8A8"))
        >>> found = smoothquant(llama, llama_sites(config), tokens, None, settings)
        >>> bool(abs(found.model(tokens) - llama(tokens)).max() < 0.3)
        True

    See Also:
        `hadax.quantization.methods.smoothquant`, of one vector; `awq`, for weights alone.

    References:
        Xiao et al. (2023), key `xiao2023`.
    """
    del key
    _system_checks.settings(config, SmoothQuantConfig)
    check_plan(model, sites, config.precision)
    tokens = _system_checks.calibration(tokens, model)
    model = without_quantizers(model)
    moments = jax.jit(input_moments)(model, tokens)
    params = parameters(model)
    # The last one first: a vector's gains change the kernels that write it, which read another.
    for site in reversed(_scalable(model, sites)):
        params = smooth_site(params, site, moments[site.name].peak, alpha=config.alpha)
    smooth = model.with_parameters(params)
    return finished(
        "smoothquant",
        smooth,
        sites,
        tokens,
        config.precision,
        gptq=config.gptq,
        progress=progress,
    )


def awq(
    model: Model,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray | None,
    config: AWQConfig,
    *,
    progress: Progress = iter,
) -> Quantized[Model]:
    """The model with more of the grid for inputs that are large on average, rounded to nearest.

    Kernels are multiplied by `hadax.quantization.methods.awq_gains`, and what they read divided,
    where that is free; then grids reach as far as `hadax.quantization.methods.awq_clip` says. Of
    each vector it is the error at the outputs of the linears that read it that is made small;
    AWQ's own code looks at the output of the attention and of the feed-forward part as a whole.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to calibrate on.
        key: not looked at.
        config: what is rounded to what.
        progress: not called.

    Returns:
        The quantized model, its packed kernels and a report.

    Raises:
        ValueError: no tokens, or rules that do not fit the model.

    Cost:
        `hadax.models.input_moments`, and 20 products of a Hessian and a kernel for each kernel.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import AWQConfig, awq
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> found = awq(llama, llama_sites(config), tokens, None, AWQConfig(precision("W4A16")))
        >>> found.report.method
        'awq'

    See Also:
        `hadax.quantization.methods.awq_gains` and `hadax.quantization.methods.awq_clip`, of one
        kernel; `smoothquant`, for activations that are rounded too.

    References:
        Lin et al. (2024), key `lin2024`.
    """
    del key, progress
    scaled, clips = awq_scaled(model, sites, tokens, config)
    return finished("awq", scaled, sites, None, config.precision, clips=clips)


def awq_scaled(
    model: Model, sites: ModelSites, tokens: ArrayLike, config: AWQConfig
) -> tuple[Model, Clips]:
    """The first half of `awq`: the same function, scaled for rounding, and how to clip it.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to calibrate on.
        config: what is to be rounded to what.

    Returns:
        A model with the same outputs up to round-off and, by path, the share of the range that the
        grids of a kernel reach in each layer.

    Raises:
        ValueError: no tokens, or rules that do not fit the model.

    Cost:
        That of `awq`.

    Example:
        >>> import jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import AWQConfig, awq_scaled
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = AWQConfig(precision("W4A16"))
        >>> scaled, clips = awq_scaled(llama, llama_sites(config), tokens, settings)
        >>> bool(abs(scaled(tokens) - llama(tokens)).max() < 1e-4), len(clips)
        (True, 7)

    See Also:
        `awq`.
    """
    _system_checks.settings(config, AWQConfig)
    check_plan(model, sites, config.precision)
    _system_checks.linears_of(config.unclipped, {_last_name(path) for path in sites.kernels})
    tokens = _system_checks.calibration(tokens, model)
    model = without_quantizers(model)
    moments = jax.jit(input_moments)(model, tokens)
    params: Params = parameters(model)
    clips: dict[str, float | list[Array | float]] = {}
    scalable = _scalable(model, sites)
    for site in sites.inputs:
        hessian = moments[site.name].hessian
        if site in scalable:
            gains = _gains(params, site, moments[site.name], config.precision)
            params = fuse(params, site, jax.vmap(diagonal)(1 / gains))
            hessian = hessian / (gains[:, :, None] * gains[:, None, :])
        for path in site.readers:
            searches = _last_name(path) not in config.unclipped
            kernel = _params.at(params, path)
            clips[path] = _clips(kernel, path, hessian, config.precision, searches)
    return model.with_parameters(params), clips


def _scalable(model: StackedModel, sites: ModelSites) -> list[Site]:
    """What can be scaled for free: where an operator acts in between, it is what writes."""
    online = model.blocks.online
    return [
        site
        for site in sites.inputs
        if site.writers and all(online.get(p, NOTHING).transform is None for p in site.places)
    ]


def _gains(params: Params, site: Site, moments: InputMoments, precision: Precision) -> Array:
    """The gains (layers, in) of one vector, for those of its readers that are rounded; 1 in layers
    where none is."""
    kernels = {path: _params.at(params, path) for path in site.readers}
    first = kernels[site.readers[0]]
    gains = jnp.ones(first.shape[:-1], first.dtype)
    # Where they are rounded differently, the grid of the first one stands for all.
    grids: dict[int, Grid] = {}
    rounded: dict[int, tuple[str, ...]] = {}
    for path in site.readers:
        for rule, layers in layers_by_rule(precision, path, len(gains)):
            for layer in layers:
                grids.setdefault(layer, _grid(rule))
                rounded[layer] = (*rounded.get(layer, ()), path)
    alike: dict[tuple[Grid, tuple[str, ...]], list[int]] = {}
    for layer, grid in grids.items():
        alike.setdefault((grid, rounded[layer]), []).append(layer)
    for (grid, paths), members in alike.items():
        at = np.asarray(members)
        joined = jnp.concatenate([kernels[path][at] for path in paths], axis=-1)
        found = awq_gains(joined, moments.magnitude[at], moments.hessian[at], *grid)
        gains = gains.at[at].set(found.astype(first.dtype))
    return gains


def _clips(
    kernel: Array, path: str, hessian: Array, precision: Precision, searches: bool
) -> list[Array | float]:
    """How far the grids of a kernel's layers reach."""
    clips: list[Array | float] = [1.0] * len(kernel)
    for rule, layers in layers_by_rule(precision, path, len(kernel)):
        at, (format, spec) = np.asarray(layers), _grid(rule)
        if searches and rule.weight_clip is None:
            found = awq_clip(kernel[at], hessian[at], format, spec)
        else:
            found = jnp.full((len(layers), 1, 1), rule.weight_clip or 1.0)
        for layer, clip in zip(layers, found, strict=True):
            clips[layer] = clip
    return clips


def _grid(rule: QuantizationRule) -> Grid:
    """The grid of a rule that rounds kernels."""
    assert rule.weight_qtype is not None
    return rule.weight_qtype, rule.weight_spec


def _last_name(path: str) -> str:
    """What rules and tables call a linear: "query" of "blocks.query.kernel"."""
    return path.split(".")[-2]
