"""Learning the maps and the clips of one block, from what it reads and what it should write."""

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from hadax._typing import Array
from hadax.models._placing import placed
from hadax.models.base import StackedBlock
from hadax.models.methods._affine_maps import Factor, Frames, Map, operators, unturned
from hadax.models.methods._quantizers import rule_of, with_clips
from hadax.quantization import _params
from hadax.quantization.clipping import LEARNED_START, learned_clip
from hadax.quantization.formats import Format
from hadax.quantization.methods import smoothing_gains
from hadax.quantization.rules import Precision
from hadax.quantization.scales import ScaleSpec
from hadax.quantization.simulated import simulate
from hadax.quantization.sites import ModelSites, Site, fuse

Parameters: TypeAlias = dict[str, Any]
"""What is learned of a block: under "maps" the maps by site, under "kernels" and "places" the
logits of lower and upper clips, by path (2, 1, out) and by place (2,)."""

_WEIGHT_DECAY = 0.01
_LAST_RATE = 1e-3


class Plan(NamedTuple):
    """What is learned in a block, and how its kernels are rounded; static."""

    maps: tuple[Map, ...]
    kernels: tuple[tuple[str, Format, ScaleSpec], ...]


class Rates(NamedTuple):
    """How far a first step goes at most; static."""

    maps: float
    clips: float


def plan_of(sites: ModelSites, maps: tuple[Map, ...], precision: Precision, layer: int) -> Plan:
    """What there is to do in one block."""

    def kernels() -> Iterator[tuple[str, Format, ScaleSpec]]:
        for path in sites.kernels:
            rule = rule_of(precision, path, layer)
            if rule.weight_qtype is not None:
                yield path, rule.weight_qtype, rule.weight_spec

    return Plan(maps, tuple(kernels()))


@jax.jit
def followed(block: StackedBlock, stream: Array) -> tuple[Array, dict[str, Array]]:
    """What a block makes of all windows, and the largest magnitudes that its linears read."""

    def of_window(window: Array) -> tuple[Array, dict[str, Array]]:
        after, inputs = block(window)
        return after, {site: jnp.max(jnp.abs(x), axis=0) for site, x in inputs.items()}

    after, peaks = jax.lax.map(of_window, stream)
    return after, jax.tree.map(lambda peak: jnp.max(peak, axis=0), peaks)


@functools.partial(jax.jit, static_argnames=("sites", "maps", "smoothing"))
def start(
    block: StackedBlock,
    sites: ModelSites,
    maps: tuple[Map, ...],
    peaks: dict[str, Array],
    *,
    smoothing: float,
) -> Parameters:
    """Rotations, scales as SmoothQuant's, and clips that hardly clip."""
    params = _parameters(block)
    dtype = next(iter(peaks.values())).dtype

    def first(site: Site, lengths: tuple[int, ...]) -> tuple[Factor, ...] | Array:
        if lengths:
            return unturned(lengths, dtype)
        kernel = jnp.concatenate([_params.at(params, path) for path in site.readers], axis=-1)
        log = -jnp.log(smoothing_gains(kernel, peaks[site.name], alpha=smoothing))
        return (log - jnp.mean(log)).astype(dtype)  # a common factor would change nothing

    places = [*(place for site in sites.inputs for place in site.places), *sites.cache]
    return {
        "maps": {site.name: first(site, lengths) for site, lengths in maps},
        "kernels": {
            path: jnp.full((2, 1, _params.at(params, path).shape[-1]), LEARNED_START, dtype)
            for path in sites.kernels
        },
        "places": {place: jnp.full(2, LEARNED_START, dtype) for place in places},
    }


@functools.partial(jax.jit, static_argnames=("plan", "rates"))
def learn(
    block: StackedBlock,
    stream: Array,
    wanted: Array,
    batches: Array,
    begin: Parameters,
    frames: Frames,
    *,
    plan: Plan,
    rates: Rates,
) -> tuple[Parameters, Array]:
    """What is learned of a block in as many steps as there are batches (steps, windows) of the
    windows, and its error relative to what the block adds, at first and at last."""
    schedules = {
        part: optax.cosine_decay_schedule(rate, len(batches), _LAST_RATE)
        for part, rate in rates._asdict().items()
    }
    optimizer = optax.partition(
        {
            part: optax.adamw(schedule, weight_decay=_WEIGHT_DECAY)
            for part, schedule in schedules.items()
        },
        {"maps": "maps", "kernels": "clips", "places": "clips"},
    )

    def loss(learned: Parameters, x: Array, y: Array) -> Array:
        found, _ = rounded_block(block, learned, frames, plan)(x)
        value = jnp.mean(jnp.square(found - y))
        # Blocks differ in size by orders of magnitude; so no rate has to know of it.
        least = jnp.finfo(value.dtype).tiny
        return value / jnp.maximum(jax.lax.stop_gradient(value), least)

    def step(carry: tuple[Parameters, Any], batch: Array) -> tuple[tuple[Parameters, Any], None]:
        learned, state = carry
        gradient = jax.grad(loss)(learned, stream[batch], wanted[batch])
        with jax.numpy_dtype_promotion("standard"):  # optax takes integer powers of its decays
            updates, state = optimizer.update(gradient, state, learned)
        moved: Any = optax.apply_updates(learned, updates)
        return (moved, state), None

    def error(learned: Parameters) -> Array:
        rounded = rounded_block(block, learned, frames, plan)
        missed = jax.lax.map(lambda pair: _squares(rounded(pair[0])[0] - pair[1]), (stream, wanted))
        return jnp.sum(missed) / _squares(wanted - stream)

    (end, _), _ = jax.lax.scan(step, (begin, optimizer.init(begin)), batches)
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), begin, end)
    return end, jax.lax.map(error, both)


def rounded_block(
    block: StackedBlock, learned: Parameters, frames: Frames, plan: Plan
) -> StackedBlock:
    """The block with its maps, its kernels rounded and its quantizers clipped as is learned."""
    ops = operators(plan.maps, learned["maps"], frames)
    params, online = _parameters(block), dict(block.online)
    for site, _ in plan.maps:
        params = fuse(params, replace(site, layered=False), ops[site.name])
        online = placed(online, site, ops[site.name])
    rounded = {
        path: simulate(
            _params.at(params, path),
            format,
            spec,
            clip=kernel_clip(learned["kernels"][path], format),
            gradient="clamp",
        )
        for path, format, spec in plan.kernels
    }
    clips = {place: tuple(learned_clip(pair)) for place, pair in learned["places"].items()}
    result: Any = jax.tree.map(lambda leaf: leaf, block)
    state = nnx.state(result, nnx.Param)
    nnx.replace_by_pure_dict(state, _params.replaced(params, rounded)["blocks"])
    nnx.update(result, state)
    result.online = nnx.data(with_clips(online, clips, gradient="clamp"))
    return result


def kernel_clip(logits: Array, format: Format) -> Array | tuple[Array, Array]:
    """The clip of a kernel's grid: one for both ends where they are symmetric."""
    lower, upper = learned_clip(logits)
    return upper if format.symmetric else (lower, upper)


def _parameters(block: StackedBlock) -> dict[str, Any]:
    """The arrays of one block by the paths of its model."""
    return {"blocks": nnx.to_pure_dict(nnx.state(block, nnx.Param))}


def _squares(x: Array) -> Array:
    """The sum of squares."""
    return jnp.sum(jnp.square(x))
