"""SpinQuant: rotations that are learned, so that a rounded model predicts well."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from hadax import _checks
from hadax._typing import Array, ArrayLike, KeyArray
from hadax.models.base import parameters
from hadax.models.llama import Llama
from hadax.models.methods import _system_checks
from hadax.models.methods._chosen_sites import rotated_names
from hadax.models.methods._finishing import GPTQ, Progress, Quantized, check_plan, finished
from hadax.models.methods._quantizers import layers_by_rule, place_quantizers
from hadax.models.methods.rotating import hadamard_or_haar
from hadax.models.online import Online
from hadax.models.rotation import Factory, draw_rotations, rotate
from hadax.operators.base import LinearOperator
from hadax.operators.elementary import Dense
from hadax.quantization import _params
from hadax.quantization.clipping import best_clip
from hadax.quantization.rules import Precision
from hadax.quantization.simulated import simulate
from hadax.quantization.sites import ModelSites, Site, fold_norms, untie
from hadax.quantization.stiefel import stiefel_step

Rotations = dict[str, Array]
# By kernel and rule, in the order of `layers_by_rule`.
Clips = Sequence[Array | float]


@dataclass(frozen=True)
class SpinQuantConfig:
    """Settings of `spinquant`.

    Args:
        precision: what is rounded to what.
        make: factory of the rotations to start from, and of those that stay in the model.
        steps: how many steps of gradient descent.
        rate: the longest step; it falls to 0 along a cosine.
        batch: windows of the text a step.
        rounds_weights: whether weights are rounded while rotations are learned, to grids whose
            reach is searched for once, at the start. SpinQuant leaves them where GPTQ is to round
            them.
        names: of the sites that are rotated. None takes what SpinQuant does: all but the mixing of
            heads, and "keys" only if keys are rounded.
        gptq: how kernels are rounded in the end; None rounds them to nearest.

    Example:
        >>> from hadax.models.methods import SpinQuantConfig
        >>> from hadax.quantization import precision
        >>> SpinQuantConfig(precision("W4A4")).rate
        1.5
    """

    precision: Precision
    make: Factory = hadamard_or_haar
    steps: int = 100
    rate: float = 1.5
    batch: int = 8
    rounds_weights: bool = False
    names: tuple[str, ...] | None = None
    gptq: GPTQ | None = field(default_factory=GPTQ)

    def __post_init__(self):
        _checks.integer("steps", self.steps, minimum=1)
        _checks.integer("batch", self.batch, minimum=1)
        _system_checks.positive("rate", self.rate)
        _system_checks.solver(self.gptq, GPTQ)
        if self.names is not None:
            _system_checks.names("names", self.names)


def spinquant(
    model: Llama,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray,
    config: SpinQuantConfig,
    *,
    progress: Progress = iter,
) -> Quantized[Llama]:
    r"""The model in rotated coordinates that were learned, rounded.

    The rotations that can be folded into kernels, of the residual stream and of each layer's value
    heads, go down the cross-entropy of the next token in the rounded model, on the manifold of
    orthogonal matrices: X moves along $-\nabla$ by `hadax.quantization.stiefel_step`. Rounding is
    passed straight through. The rotations that stay in the model, of hidden vectors and keys, and
    what mixes heads if it is asked for, are random and stay so.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to learn and to calibrate on.
        key: a new-style PRNG key, of the rotations to start from and of the order of windows.
        config: what is rounded to what, and how long to learn.
        progress: what shows how far it is: it is given the steps, then the layers of GPTQ.

    Returns:
        The quantized model, its packed kernels and a report with the loss before every step.

    Raises:
        TypeError: key is no new-style key, or the model predicts no tokens.
        ValueError: no tokens, settings outside their range, a length that `make` has no operator
            of, rules that do not fit the model, or nothing that is rounded while it learns.

    Cost:
        A step is four forward passes over its windows, and one fold of every kernel and back.
        Memory: three copies of the blocks, and one residual stream a layer.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import SpinQuantConfig, spinquant
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = SpinQuantConfig(precision("W16A4"), steps=2)
        >>> found = spinquant(llama, llama_sites(config), tokens, jax.random.key(0), settings)
        >>> found.report.losses.shape
        (2,)

    See Also:
        `quarot`, which it starts from; `hadax.optax.stiefel_sgd`, to learn rotations of one's own.

    References:
        Liu et al. (2025), key `liu2025`; Li, Fuxin and Todorovic (2020), key `li2020`.
    """
    rotated, losses = spinquant_rotated(model, sites, tokens, key, config, progress=progress)
    return finished(
        "spinquant",
        rotated,
        sites,
        tokens,
        config.precision,
        gptq=config.gptq,
        losses=losses,
        progress=progress,
    )


def spinquant_rotated(
    model: Llama,
    sites: ModelSites,
    tokens: ArrayLike,
    key: KeyArray,
    config: SpinQuantConfig,
    *,
    progress: Progress = iter,
) -> tuple[Llama, np.ndarray]:
    """The model in the coordinates that `spinquant` learns, before anything is rounded.

    Args:
        model: the model; it is left as it is.
        sites: its table, as `hadax.models.llama_sites` gives it.
        tokens: integer array (windows, time) of the text to learn on.
        key: a new-style PRNG key, of the rotations to start from and of the order of windows.
        config: what is to be rounded to what, and how long to learn.
        progress: what shows how far it is: it is given the steps.

    Returns:
        A model with the same outputs up to round-off, and the loss before every step.

    Raises:
        TypeError: as `spinquant`.
        ValueError: as `spinquant`.

    Cost:
        That of `spinquant` without its rounding.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flax import nnx
        >>> from hadax.models import Llama, LlamaConfig, llama_sites
        >>> from hadax.models.methods import SpinQuantConfig, spinquant_rotated
        >>> from hadax.quantization import precision
        >>> config = LlamaConfig(vocabulary=16, width=8, layers=2, heads=4, kv_heads=2,
        ...                      head_width=2, hidden=12)
        >>> llama, tokens = Llama(config, rngs=nnx.Rngs(0)), jnp.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        >>> settings = SpinQuantConfig(precision("W16A4"), steps=2)
        >>> rotated, losses = spinquant_rotated(
        ...     llama, llama_sites(config), tokens, jax.random.key(0), settings)
        >>> bool(abs(rotated(tokens) - llama(tokens)).max() < 1e-4), losses.shape
        (True, (2,))

    See Also:
        `spinquant`.
    """
    _system_checks.predicts(model)
    tokens = _system_checks.calibration(tokens, model)
    _system_checks.settings(config, SpinQuantConfig)
    check_plan(model, sites, config.precision)
    rounded = [rule.act_qtype for rule in config.precision.rules] + [config.precision.kv_qtype]
    is_rounded = any(kind is not None for kind in rounded)
    _system_checks.has_errors(config.rounds_weights or is_rounded)
    layers = model.config.layers
    names = config.names
    if names is None:
        chosen = rotated_names(sites, config.precision)
        names = tuple(name for name in chosen if sites[name].stride == 1)
    # The draws are those of `quarot` with this key; the order of windows comes after all sites.
    drawn = draw_rotations(_checks.key(key), sites, layers, config.make, names=names)
    key_order = jax.random.fold_in(key, len(sites.sites))
    fixed = {name: op for name, op in drawn.items() if sites[name].is_online}
    start = {name: _matrices(op, sites[name]) for name, op in drawn.items() if name not in fixed}
    folded = model.with_parameters(fold_norms(untie(parameters(model), sites), sites))
    base = rotate(folded, sites, fixed)
    clips = None
    if config.rounds_weights:
        first = rotate(base, sites, {name: _rotation(x) for name, x in start.items()})
        clips = _searched(first, sites, config.precision)
    online = dict(place_quantizers(base, sites, config.precision).blocks.online)
    learned, losses = start, []
    for i in progress(range(config.steps)):
        batch = jax.random.choice(
            jax.random.fold_in(key_order, i), len(tokens), (min(config.batch, len(tokens)),), False
        )
        learned, loss = _step(learned, base, online, clips, tokens[batch], i, sites, config)
        losses.append(loss)
    rotations = {name: _rotation(_polar(x)) for name, x in learned.items()}
    return rotate(base, sites, rotations), np.asarray(losses)


def _matrices(op: LinearOperator, site: Site) -> Array:
    """A rotation as a matrix, or those of all layers."""
    return jax.vmap(type(op).as_matrix)(op) if site.layered else op.as_matrix()


def _rotation(matrix: Array) -> LinearOperator:
    """A matrix, or one a layer, as an operator whose inverse is its transpose."""
    return Dense(matrix, orthogonal=True)


def _polar(matrix: Array) -> Array:
    """The nearest orthogonal matrix: what many steps in 32 bits have lost comes back."""
    u, _, v = np.linalg.svd(np.asarray(matrix, np.float64))
    return jnp.asarray(u @ v, matrix.dtype)


@partial(jax.jit, static_argnums=(6, 7))
def _step(
    learned: Rotations,
    base: Llama,
    online: dict[str, Online],
    clips: Clips | None,
    windows: Array,
    i: ArrayLike,
    sites: ModelSites,
    config: SpinQuantConfig,
) -> tuple[Rotations, Array]:
    """One step: the rotations after it, and the loss before it."""
    # Neither embedding nor head is rounded, so the stream is rotated after the one and back before
    # the other, which costs less than folding into them at every step.
    inside = ModelSites(
        tuple(_within_blocks(site) for site in sites.sites), (), None, sites.inputs, sites.cache
    )

    def loss(learned: Rotations) -> Array:
        ops = {name: _rotation(matrix) for name, matrix in learned.items()}
        rotated = rotate(base, inside, ops)
        if clips is not None:
            rotated = _with_rounded_weights(rotated, sites, config.precision, clips)
        rotated.blocks.online = nnx.data(online)
        around = [op for name, op in ops.items() if sites[name].orthogonal]

        @jax.checkpoint
        def block(x: Array, block: nnx.Module) -> tuple[Array, None]:
            return block(x)[0], None

        def of_window(window: Array) -> Array:
            x = base.stream(window[:-1])
            for op in around:
                x = op(x)
            x, _ = jax.lax.scan(block, x, rotated.blocks)
            for op in around[::-1]:
                x = op.T(x)
            return optax.softmax_cross_entropy_with_integer_labels(base.logits(x), window[1:])

        return jnp.mean(jax.lax.map(jax.checkpoint(of_window), windows))

    value, gradient = jax.value_and_grad(loss)(learned)
    rate = optax.cosine_decay_schedule(config.rate, config.steps)(i)
    moved = {
        name: stiefel_step(matrix, -gradient[name], rate)[0] for name, matrix in learned.items()
    }
    return moved, value


def _within_blocks(site: Site) -> Site:
    """The site without embedding and head."""
    writers, readers = (
        tuple(path for path in paths if path.startswith("blocks."))
        for paths in (site.writers, site.readers)
    )
    # Its norms are folded already.
    return replace(site, writers=writers, readers=readers)


def _searched(model: Llama, sites: ModelSites, precision: Precision) -> Clips:
    """How far the grids of kernels are to reach, found once for the rotations to start from."""
    params, clips = parameters(model), []
    for path in sites.kernels:
        kernel = _params.at(params, path)
        for rule, layers in layers_by_rule(precision, path, model.config.layers):
            assert rule.weight_qtype is not None
            alike = kernel[np.asarray(layers)]
            reach = rule.weight_clip or best_clip(alike, rule.weight_qtype, rule.weight_spec)
            clips.append(reach)
    return clips


def _with_rounded_weights(
    model: Llama, sites: ModelSites, precision: Precision, clips: Clips
) -> Llama:
    """Kernels on grids that reach as far as is said; gradients pass straight through."""
    params = parameters(model)
    changed, clip = {}, iter(clips)
    for path in sites.kernels:
        kernel = _params.at(params, path)
        for rule, layers in layers_by_rule(precision, path, model.config.layers):
            assert rule.weight_qtype is not None
            at = np.asarray(layers)
            rounded = simulate(kernel[at], rule.weight_qtype, rule.weight_spec, clip=next(clip))
            kernel = kernel.at[at].set(rounded)
        changed[path] = kernel
    return model.with_parameters(_params.replaced(params, changed))
